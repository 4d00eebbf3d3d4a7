// The measured speeds: a column for each mode, of the last run that used it.
import { element, note, say } from '../parts/dom.js';
import { MODES, contrast, lastPoint } from '../curves.js';
import { readsSource } from '../recorded.js';
import { readIn } from '../run.js';

/**
 * @import { Contrast, Curves, Mode } from '../curves.js'
 * @import { View } from '../view.js'
 * @import { Column } from '../run.js'
 * @import { Dictionary } from '../words/en.js'
 */

const FEW = 8; // tokens: a pass over fewer says nothing about the speed of reading
const NONE = ''; // a number that does not exist yet

/**
 * @typedef {[words: string, title: string]} Cell
 * @typedef {{ mode: Mode, curves: Curves, both?: Contrast, words: Dictionary }} Place
 *   both: where the modes are compared
 */

/** @type {{ key: keyof Dictionary['numbers']['lines'], cell: (column: Column, place: Place) => Cell }[]} */
const ROWS = [
  { key: 'prefill', cell: prefillCell },
  { key: 'now', cell: nowCell },
  { key: 'same', cell: sameCell },
  { key: 'ms', cell: timeCell },
  { key: 'work', cell: workCell },
];

/** @type {View} */
export const numbers = {
  name: 'numbers',
  mount(root, { words }) {
    const { caption, lines } = words.numbers;
    const rows = ROWS.map((row) => {
      const [on, off] = MODES.map((mode) => element('td', { part: `${row.key}-${mode}` }));
      return { ...row, means: note(lines[row.key].means), cells: { on, off } };
    });
    const [{ means: read }] = rows;
    root.append(element('table', { class: 'numbers' },
      element('caption', { class: 'visually-hidden' }, caption),
      element('thead', {}, element('tr', {}, element('td'),
        ...MODES.map((mode) => element('th', { scope: 'col', class: mode }, words.cache[mode])))),
      element('tbody', {}, ...rows.map(({ key, means, cells: { on, off } }) => element('tr', {},
        element('th', { scope: 'row' }, `${lines[key].name} `, means), on, off)))));
    return (state) => {
      const { columns, curves } = state;
      say(read, readsSource(state) ? words.numbers.readsSource : lines.prefill.means);
      const both = contrast(curves);
      for (const { cell, cells } of rows) {
        for (const mode of MODES) say(cells[mode], ...cell(columns[mode], { mode, curves, both, words }));
      }
    };
  },
};

/** @param {Column} column  @param {Place} place  @returns {Cell} */
function prefillCell({ prefill }, { words: { numbers: said, perSecond } }) {
  if (!prefill) return [NONE, ''];
  const { reused, sourceKept, ms, passes, error } = prefill;
  const read = readIn(prefill);
  if ((reused > 0 || sourceKept) && read < FEW) return [said.reused, said.reusedMeans(read)];
  return [perSecond(1000 * read / ms, error), said.prefillMeans(read, ms, error, passes)];
}

/** @param {Column} column  @param {Place} place  @returns {Cell} */
function nowCell({ meter: { now, recent } }, { words: { numbers: said, perSecond } }) {
  return now ? [perSecond(now), said.nowMeans(recent)] : [NONE, ''];
}

/**
 * Where both were measured, or else where this one was last.
 * @param {Column} _column  @param {Place} place  @returns {Cell}
 */
function sameCell(_column, { mode, curves, both, words: { numbers: said, perSecond } }) {
  if (both) {
    const where = both.atFlip ? said.sameAtFlip : said.sameAround;
    return [perSecond(both[mode]), where(both.position)];
  }
  const last = lastPoint(curves, mode);
  return last ? [perSecond(last.speed), said.sameAt(last.position)] : [NONE, ''];
}

/** @param {Column} column  @param {Place} place  @returns {Cell} */
function timeCell({ meter: { now } }, { words }) {
  return [now ? words.milliseconds(1000 / now) : NONE, words.numbers.msMeans];
}

/** @param {Column} column  @param {Place} place  @returns {Cell} */
function workCell({ work }, { mode, words }) {
  return [work ? words.format.counted(work) : NONE, words.numbers.workMeans[mode]];
}
