// The benchmark's figures to take away: as Markdown, as JSON, with the place where they were measured. These
// are English wherever they were measured: they are for issues and tables beside others.
import { HEAD, cells, details, table } from '../measure/figures.js';
import { failureText } from './words.js';
import { en as english } from './words/en.js';
import { withMeasured } from './words/measured.js';

/**
 * @import { Spread } from '../measure/benchmark.js'
 * @import { Row } from '../measure/figures.js'
 * @import { Benchmark, Subject } from './benchmark.js'
 * @import { Failure } from './failure.js'
 * @import { Weights } from '../worker/messages.js'
 * @import { Measured } from './words/measured.js'
 */

/**
 * @typedef {Subject & { complete: boolean, remarks: string[], rows: readonly Row[] }} Report
 *   complete: not stopped, nothing failed
 */

const en = withMeasured(english);
const HEADING = 'Tokens per second: median (least to greatest). The logits are equal bit for bit, with the '
  + 'cache and without.';

/** Undefined before anything is measured. @param {Benchmark} benchmark  @returns {Report | undefined} */
export function reportOf(benchmark) {
  const { subject, status, rows } = benchmark;
  return subject && { ...subject, complete: status === 'done', remarks: remarksOn(en, benchmark), rows };
}

/** What a reader of the figures should know. @param {Measured} words  @param {Benchmark} benchmark */
export function remarksOn(words, { status, leftOut, hidden, failure }) {
  const { notLoaded, remarks } = words.benchmark;
  const missing = /** @type {Weights[]} */ (Object.keys(leftOut));
  const said = missing.map((weights) => (
    `${notLoaded(weights)} ${failureText(words, /** @type {Failure} */ (leftOut[weights]))}`));
  if (status === 'stopped') said.push(remarks.stopped);
  if (hidden) said.push(remarks.hidden);
  if (failure) said.push(`${remarks.failed} ${failureText(words, failure)}`);
  return said;
}

/** @param {Report} report */
export function asMarkdown(report) {
  const { rows, remarks } = report;
  const kinds = [...new Set(rows.map(({ weights }) => weights))];
  return [
    HEADING, '',
    table(HEAD, rows.map(cells), 1), '',
    ...kinds.map((kind) => `${kind}: ${details(rows.filter(({ weights }) => weights === kind))}.`), '',
    [en.benchmark.place(report), ...remarks].join(' '), '',
  ].join('\n');
}

/** @param {Report} report */
export const asJson = (report) => `${JSON.stringify(report, null, 2)}\n`;

/** For spreadsheets: a line for each row, which says all that is known of it. @param {Report} report */
export function asCsv({ date, model, build, machine, rows }) {
  const { browser, system = '', logicalCores = '' } = machine;
  /** @type {Record<string, string | number>[]} */
  const lines = rows.map((row) => ({
    date, model, build, browser, system, logical_cores: logicalCores,
    weights: row.weights, context: row.context,
    ...spread('prefill', row.prefill), ...spread('decode_cache_on', row.decode),
    ...spread('decode_cache_off', row.uncached),
    weight_bytes: row.weightBytes, cache_bytes: row.cacheBytes, multiply_adds: row.multiplyAdds,
    bytes_per_second: row.read.median, multiply_adds_per_second: row.peak.median,
  }));
  const values = lines.map((line) => Object.values(line));
  return [Object.keys(lines[0]), ...values].map((line) => `${line.map(quoted).join(',')}\r\n`).join('');
}

/** Tokens per second. @param {string} name  @param {Spread} [of]  absent: left out */
const spread = (name, of) => (
  { [name]: of?.median ?? '', [`${name}_least`]: of?.min ?? '', [`${name}_greatest`]: of?.max ?? '' });

/** As RFC 4180 has it. @param {string | number} value */
const quoted = (value) => (
  /[",\r\n]/.test(String(value)) ? `"${String(value).replaceAll('"', '""')}"` : value);
