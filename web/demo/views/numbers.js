// The measured speeds: a column for each mode, of the last run that used it.
import { element, note, say } from '../parts/dom.js';
import { MODES } from '../curves.js';
import { WINDOW, medianSpeed } from '../meter.js';
import { tokensInWords } from '../words.js';
import { counted, measured } from '../../measure/numbers.js';

/**
 * @import { Prefill } from '../../worker/messages.js'
 * @import { Mode } from '../curves.js'
 * @import { View } from '../player.js'
 * @import { Column } from '../run.js'
 */

const FEW = 8; // tokens: a pass over fewer says nothing about the speed of reading
const NONE = '–';

/** @typedef {[words: string, title: string]} Cell */

/** @type {{ key: string, name: string, note?: string, cell: (column: Column, mode: Mode) => Cell }[]} */
const ROWS = [
  { key: 'prefill', name: 'Prefill', note: 'reading the prompt', cell: prefillCell },
  { key: 'now', name: 'Decode', note: 'writing, now', cell: nowCell },
  { key: 'median', name: 'Decode', note: 'median', cell: medianCell },
  { key: 'ms', name: 'Time per token', cell: timeCell },
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
    return ({ columns }) => {
      for (const { cell, cells } of rows) {
        for (const mode of MODES) say(cells[mode], ...cell(columns[mode], mode));
      }
    };
  },
};

/** @param {Column} column  @returns {Cell} */
function prefillCell({ prefill }) {
  if (!prefill) return [NONE, ''];
  const read = prefill.tokens - prefill.reused;
  const title = `${tokensInWords(read)} in ${measured(prefill.ms)} ms, all in one pass`;
  return [prefillWords(prefill, read), title];
}

/** @param {Prefill} prefill  @param {number} read  tokens */
function prefillWords({ reused, ms }, read) {
  if (reused > 0 && read < FEW) return 'reused';
  return ms > 0 ? `${measured(1000 * read / ms)} /s` : 'too fast'; // for the clock
}

/** @param {Column} column  @returns {Cell} */
function nowCell({ meter: { now, count } }) {
  const tokens = tokensInWords(Math.min(WINDOW, count));
  const title = `mean of the last ${tokens}, without those that were interrupted`;
  return [now ? `${measured(now)} /s` : NONE, title];
}

/** @param {Column} column  @returns {Cell} */
function medianCell({ meter }) {
  const speed = medianSpeed(meter);
  const windows = meter.speeds.length;
  const several = `median of ${counted(windows)} window${windows === 1 ? '' : 's'} of ${WINDOW} tokens`;
  const title = windows > 0 ? several : `needs a window of ${WINDOW} tokens`;
  return [speed ? `${measured(speed)} /s` : NONE, title];
}

/** @param {Column} column  @returns {Cell} */
function timeCell({ meter: { now } }) {
  return [now ? `${measured(1000 / now)} ms` : NONE, '1 divided by tokens per second, now'];
}

/** @param {Column} column  @param {Mode} mode  @returns {Cell} */
function workCell({ work }, mode) {
  const title = mode === 'on' ? 'only the new token runs through the model'
    : 'the whole text runs through the model again';
  return [work ? counted(work) : NONE, title];
}
