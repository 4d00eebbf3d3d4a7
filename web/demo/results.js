// The benchmark's figures on the page: for each kind of weights bars to look at, and a table to read.
import { bandwidthShare, prefillShare, uncachedShare } from '../measure/measure.js';
import { MISSING, percent, speedUp } from '../measure/figures.js';
import { counted, measured } from '../measure/numbers.js';

/** @typedef {import('../measure/figures.js').Row} Row  @typedef {import('../measure/benchmark.js').Spread} Spread */
/** @typedef {{ weights: string, contexts: readonly number[], rows: readonly Row[], leftOut?: string }} Group */

/** @type {Record<string, string>} */
const NAMES = { f32: 'Weights of 32 bits (f32)', int8: 'Weights of 8 bits (int8)' };

/** Draws all groups. @param {Element} box  @param {readonly Group[]} groups */
export function showResults(box, groups) {
  const most = Math.max(...groups.flatMap(({ rows }) => rows.map(({ decode }) => decode.max)));
  box.replaceChildren(...groups.map((group) => {
    const { weights, contexts, leftOut } = group;
    const title = element('h3', '', NAMES[weights]);
    if (leftOut) return element('div', '', title, element('p', '', leftOut));
    return element('div', '', title, element('div', 'bars', ...contexts.map((context) => pair(context, rowAt(group, context), most))), numbers(group));
  }));
}

/** @param {Group} group  @param {number} context */
const rowAt = ({ rows }, context) => rows.find((row) => row.context === context);

/** @param {string} tag  @param {string} className  @param {...(Node | string)} children */
function element(tag, className, ...children) {
  const made = Object.assign(document.createElement(tag), { className });
  made.append(...children);
  return made;
}

// ---- bars ---------------------------------------------------------------------------------------

/** Writing after a context, cache on and off. @param {number} context  @param {Row | undefined} row  @param {number} most */
function pair(context, row, most) {
  const times = row?.uncached ? `: ${measured(speedUp(row))} times as fast` : '';
  return element('div', 'pair', element('p', '', `After ${counted(context)} tokens${times}`),
    bar('on', row?.decode, most, MISSING), bar('off', row?.uncached, most, row ? 'left out, it takes too long' : MISSING));
}

/** @param {'on' | 'off'} mode  @param {Spread | undefined} speed  @param {number} most  @param {string} otherwise */
function bar(mode, speed, most, otherwise) {
  const label = element('span', `side ${mode}`, `cache ${mode}`);
  if (!speed) return element('div', 'bar', label, element('span', 'note', otherwise));
  const fill = element('span', 'fill');
  const reach = element('span', `reach ${mode}`, fill); // up to the greatest
  reach.style.setProperty('--reach', String(speed.max / most));
  reach.style.setProperty('--median', String(speed.median / speed.max));
  reach.style.setProperty('--least', String(speed.min / speed.max));
  return element('div', 'bar', label, reach, element('span', 'value', `${measured(speed.median)} /s`));
}

// ---- the table ----------------------------------------------------------------------------------

/** @typedef {{ name: string, note?: string, mode?: 'on' | 'off', spread?: (row: Row) => Spread | undefined, words?: (row: Row) => string }} Line */

/** A spread begins a block of lines. @type {Line[][]} */
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

/** @param {Group} group */
function numbers(group) {
  const { weights, contexts } = group;
  const head = element('tr', '', element('td', ''), ...contexts.map((n) => Object.assign(element('th', '', `${counted(n)} tokens`), { scope: 'col' })));
  const bodies = BLOCKS.map((lines) => element('tbody', '', ...lines.map(({ name, note, mode = '', spread, words }) => {
    const first = element('th', mode, name, ...(note ? [element('span', 'note', ` ${note}`)] : []));
    first.setAttribute('scope', 'row');
    return element('tr', spread ? 'measure' : '', first, ...contexts.map((n) => cell(rowAt(group, n), spread, words)));
  })));
  return element('table', 'numbers results', element('caption', 'visually-hidden', NAMES[weights]), element('thead', '', head), ...bodies);
}

/** @param {Row | undefined} row  @param {Line['spread']} spread  @param {Line['words']} words */
function cell(row, spread, words) {
  if (!spread) return element('td', '', (row && words?.(row)) ?? MISSING);
  const speed = row && spread(row);
  return element('td', '', speed ? measured(speed.median) : MISSING, element('span', 'note range', speed ? `${measured(speed.min)}–${measured(speed.max)}` : '\u00a0'));
}
