// The benchmark's figures for one kind of weights: bars to look at, and a table to read.
import { element, note } from './dom.js';
import { MISSING, percent, speedUp } from '../../measure/figures.js';
import { bandwidthShare, prefillShare, uncachedShare } from '../../measure/measure.js';

/**
 * @import { Spread } from '../../measure/benchmark.js'
 * @import { Row } from '../../measure/figures.js'
 * @import { Mode } from '../curves.js'
 * @import { Measured } from '../words/measured.js'
 */

/**
 * @typedef {{ contexts: readonly number[], rows: readonly Row[] }} Figures  rows: those that are there so far
 */

/** @param {Figures} figures  @param {number} context */
const rowAt = ({ rows }, context) => rows.find((row) => row.context === context);

// ---- bars ---------------------------------------------------------------------------------------

/**
 * @param {Measured} words  @param {Figures} figures
 * @param {number} most  tokens per second of the longest bar on the page
 */
export const bars = (words, figures, most) => element('div', { class: 'bars' },
  ...figures.contexts.map((context) => pair(words, context, rowAt(figures, context), most)));

/**
 * Writing after a context, cache on and off.
 * @param {Measured} words  @param {number} context  @param {Row | undefined} row  @param {number} most
 */
function pair(words, context, row, most) {
  const { after, timesAsFast, leftOut } = words.benchmark;
  const times = row?.uncached ? `: ${timesAsFast(speedUp(row))}` : '';
  return element('div', { class: 'pair' },
    element('p', {}, `${after(context)}${times}`),
    bar(words, 'on', row?.decode, most, MISSING),
    bar(words, 'off', row?.uncached, most, row ? leftOut : MISSING));
}

/**
 * @param {Measured} words  @param {Mode} mode
 * @param {Spread | undefined} speed  @param {number} most  @param {string} otherwise
 */
function bar({ cache, perSecond }, mode, speed, most, otherwise) {
  const label = element('span', { class: `side ${mode}` }, cache[mode]);
  if (!speed) return element('div', { class: 'bar' }, label, note(otherwise));
  const fill = element('span', { class: 'fill' });
  const reach = element('span', { class: `reach ${mode}` }, fill); // up to the greatest
  reach.style.setProperty('--reach', String(speed.max / most));
  reach.style.setProperty('--median', String(speed.median / speed.max));
  reach.style.setProperty('--least', String(speed.min / speed.max));
  const value = element('span', { class: 'value' }, perSecond(speed.median));
  return element('div', { class: 'bar' }, label, reach, value);
}

// ---- the table ----------------------------------------------------------------------------------

/**
 * @typedef {object} Line  shows either a spread or words
 * @property {keyof Measured['benchmark']['lines']} name
 * @property {keyof Measured['benchmark']['units']} [unit]
 * @property {Mode} [mode]
 * @property {(row: Row) => Spread | undefined} [spread]
 * @property {(row: Row, words: Measured) => string} [words]
 */

/** @param {(row: Row) => number} share  @returns {Line['words']} */
const shown = (share) => (row, { benchmark }) => percent(share(row), benchmark.about);
/** @param {(row: Row) => number} value  @returns {Line['words']} */
const number = (value) => (row, { format }) => format.measured(value(row));

/** Each block begins with what was measured. @type {Line[][]} */
const BLOCKS = [
  [{ name: 'prefill', unit: 'rate', spread: (row) => row.prefill },
    { name: 'ofPeak', words: shown(prefillShare) }],
  [{ name: 'cached', mode: 'on', spread: (row) => row.decode },
    { name: 'ofBandwidth', words: shown(bandwidthShare) }],
  [{ name: 'uncached', mode: 'off', spread: (row) => row.uncached },
    { name: 'ofPeak', words: shown(uncachedShare) }],
  [{ name: 'reads', unit: 'bytes', words: number((row) => (row.weightBytes + row.cacheBytes) / 1e6) },
    { name: 'multiplies', unit: 'operations', words: number((row) => row.multiplyAdds / 1e6) }],
  [{ name: 'bandwidth', unit: 'byteRate', words: number((row) => row.read.median / 1e9) },
    { name: 'peak', unit: 'operationRate', words: number((row) => row.peak.median / 1e9) }],
];

/** @param {Measured} words  @param {Figures} figures  @param {string} name */
export function figuresTable(words, figures, name) {
  const columns = figures.contexts.map((n) => element('th', { scope: 'col' }, words.benchmark.tokens(n)));
  return element('table', { class: 'numbers results' },
    element('caption', { class: 'visually-hidden' }, name),
    element('thead', {}, element('tr', {}, element('td'), ...columns)),
    ...BLOCKS.map((lines) => element('tbody', {}, ...lines.map((line) => lineOf(words, line, figures)))));
}

/** @param {Measured} words  @param {Line} line  @param {Figures} figures */
function lineOf(words, line, figures) {
  const { lines, units } = words.benchmark;
  const unit = line.unit ? [note(` ${units[line.unit]}`)] : [];
  const head = element('th', { scope: 'row', class: line.mode }, lines[line.name], ...unit);
  const cells = figures.contexts.map((context) => cell(words, line, rowAt(figures, context)));
  return element('tr', { class: line.spread && 'measure' }, head, ...cells);
}

/** @param {Measured} words  @param {Line} line  @param {Row | undefined} row */
function cell(words, line, row) {
  if (!line.spread) return element('td', {}, (row && line.words?.(row, words)) ?? MISSING);
  const { measured } = words.format;
  const speed = row && line.spread(row);
  const range = speed ? `${measured(speed.min)}–${measured(speed.max)}` : '\u00a0';
  const small = element('span', { class: 'note range' }, range);
  return element('td', {}, speed ? measured(speed.median) : MISSING, small);
}
