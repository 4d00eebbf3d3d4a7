// How measured figures are written: the table and the words that `npm run bench` prints and the page copies.
import { attentionFactor, bandwidthShare, prefillShare, uncachedShare } from './measure.js';
import { measured } from './numbers.js';

/** @typedef {import('./measure.js').Figures & { weights: string }} Row  @typedef {import('./benchmark.js').Spread} Spread */

export const MISSING = '–'; // what was left out, or is still to come

/** @param {number} share */
export const percent = (share) => (Number.isNaN(share) ? MISSING : `${Math.round(100 * share)} %`);
/** @param {Spread | undefined} spread */
const rate = (spread) => (spread ? `${measured(spread.median)} (${measured(spread.min)} to ${measured(spread.max)})` : MISSING);

/** How much faster the cache makes decoding. @param {Row} row */
export const speedUp = (row) => row.decode.median / (row.uncached?.median ?? NaN);

export const HEAD = ['Weights', 'Context', 'Prefill', 'of peak', 'Decode', 'of bandwidth', 'Decode, cache off', 'of peak', 'Speed-up'];

/** A row of the table under HEAD. @param {Row} row */
export const cells = (row) => [
  row.weights, String(row.context), rate(row.prefill), percent(prefillShare(row)), rate(row.decode), percent(bandwidthShare(row)),
  rate(row.uncached), percent(uncachedShare(row)), row.uncached ? `${measured(speedUp(row))}x` : MISSING,
];

/** What a token moves and computes, and what limits it. @param {readonly Row[]} rows  contexts of one model in one place */
export function details(rows) {
  const [short, long] = [rows[0], rows[rows.length - 1]];
  const parts = rows.map((row) => `at ${row.context} ${measured((row.weightBytes + row.cacheBytes) / 1e6)} MB and ${measured(row.multiplyAdds / 1e6)} M multiply-adds`);
  return `a token reads and computes ${parts.join(', ')}; limits ${measured(long.read.median / 1e9)} GB/s, ${measured(long.peak.median / 1e9)} G multiplications and additions/s${
    rows.length > 1 ? `; attention from ${short.context} to ${long.context} tokens took ${measured(attentionFactor(short, long))} times its bytes` : ''}`;
}

/** In Markdown. @param {readonly string[]} head  @param {readonly (readonly string[])[]} rows  @param {number} words  so many columns are not numbers */
export const table = (head, rows, words) => [head, head.map((_, i) => (i < words ? '---' : '---:')), ...rows]
  .map((row) => `| ${row.join(' | ')} |`).join('\n');
