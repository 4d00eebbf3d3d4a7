// The benchmark's figures to take away: as Markdown, as JSON, with the place where they were measured.
import { HEAD, cells, details, table } from '../measure/figures.js';
import { counted } from '../measure/numbers.js';

/**
 * @import { Row } from '../measure/figures.js'
 * @import { Benchmark, Subject } from './benchmark.js'
 */

/**
 * @typedef {Subject & { complete: boolean, remarks: string[], rows: readonly Row[] }} Report
 *   complete: not stopped, nothing failed
 */

const HEADING = 'Tokens per second: median (least to greatest). The logits are equal bit for bit, with the '
  + 'cache and without.';

/** @type {Record<string, string>} */
export const BITS = { f32: 'weights of 32 bits', int8: 'weights of 8 bits' };

/** Undefined before anything is measured. @param {Benchmark} benchmark  @returns {Report | undefined} */
export function reportOf(benchmark) {
  const { subject, status, rows } = benchmark;
  return subject && { ...subject, complete: status === 'done', remarks: remarksOn(benchmark), rows };
}

/** @param {Benchmark} benchmark */
function remarksOn({ status, leftOut, hidden, failure }) {
  const remarks = Object.entries(leftOut).map(([weights, message]) => leftOutWords(weights, message));
  if (status === 'stopped') remarks.push('Stopped before the end.');
  if (hidden) remarks.push('The tab was hidden for a while: browsers slow such tabs down.');
  if (failure) remarks.push(`It failed before the end: ${failure.message}`);
  return remarks;
}

/** Why there are no figures for a kind of weights. @param {string} weights  @param {string} message */
export const leftOutWords = (weights, message) => (
  `Not measured: the model could not be loaded with ${BITS[weights]}. ${message}`);

/** Where, when and what, in a sentence. @param {Report} report */
export function place({ date, config, build, machine: { browser, system, logicalCores } }) {
  const cores = logicalCores ? `, ${logicalCores} logical cores` : '';
  const machine = `${browser}${system ? ` on ${system}` : ''}${cores}, as the browser tells`;
  const { nLayer, nEmbd, nHead, vocabSize } = config;
  const shape = `${nLayer} layers, width ${nEmbd}, ${nHead} heads, vocabulary ${counted(vocabSize)}`;
  const time = `${date.slice(0, 16).replace('T', ' at ')} UTC`;
  return `Measured on ${time}: ${machine}; one thread, ${build} build; GPT-2 with ${shape}.`;
}

/** @param {Report} report */
export function asMarkdown(report) {
  const { rows, remarks } = report;
  const kinds = [...new Set(rows.map(({ weights }) => weights))];
  return [
    HEADING, '',
    table(HEAD, rows.map(cells), 1), '',
    ...kinds.map((kind) => `${kind}: ${details(rows.filter(({ weights }) => weights === kind))}.`), '',
    [place(report), ...remarks].join(' '), '',
  ].join('\n');
}

/** @param {Report} report */
export const asJson = (report) => `${JSON.stringify(report, null, 2)}\n`;
