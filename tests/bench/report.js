// From results to a report for people. The limits stand beside what is held against them, as shares.
import { cpus, release, totalmem, type } from 'node:os';
import { HEAD, cells, details, table } from '../../web/measure/figures.js';
import { LLAMAS, SHAPES } from './shapes.js';

/**
 * @import { Overhead as SuiteOverhead, Row as SuiteRow } from './suite.js'
 *
 * @typedef {SuiteRow & { runtime: string }} Row
 * @typedef {SuiteOverhead & { runtime: string }} Overhead
 */

/** Of the same text, every build everywhere has the same logits. @param {readonly Row[]} rows */
export function refuseDifferences(rows) {
  /** @type {Map<string, Row>} */
  const first = new Map();
  for (const row of rows) {
    const text = `${row.model}, ${row.weights}, ${row.context} tokens`;
    const other = first.get(text) ?? row;
    first.set(text, other);
    if (other.hash === row.hash) continue;
    throw new Error(`No report: ${text} gave other logits in ${place(row)} (${row.hash}) `
      + `than in ${place(other)} (${other.hash}).`);
  }
}

/** Where it was measured. @param {Row} row */
const place = ({ runtime, build }) => (build === 'native' ? runtime : `${runtime}, ${build}`);

export function machine() {
  const memory = Math.round(totalmem() / 2 ** 30);
  return `${cpus()[0].model.trim()}, ${cpus().length} cores, ${memory} GiB, ${type()} ${release()}`;
}

/** @param {readonly Row[]} rows */
export function report(rows) {
  const lines = [];
  for (const model of new Set(rows.map((row) => row.model))) {
    const own = rows.filter((row) => row.model === model);
    const cellRows = own.map((row) => [place(row), ...cells(row)]);
    lines.push(`### ${title(model)}`, '', table(['Runs in', ...HEAD], cellRows, 2), '');
    for (const name of new Set(own.map(group))) {
      lines.push(`${name}: ${details(own.filter((row) => group(row) === name))}.`);
    }
    lines.push('');
  }
  return lines.join('\n');
}

/** @param {string} model */
function title(model) {
  if (model === 'shipped') return 'The shipped model';
  const llama = LLAMAS[model];
  if (llama) {
    return `${model}: ${llama.num_hidden_layers} layers, width ${llama.hidden_size}, `
      + `${llama.num_attention_heads} heads over ${llama.num_key_value_heads} of keys, `
      + `vocabulary ${llama.vocab_size}`;
  }
  const { n_layer, n_embd, n_head, vocab_size } = SHAPES[model];
  return `${model}: ${n_layer} layers, width ${n_embd}, ${n_head} heads, vocabulary ${vocab_size}`;
}

const OVERHEADS = {
  generate: 'a generated token outside the kernels, and in those of a model of width 4',
  sampling: 'a generated token of the shipped model besides the pass over it: the sampler, and the iteration',
  messages: 'a token of the shipped model on its way from the worker to the page, besides its computing',
};

/** @param {Omit<Overhead, 'kind'>} overhead */
export function overheadLine({ runtime, build, weights, of, microseconds: { median, min, max } }) {
  const cost = `${median.toFixed(1)} microseconds (${min.toFixed(1)} to ${max.toFixed(1)})`;
  return `${runtime}, ${build}, ${weights}: ${cost} ${OVERHEADS[of]}.`;
}

/** @param {Row} row */
const group = (row) => `${place(row)}, ${row.weights}`;
