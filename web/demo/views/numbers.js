// The measured speeds: a column for each mode, of the last run that used it.
import { element, note, say } from '../parts/dom.js';
import { MODES, contrast, lastPoint } from '../curves.js';
import { tokensInWords } from '../words.js';
import { counted, measured } from '../../measure/numbers.js';

/**
 * @import { Contrast, Curves, Mode } from '../curves.js'
 * @import { View } from '../player.js'
 * @import { Column } from '../run.js'
 */

const FEW = 8; // tokens: a pass over fewer says nothing about the speed of reading
const NONE = '–';

/**
 * @typedef {[words: string, title: string]} Cell
 * @typedef {{ mode: Mode, curves: Curves, both?: Contrast }} Place  both: where the modes are compared
 */

/** @type {{ key: string, name: string, note?: string, cell: (column: Column, place: Place) => Cell }[]} */
const ROWS = [
  { key: 'prefill', name: 'Prefill', note: 'reading the prompt', cell: prefillCell },
  { key: 'now', name: 'Decode', note: 'writing, now', cell: nowCell },
  { key: 'same', name: 'Decode', note: 'at the same position', cell: sameCell },
  { key: 'ms', name: 'Time per token', note: 'now', cell: timeCell },
  { key: 'work', name: 'Work per token', note: 'tokens computed', cell: workCell },
];

/** @type {View} */
export const numbers = {
  name: 'numbers',
  mount(root) {
    const rows = ROWS.map((row) => {
      const [on, off] = MODES.map((mode) => element('td', { part: `${row.key}-${mode}` }));
      return { ...row, cells: { on, off } };
    });
    root.append(element('table', { class: 'numbers' },
      element('caption', { class: 'visually-hidden' }, 'Measured speeds'),
      element('thead', {}, element('tr', {}, element('td'),
        ...MODES.map((mode) => element('th', { scope: 'col', class: mode }, `cache ${mode}`)))),
      element('tbody', {}, ...rows.map(({ name, note: words = '', cells }) => element('tr', {},
        element('th', { scope: 'row' }, `${name} `, note(words)), cells.on, cells.off)))));
    return ({ columns, curves }) => {
      const both = contrast(curves);
      for (const { cell, cells } of rows) {
        for (const mode of MODES) say(cells[mode], ...cell(columns[mode], { mode, curves, both }));
      }
    };
  },
};

/** @param {Column} column  @returns {Cell} */
function prefillCell({ prefill }) {
  if (!prefill) return [NONE, ''];
  const { tokens, reused, ms, passes, error } = prefill;
  const read = tokens - reused;
  if (reused > 0 && read < FEW) return ['reused', `only ${tokensInWords(read)} had to be read`];
  const mean = passes > 1 ? `, the mean of ${counted(passes)} times` : '';
  const title = `${tokensInWords(read)} in ${measured(ms, error)} ms, all in one pass${mean}`;
  return [`${measured(1000 * read / ms, error)} /s`, title];
}

/** @param {Column} column  @returns {Cell} */
function nowCell({ meter: { now, recent } }) {
  if (!now) return [NONE, ''];
  const bursts = recent.map(({ tokens, ms }) => `${tokensInWords(tokens)} in ${measured(ms)} ms`);
  return [`${measured(now)} /s`, `the middle of what was last computed in a row: ${bursts.join(', ')}`];
}

/**
 * Where both were measured, or else where this one was last.
 * @param {Column} _column  @param {Place} place  @returns {Cell}
 */
function sameCell(_column, { mode, curves, both }) {
  if (both) {
    const where = both.atFlip ? 'at the flip of the switch, at' : 'around';
    return [`${measured(both[mode])} /s`, `${where} position ${counted(both.position)}`];
  }
  const last = lastPoint(curves, mode);
  return last ? [`${measured(last.speed)} /s`, `at position ${counted(last.position)}`] : [NONE, ''];
}

/** @param {Column} column  @returns {Cell} */
function timeCell({ meter: { now } }) {
  return [now ? `${measured(1000 / now)} ms` : NONE, '1 divided by tokens per second, now'];
}

/** @param {Column} column  @param {Place} place  @returns {Cell} */
function workCell({ work }, { mode }) {
  const title = mode === 'on' ? 'only the new token runs through the model'
    : 'the whole text runs through the model again';
  return [work ? counted(work) : NONE, title];
}
