// The benchmark's figures to take away: as Markdown, as JSON, with the place where they were measured. These
// are English wherever they were measured: they are for issues and tables beside others.
import { HEAD, cells, details, rate, table } from '../measure/figures.js';
import { failureText } from './words.js';
import { en as english } from './words/en.js';
import { withMeasured } from './words/measured.js';

/**
 * @import { Spread } from '../measure/benchmark.js'
 * @import { Benchmark, Subject } from './benchmark.js'
 * @import { Failure } from './failure.js'
 * @import { Weights } from '../worker/messages.js'
 * @import { Measured } from './words/measured.js'
 */

/**
 * @typedef {{ complete: boolean, remarks: string[] }} Remarked
 * @typedef {Subject & Pick<Benchmark, 'rows' | 'caches'> & Remarked} Report
 *   complete: not stopped, nothing failed
 */

const en = withMeasured(english);
const HEADING = 'Tokens per second: median (least to greatest).';
const EQUAL = ' The logits are equal bit for bit, with the cache and without, wherever both were measured.';

/** Undefined before anything is measured. @param {Benchmark} benchmark  @returns {Report | undefined} */
export function reportOf(benchmark) {
  const { subject, status, rows, caches } = benchmark;
  const remarked = { complete: status === 'done', remarks: remarksOn(en, benchmark) };
  return subject && { ...subject, ...remarked, rows, caches };
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

/** Whether passes without the cache, too, were measured. @param {Benchmark['rows']} rows */
export const areCompared = (rows) => rows.some(({ uncached }) => uncached);

/** @param {Report} report */
export function asMarkdown(report) {
  const { rows, caches, remarks } = report;
  const kinds = [...new Set(rows.map(({ weights }) => weights))];
  return [
    areCompared(rows) ? HEADING + EQUAL : HEADING, '',
    table(HEAD, rows.map(cells), 1), '',
    ...kinds.map((kind) => `${kind}: ${details(rows.filter(({ weights }) => weights === kind))}.`), '',
    ...(caches ? [cachesTable(caches), ''] : []),
    [en.benchmark.place(report), ...remarks].join(' '), '',
  ].join('\n');
}

/** @param {NonNullable<Report['caches']>} caches */
function cachesTable({ weights, context, tokens, rows }) {
  const { caches: said } = en.benchmark;
  const head = ['Cache', 'Bytes per token', `Decode after ${context}`, said.same, said.kl, 'Max logit error'];
  return `Caches, with ${weights} weights, on ${tokens} tokens:\n\n` + table(head, rows.map((row) => [
    row.type, String(row.bytesPerToken), rate(row.decode), said.share(row.same), row.kl.toExponential(1),
    row.error.toPrecision(2)]), 1);
}

/** @param {Report} report */
export const asJson = (report) => `${JSON.stringify(report, null, 2)}\n`;

/** For spreadsheets: a line for each row, which says all that is known of it. @param {Report} report */
export function asCsv({ date, model, build, machine, rows, caches }) {
  const { browser, system = '', logicalCores = '' } = machine;
  const place = { date, model, build, browser, system, logical_cores: logicalCores };
  /** @type {Record<string, string | number>[]} */
  const lines = rows.map((row) => ({
    ...place, weights: row.weights, context: row.context, cache_type: 'f32',
    ...spread('prefill', row.prefill), ...spread('decode_cache_on', row.decode),
    ...spread('decode_cache_off', row.uncached),
    weight_bytes: row.weightBytes, cache_bytes: row.cacheBytes, multiply_adds: row.multiplyAdds,
    bytes_per_second: row.read.median, multiply_adds_per_second: row.peak.median / 2,
    kept_bytes_per_token: '', same_top1: '', kl: '', logit_error: '',
  }));
  for (const { type, decode, ...row } of caches?.rows ?? []) {
    lines.push({
      ...place, weights: caches?.weights ?? '', context: caches?.context ?? 0, cache_type: type,
      ...spread('decode_cache_on', decode), cache_bytes: row.cacheBytes,
      kept_bytes_per_token: row.bytesPerToken, same_top1: row.same, kl: row.kl, logit_error: row.error,
    });
  }
  const names = Object.keys(lines[0]);
  const values = lines.map((line) => names.map((name) => line[name] ?? ''));
  return [names, ...values].map((line) => `${line.map(quoted).join(',')}\r\n`).join('');
}

/** Tokens per second. @param {string} name  @param {Spread} [of]  absent: left out */
const spread = (name, of) => (
  { [name]: of?.median ?? '', [`${name}_least`]: of?.min ?? '', [`${name}_greatest`]: of?.max ?? '' });

/** As RFC 4180 has it. @param {string | number} value */
const quoted = (value) => (
  /[",\r\n]/.test(String(value)) ? `"${String(value).replaceAll('"', '""')}"` : value);
