// The benchmark's figures for one kind of weights: bars to look at, and a table to read.
import { element, note } from './dom.js';
import { MISSING, percent, speedUp } from '../../measure/figures.js';
import { bandwidthShare, prefillShare, uncachedShare } from '../../measure/measure.js';
import { counted, measured } from '../../measure/numbers.js';

/**
 * @import { Spread } from '../../measure/benchmark.js'
 * @import { Row } from '../../measure/figures.js'
 * @import { Mode } from '../curves.js'
 */

/**
 * @typedef {{ contexts: readonly number[], rows: readonly Row[] }} Figures  rows: those that are there so far
 */

/** @param {Figures} figures  @param {number} context */
const rowAt = ({ rows }, context) => rows.find((row) => row.context === context);

// ---- bars ---------------------------------------------------------------------------------------

/** @param {Figures} figures  @param {number} most  tokens per second of the longest bar on the page */
export const bars = (figures, most) => element('div', { class: 'bars' },
  ...figures.contexts.map((context) => pair(context, rowAt(figures, context), most)));

/**
 * Writing after a context, cache on and off.
 * @param {number} context  @param {Row | undefined} row  @param {number} most
 */
function pair(context, row, most) {
  const times = row?.uncached ? `: ${measured(speedUp(row))} times as fast` : '';
  return element('div', { class: 'pair' },
    element('p', {}, `After ${counted(context)} tokens${times}`),
    bar('on', row?.decode, most, MISSING),
    bar('off', row?.uncached, most, row ? 'left out, it takes too long' : MISSING));
}

/** @param {Mode} mode  @param {Spread | undefined} speed  @param {number} most  @param {string} otherwise */
function bar(mode, speed, most, otherwise) {
  const label = element('span', { class: `side ${mode}` }, `cache ${mode}`);
  if (!speed) return element('div', { class: 'bar' }, label, note(otherwise));
  const fill = element('span', { class: 'fill' });
  const reach = element('span', { class: `reach ${mode}` }, fill); // up to the greatest
  reach.style.setProperty('--reach', String(speed.max / most));
  reach.style.setProperty('--median', String(speed.median / speed.max));
  reach.style.setProperty('--least', String(speed.min / speed.max));
  const value = element('span', { class: 'value' }, `${measured(speed.median)} /s`);
  return element('div', { class: 'bar' }, label, reach, value);
}

// ---- the table ----------------------------------------------------------------------------------

/**
 * @typedef {object} Line  shows either a spread or words
 * @property {string} name
 * @property {string} [note]
 * @property {Mode} [mode]
 * @property {(row: Row) => Spread | undefined} [spread]
 * @property {(row: Row) => string} [words]
 */

/** Each block begins with what was measured. @type {Line[][]} */
const BLOCKS = [
  [{ name: 'Prefill', note: 'tokens/s', spread: (row) => row.prefill },
    { name: 'of the peak', words: (row) => percent(prefillShare(row)) }],
  [{ name: 'Decode, cache on', mode: 'on', spread: (row) => row.decode },
    { name: 'of the bandwidth', words: (row) => percent(bandwidthShare(row)) }],
  [{ name: 'Decode, cache off', mode: 'off', spread: (row) => row.uncached },
    { name: 'of the peak', words: (row) => percent(uncachedShare(row)) }],
  [{ name: 'A token reads', note: 'MB', words: (row) => measured((row.weightBytes + row.cacheBytes) / 1e6) },
    { name: 'and multiplies', note: 'M times', words: (row) => measured(row.multiplyAdds / 1e6) }],
  [{ name: 'The bandwidth', note: 'GB/s', words: (row) => measured(row.read.median / 1e9) },
    { name: 'The peak', note: 'G/s', words: (row) => measured(row.peak.median / 1e9) }],
];

/** @param {Figures} figures  @param {string} name */
export function figuresTable(figures, name) {
  const columns = figures.contexts.map((n) => element('th', { scope: 'col' }, `${counted(n)} tokens`));
  return element('table', { class: 'numbers results' },
    element('caption', { class: 'visually-hidden' }, name),
    element('thead', {}, element('tr', {}, element('td'), ...columns)),
    ...BLOCKS.map((lines) => element('tbody', {}, ...lines.map((line) => lineOf(line, figures)))));
}

/** @param {Line} line  @param {Figures} figures */
function lineOf({ name, note: unit, mode, spread, words }, figures) {
  const head = element('th', { scope: 'row', class: mode }, name, ...(unit ? [note(` ${unit}`)] : []));
  const cells = figures.contexts.map((context) => cell(rowAt(figures, context), spread, words));
  return element('tr', { class: spread && 'measure' }, head, ...cells);
}

/** @param {Row | undefined} row  @param {Line['spread']} spread  @param {Line['words']} words */
function cell(row, spread, words) {
  if (!spread) return element('td', {}, (row && words?.(row)) ?? MISSING);
  const speed = row && spread(row);
  const range = speed ? `${measured(speed.min)}–${measured(speed.max)}` : '\u00a0';
  const small = element('span', { class: 'note range' }, range);
  return element('td', {}, speed ? measured(speed.median) : MISSING, small);
}
