// Measures a loaded model that has an encoder: how fast it reads a source, and how fast it writes with both
// caches, with one of them, and with none. As benchmark.js does, whose comments hold here too.
import { checkCallback, checkSignal, invalid, isCount, optionsOf, shown } from '../engine/arguments.js';
import { threadClock } from '../engine/clock.js';
import { KvcError } from '../engine/errors.js';
import { Pauses } from '../engine/pauses.js';
import { benchmarkIds, spread } from './benchmark.js';

/**
 * @import { AbortSignal } from '../engine/platform.js'
 * @import { Session } from '../session/session.js'
 * @import { Measured } from './benchmark.js'
 *
 * @typedef {'read' | 'both' | 'selfOnly' | 'crossOnly' | 'neither'} Way
 *
 * @typedef {object} SourceRow  tokens per second
 * @property {'measured'} source
 * @property {number} sourceTokens
 * @property {number} tokens      of text before the one that is written
 * @property {number} runs
 * @property {number} read        median: reading the source, its keys and values included
 * @property {number} both        median: writing a token with both caches
 * @property {number} selfOnly    without the cross cache: the source is projected again
 * @property {number} crossOnly   without the decoder's own: the text goes through it again
 * @property {number} neither
 * @property {Record<Way, { min: number, max: number }>} spread
 * @property {number} speedUp     both over neither
 * @property {string} logitsHash  the same of all four, or there are no figures
 *
 * @typedef {object} SourceBenchmark
 * @property {readonly number[]} [sourceLengths]  64 and 256 by default, as far as they fit
 * @property {number} [tokens]    of text, 32 by default
 * @property {number} [runs]      repetitions after a warm-up, 5 by default
 * @property {number} [windowMs]  of computing behind one figure, at least
 * @property {AbortSignal} [signal]
 * @property {(event: { sourceTokens: number, done: number, total: number }) => void} [onProgress]
 */

/** @type {readonly (keyof SourceBenchmark)[]} */
export const SOURCE_BENCHMARK = ['sourceLengths', 'tokens', 'runs', 'windowMs', 'signal', 'onProgress'];

/** The switches of both caches. @type {readonly [Exclude<Way, 'read'>, boolean, boolean][]} */
const MODES = [
  ['both', true, true], ['selfOnly', true, false], ['crossOnly', false, true], ['neither', false, false],
];
const LENGTHS = [64, 256];
const TICKS = 20; // of the clock behind one figure, at least

/**
 * @param {Measured} model  with an encoder  @param {SourceBenchmark} [options]
 * @returns {Promise<SourceRow[]>}
 */
export async function benchmarkSources(model, options) {
  const given = optionsOf('benchmarkSources()', options, SOURCE_BENCHMARK);
  const { tokens = 32, runs = 5, windowMs = 50, signal, onProgress } = given;
  checkSignal(signal);
  checkCallback('onProgress', onProgress);
  const lengths = lengthsFor(model, given.sourceLengths);
  refuse(tokens, 1, model.config.nPositions - 1, 'The length of a text');
  refuse(runs, 1, 1000, 'The number of runs');
  refuse(windowMs, 1, 60_000, 'windowMs');
  const total = lengths.length * (runs + 1);
  let done = 0;
  const rows = [];
  for (const sourceTokens of lengths) {
    const onRun = () => onProgress?.({ sourceTokens, done: ++done, total });
    rows.push(await measured(model, sourceTokens, { tokens, runs, windowMs, signal, onRun }));
  }
  return rows;
}

/**
 * @param {Measured} model  @param {number} sourceTokens
 * @param {{ tokens: number, runs: number, windowMs: number, signal?: AbortSignal, onRun: () => void }} job
 * @returns {Promise<SourceRow>}
 */
async function measured(model, sourceTokens, { tokens, runs, windowMs, signal, onRun }) {
  const session = model.createSession({ capacity: tokens + 1, sourceCapacity: sourceTokens });
  const source = benchmarkIds(sourceTokens, model.sampledIds);
  const ids = benchmarkIds(tokens + 1, model.sampledIds, 2);
  const rates = /** @type {Record<Way, number[]>} */ (
    { read: [], both: [], selfOnly: [], crossOnly: [], neither: [] });
  const least = Math.max(windowMs, TICKS * threadClock().tick);
  const hashes = new Set();
  try {
    for (let run = -1; run < runs; run++) {
      const read = await readRate(session, source, least, signal);
      if (run >= 0) rates.read.push(read);
      for (const [name, useCache, useCrossCache] of MODES) {
        Object.assign(session, { useCache, useCrossCache });
        const rate = await stepRate(session, ids, least, signal);
        if (run >= 0) rates[name].push(rate);
        hashes.add(session.logitsHash);
      }
      refuseDifference(hashes, tokens);
      onRun();
    }
    const { logitsHash } = session;
    return { source: 'measured', sourceTokens, tokens, runs, ...figuresOf(rates), logitsHash };
  } finally {
    session.dispose();
  }
}

/** @param {Record<Way, number[]>} rates */
function figuresOf(rates) {
  const spreads = Object.entries(rates)
    .map(([name, values]) => /** @type {const} */ ([name, spread(values)]));
  const medians = /** @type {Record<Way, number>} */ (
    Object.fromEntries(spreads.map(([name, { median }]) => [name, median])));
  const ranges = /** @type {Record<Way, { min: number, max: number }>} */ (
    Object.fromEntries(spreads.map(([name, { min, max }]) => [name, { min, max }])));
  return { ...medians, spread: ranges, speedUp: medians.both / medians.neither };
}

/**
 * Tokens per second of reading it, with its keys and values.
 * @param {Session} session  @param {Uint32Array} source  @param {number} least  milliseconds
 * @param {AbortSignal} [signal]
 */
async function readRate(session, source, least, signal) {
  Object.assign(session, { useCache: true, useCrossCache: true });
  let [ms, passes] = [0, 0];
  for (; ms < least; passes++) ms += (await session.setSource(source, { signal })).ms;
  return (1e3 * source.length * passes) / ms;
}

/**
 * Tokens per second behind a text, one at the same place over and over.
 * @param {Session} session  @param {Uint32Array} ids  of the text, and one more
 * @param {number} least  milliseconds  @param {AbortSignal} [signal]
 */
async function stepRate(session, ids, least, signal) {
  const n = ids.length - 1;
  const clock = threadClock();
  const pauses = new Pauses(signal);
  session.truncate(0);
  session.append(ids); // whatever the caches lack is there now
  let [ms, steps] = [0, 0];
  while (ms < least) {
    const start = clock.edge();
    do {
      session.truncate(n);
      session.append([ids[n]]);
      steps++;
    } while (clock.now() - start < 16);
    ms += clock.read() - start;
    await pauses.take();
  }
  return (1e3 * steps) / ms;
}

/** @param {Set<string>} hashes  @param {number} tokens */
function refuseDifference(hashes, tokens) {
  if (hashes.size === 1) return;
  throw new KvcError('outputs_differ', `No figures: after ${tokens + 1} tokens the logits differ with the `
    + `caches on and off (${[...hashes].join(', ')}). Please report this.`);
}

/** @param {Measured} model  @param {readonly number[] | undefined} wanted */
function lengthsFor(model, wanted) {
  if (!isCount(model?.config?.nPositions) || typeof model.createSession !== 'function') {
    throw invalid('benchmarkSources() measures a model from loadModel().');
  }
  if (!model.config.encoder) {
    throw new KvcError('unsupported', 'benchmarkSources() is for models with an encoder; the others are '
      + 'measured by benchmarkComparison().');
  }
  if (!Array.isArray(wanted ?? [])) throw invalid('sourceLengths is a list of token counts, like [64, 256].');
  const most = model.config.nPositions;
  const lengths = wanted ?? LENGTHS.filter((n) => n <= most);
  for (const n of lengths) refuse(n, 1, most, 'The length of a source');
  return lengths;
}

/** @param {number} value  @param {number} least  @param {number} most  @param {string} what */
function refuse(value, least, most, what) {
  if (Number.isInteger(value) && value >= least && value <= most) return;
  throw invalid(`${what} must be a whole number from ${least} to ${most} here; it is ${shown(value)}.`);
}
