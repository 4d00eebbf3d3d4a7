// Measured figures in words and tables, for `npm run bench` and for the page.
import { attentionFactor, bandwidthShare, prefillShare, uncachedShare } from './measure.js';
import { measured } from './numbers.js';

/**
 * @import { Spread } from './benchmark.js'
 * @import { Figures } from './measure.js'
 *
 * @typedef {Figures & { weights: string }} Row
 */

export const MISSING = '–'; // in place of a figure that was left out, or is still to come

const ERROR = 0.05; // of a share, whose two halves were measured in turns

/**
 * A share of a limit. Nothing goes beyond a limit: a share that does, by no more than the error, is about
 * all of it; by more, the machine did something else while the limit was measured, and nothing is known.
 * @param {number} share
 * @param {string} [about]  the word for it
 */
export function percent(share, about = 'about') {
  if (share <= 1) return `${Math.round(100 * share)} %`;
  return share <= 1 + ERROR ? `${about} 100 %` : MISSING;
}
/** The median, and between what. @param {Spread | undefined} spread */
export const rate = (spread) => (spread
  ? `${measured(spread.median)} (${measured(spread.min)} to ${measured(spread.max)})` : MISSING);

/** The architecture's name. @param {{ modelType: string }} config */
export const architecture = ({ modelType }) => (modelType === 'gpt2' ? 'GPT-2' : modelType);

/** How many times as fast the cache makes decoding. @param {Row} row */
export const speedUp = (row) => row.decode.median / (row.uncached?.median ?? NaN);

export const HEAD = [
  'Weights', 'Context', 'Prefill', 'of peak', 'Decode', 'of bandwidth', 'Decode, cache off', 'of peak',
  'Speed-up',
];

/** A row of the table under HEAD. @param {Row} row */
export const cells = (row) => [
  row.weights, String(row.context),
  rate(row.prefill), percent(prefillShare(row)),
  rate(row.decode), percent(bandwidthShare(row)),
  rate(row.uncached), percent(uncachedShare(row)),
  row.uncached ? `${measured(speedUp(row))}x` : MISSING,
];

/**
 * The bytes and operations of a token, and the limits of the machine.
 * @param {readonly Row[]} rows  the contexts of one model on one runtime
 */
export function details(rows) {
  const [short, long] = [rows[0], rows[rows.length - 1]];
  const works = rows.map(workOf).join(', ');
  const limits = `${measured(long.read.median / 1e9)} GB/s, `
    + `${measured(long.peak.median / 1e9)} G multiplications and additions/s`;
  const factor = attentionFactor(short, long); // of one row, of equal bytes or amid disturbances: none
  const attention = factor > 0 && factor < Infinity
    ? `; attention from ${short.context} to ${long.context} tokens took ${measured(factor)} times its bytes`
    : '';
  return `a token reads and computes ${works}; limits ${limits}${attention}`;
}

/** @param {Row} row */
function workOf({ context, weightBytes, cacheBytes, multiplyAdds }) {
  const bytes = measured((weightBytes + cacheBytes) / 1e6);
  return `at ${context} ${bytes} MB and ${measured(multiplyAdds / 1e6)} M multiply-adds`;
}

/**
 * A table in Markdown.
 * @param {readonly string[]} head  @param {readonly (readonly string[])[]} rows
 * @param {number} words  columns of words at the left; all others are numbers
 */
export function table(head, rows, words) {
  const rule = head.map((_, i) => (i < words ? '---' : '---:'));
  return [head, rule, ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n');
}
