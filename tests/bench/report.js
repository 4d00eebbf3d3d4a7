// From results to a table for people. The limits stand beside what is held against them, as shares.
import { cpus, release, totalmem, type } from 'node:os';
import { attentionFactor, bandwidthShare, peakShare } from '../../web/measure.js';
import { SHAPES } from './shapes.js';

/** @typedef {import('./suite.js').Row & { runtime: string }} Row  @typedef {import('./suite.js').Overhead & { runtime: string }} Overhead  @typedef {import('../../web/benchmark.js').Spread} Spread */

/** Of the same text, every build everywhere has the same logits. @param {readonly Row[]} rows */
export function refuseDifferences(rows) {
  /** @type {Map<string, Row>} */
  const first = new Map();
  for (const row of rows) {
    const text = `${row.model}, ${row.weights}, ${row.context} tokens`;
    const other = first.get(text) ?? row;
    first.set(text, other);
    if (other.hash === row.hash) continue;
    throw new Error(`No report: ${text} gave other logits in ${place(row)} (${row.hash}) than in ${place(other)} (${other.hash}).`);
  }
}

/** Where it was measured. @param {Row} row */
const place = ({ runtime, build }) => (build === 'native' ? runtime : `${runtime}, ${build}`);

export function machine() {
  return `${cpus()[0].model.trim()}, ${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GiB, ${type()} ${release()}`;
}

const number = (/** @type {number} */ x) => x.toLocaleString('en', { maximumSignificantDigits: 3 });
const percent = (/** @type {number} */ x) => `${Math.round(100 * x)} %`;
const rate = (/** @type {Spread | undefined} */ spread) => (spread ? `${number(spread.median)} (${number(spread.min)} to ${number(spread.max)})` : '-');

/** @param {readonly Row[]} rows */
export function table(rows) {
  const lines = [];
  for (const model of new Set(rows.map((row) => row.model))) {
    const own = rows.filter((row) => row.model === model);
    lines.push(`### ${title(model)}`, '',
      '| Runs in | Weights | Context | Prefill | of peak | Decode | of bandwidth | Decode, cache off | Speed-up |',
      '| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |');
    for (const row of own) {
      lines.push(`| ${[place(row), row.weights, row.context, rate(row.prefill), row.prefill ? percent(peakShare(row)) : '-', rate(row.decode),
        percent(bandwidthShare(row)), rate(row.uncached), row.uncached ? `${number(row.decode.median / row.uncached.median)}x` : '-'].join(' | ')} |`);
    }
    lines.push('', ...details(own), '');
  }
  return lines.join('\n');
}

/** @param {string} model */
function title(model) {
  const sizes = SHAPES[model];
  return sizes ? `${model}: ${sizes.n_layer} layers, width ${sizes.n_embd}, ${sizes.n_head} heads, vocabulary ${sizes.vocab_size}` : 'The shipped model';
}

/** @param {Omit<Overhead, 'kind'>} overhead */
export function overheadLine({ runtime, build, weights, microseconds: { median, min, max } }) {
  const what = weights ? `a token of the shipped model in ${weights} on its way from the worker to the page, besides its computing`
    : 'a generated token outside the kernels, and in those of a model of width 4';
  return `${runtime}, ${build}: ${median.toFixed(1)} microseconds (${min.toFixed(1)} to ${max.toFixed(1)}) ${what}.`;
}

/** @param {Row} row */
const group = (row) => `${place(row)}, ${row.weights}`;

/** What a token moves and computes, and what limits it. @param {readonly Row[]} rows */
function details(rows) {
  return [...new Set(rows.map(group))].map((name) => {
    const own = rows.filter((row) => group(row) === name);
    const [short, long] = [own[0], own[own.length - 1]];
    const parts = own.map((row) => `at ${row.context} ${number((row.weightBytes + row.cacheBytes) / 1e6)} MB and ${number(row.multiplyAdds / 1e6)} M multiply-adds`);
    return `${name}: a token reads and computes ${parts.join(', ')}; limits ${number(long.read.median / 1e9)} GB/s, ${number(long.peak.median / 1e9)} G multiplications and additions/s${
      own.length > 1 ? `; attention from ${short.context} to ${long.context} tokens took ${number(attentionFactor(short, long))} times its bytes` : ''}.`;
  });
}
