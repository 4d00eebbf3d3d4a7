// Measures a loaded model in place, with its KV cache on and off. It runs wherever the model runs: in a page,
// in a worker, in Node; tests/bench measures with the same functions.
//
// Windows of many tokens are timed, of many ticks of the clock. Between two windows the event loop gets its
// turn, which is not counted. The two modes alternate, so that a machine that slows down slows both. Nothing
// is reported if the cache changes a bit of the logits.
import { checkCallback, checkSignal, invalid, isCount, optionsOf, shown } from '../engine/arguments.js';
import { threadClock } from '../engine/clock.js';
import { KvcError } from '../engine/errors.js';
import { LENGTHS } from './tables.js';
import { Pauses } from '../engine/pauses.js';

const WARM_UPS = 1;           // runs that are not counted
const CHUNK_MS = 16;          // of computing between two pauses
const WINDOW_MS = 50;         // of computing behind one figure, at least
const TICKS = 20;             // of the clock, at least: passes begin and end anywhere between two
export const DECODED = 16;    // tokens after the context that a window decodes, over and over

/**
 * @import { AbortSignal } from '../engine/platform.js'
 * @import { Model } from '../session/model.js'
 * @import { Session } from '../session/session.js'
 *
 * @typedef {Pick<Model, 'config' | 'sampledIds' | 'createSession'>} Measured
 * @typedef {{ median: number, min: number, max: number }} Spread
 * @typedef {(ms: number) => void} Beside  what to measure after each piece of work, which took so long
 * @typedef {{ signal?: AbortSignal, windowMs?: number, beside?: Beside }} WindowOptions
 * @typedef {Record<'prefill' | 'cached' | 'uncached', number[]>} Rates  tokens per second of every run
 */

/** @param {number[]} values @returns {Spread} */
export function spread(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  const median = sorted.length % 2 === 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
  return { median, min: sorted[0], max: sorted[sorted.length - 1] };
}

/**
 * Token ids to measure with, the same ones for the same seed.
 * @param {number} n  @param {number} below  @param {number} [seed]
 */
export function benchmarkIds(n, below, seed = 1) {
  let state = seed;
  return Uint32Array.from({ length: n }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0; // the generator of Numerical Recipes
    return Math.floor((state / 2 ** 32) * below);
  });
}

/**
 * Milliseconds of one pass over all the ids from an empty timeline. With the cache on it is a prefill; with
 * the cache off it is the very pass that decoding the last of them takes.
 * @param {Session} session  @param {ArrayLike<number>} ids  @param {boolean} useCache
 * @param {AbortSignal} [signal]
 */
export async function timePass(session, ids, useCache, signal) {
  session.truncate(0); // nothing to reuse
  await session.generate(ids, { maxTokens: 0, useCache, signal }).next(); // in slices; pauses are not counted
  return session.prefillStats.ms;
}

/**
 * Tokens per second of repeated passes that take at least windowMs together.
 * @param {Session} session  @param {ArrayLike<number>} ids  @param {boolean} useCache
 * @param {number} tokens  to count for each pass
 * @param {WindowOptions} [options]
 */
export async function passRate(session, ids, useCache, tokens, options = {}) {
  const { signal, windowMs = WINDOW_MS, beside } = options;
  let [ms, passes] = [0, 0];
  for (; ms < Math.max(windowMs, TICKS * threadClock().tick); passes++) {
    const pass = await timePass(session, ids, useCache, signal);
    ms += pass;
    beside?.(pass);
  }
  return (1e3 * tokens * passes) / ms;
}

/**
 * Tokens per second of decoding with the cache: the ids after the first n, over and over.
 * @param {Session} session  with a timeline for each row, which begins with the first n of its ids
 * @param {readonly ArrayLike<number>[]} rows  the ids of each, more than n
 * @param {number} n
 * @param {WindowOptions} [options]
 */
export async function decodeRate(session, rows, n, { signal, windowMs = WINDOW_MS, beside } = {}) {
  const sequences = rows.map((_, row) => row);
  const pauses = new Pauses(signal);
  const clock = threadClock();
  let [ms, steps, at] = [0, 0, rows[0].length];
  while (ms < windowMs) {
    const start = clock.edge();
    do {
      if (at === rows[0].length) at = rewind(session, rows.length, n);
      if (rows.length === 1) session.append([rows[0][at]]);
      else session.decodeBatch(sequences, rows.map((ids) => ids[at]));
      at++;
      steps++;
    } while (clock.now() - start < CHUNK_MS);
    const chunk = clock.read() - start;
    ms += chunk;
    await pauses.take();
    beside?.(chunk);
  }
  return (1e3 * steps * rows.length) / ms;
}

/** Truncates all timelines to n tokens. @param {Session} session  @param {number} rows  @param {number} n */
function rewind(session, rows, n) {
  eachRow(session, rows, () => session.truncate(n));
  return n;
}

/**
 * @template T
 * @param {Session} session  @param {number} rows  @param {(row: number) => T} work
 * @returns {T[]}
 */
function eachRow(session, rows, work) {
  return Array.from({ length: rows }, (_, row) => {
    if (rows > 1) session.select(row);
    return work(row);
  });
}

/**
 * @typedef {object} ComparisonRow  tokens per second, all rows of a batch together
 * @property {'measured'} source
 * @property {number} tokens       of context in each row of the batch
 * @property {number} batchSize
 * @property {number} runs
 * @property {number} prefill      median: the whole context in one pass
 * @property {number} prefillMin
 * @property {number} prefillMax
 * @property {number} cached       median: decoding after it with the cache, all rows of a batch in one pass
 * @property {number} cachedMin
 * @property {number} cachedMax
 * @property {number} uncached     median: decoding after it without
 * @property {number} uncachedMin
 * @property {number} uncachedMax
 * @property {number} speedUp      cached over uncached
 * @property {string[]} logitsHashes  of each row after the context and one more token, with the cache and
 *                                 without: equal, or there are no figures
 *
 * @typedef {object} ComparisonOptions
 * @property {readonly number[]} [seqLengths]  tokens of context; if absent, those of 10, 25, 50, 100, 200 and
 *                                 500 that fit the model
 * @property {number} [batchSize]  timelines that grow together, a token each in one pass; at most 32
 * @property {number} [runs]       repetitions after a warm-up
 * @property {AbortSignal} [signal]
 * @property {(event: { tokens: number, done: number, total: number }) => void} [onProgress]  after every run
 */

/** @type {readonly (keyof ComparisonOptions)[]} */
export const COMPARISON_OPTIONS = ['seqLengths', 'batchSize', 'runs', 'signal', 'onProgress'];

/**
 * Speed with the cache on and off, measured here and now: "outputs_differ" if a bit of the logits differs.
 * @param {Measured} model  @param {ComparisonOptions} [options]  @returns {Promise<ComparisonRow[]>}
 */
export async function benchmarkComparison(model, options) {
  const { seqLengths, batchSize = 1, runs = 5, signal, onProgress } = (
    optionsOf('benchmarkComparison()', options, COMPARISON_OPTIONS));
  checkSignal(signal);
  checkCallback('onProgress', onProgress);
  const lengths = lengthsFor(model, seqLengths);
  refuse(batchSize, 1, 32, 'A batch size');
  refuse(runs, 1, 1000, 'The number of runs');
  const total = lengths.length * (WARM_UPS + runs);
  let done = 0;
  const rows = [];
  for (const tokens of lengths) {
    const onRun = () => onProgress?.({ tokens, done: ++done, total });
    rows.push(await compare(model, tokens, batchSize, runs, { signal, onRun }));
  }
  return rows;
}

/**
 * @param {Measured} model
 * @param {number} tokens  @param {number} batchSize  @param {number} runs
 * @param {{ signal?: AbortSignal, onRun: () => void }} options
 * @returns {Promise<ComparisonRow>}
 */
async function compare(model, tokens, batchSize, runs, { signal, onRun }) {
  const length = Math.min(tokens + DECODED, model.config.nPositions);
  const batch = Array.from({ length: batchSize }, (_, i) => benchmarkIds(length, model.sampledIds, i + 1));
  const session = model.createSession({ capacity: length, sequences: batchSize });
  /** @type {Rates} */
  const rates = { prefill: [], cached: [], uncached: [] };
  let logitsHashes = /** @type {string[]} */ ([]);
  try {
    for (let run = -WARM_UPS; run < runs; run++) {
      const measured = await measureOnce(session, batch, tokens, { signal });
      logitsHashes = measured.hashes;
      if (run >= 0) {
        rates.prefill.push(measured.prefill ?? 0);
        rates.cached.push(measured.cached);
        rates.uncached.push(measured.uncached ?? 0);
      }
      onRun();
    }
  } finally {
    session.dispose();
  }
  return { source: 'measured', tokens, batchSize, runs, ...figuresOf(rates), logitsHashes };
}

/**
 * One run: prefill and decode with the cache, the same step without it, and the logits of both.
 * @param {Session} session  with a timeline for each row
 * @param {readonly Uint32Array[]} rows  their ids  @param {number} n  tokens of context
 * @param {WindowOptions & { passes?: boolean, besidePasses?: Beside }} [options]  passes: false leaves out
 *   the passes over the whole context and times decoding alone; the timelines must hold the context already
 * @returns {Promise<{ hashes: string[], cached: number, prefill?: number, uncached?: number }>}
 */
export async function measureOnce(session, rows, n, { passes = true, besidePasses, ...options } = {}) {
  const whole = passes && await measurePasses(session, rows, n, { ...options, beside: besidePasses });
  const cached = await decodeRate(session, rows, n, options);
  const hashes = eachRow(session, rows.length, (row) => {
    session.truncate(n);
    session.decode(rows[row][n]);
    return session.logitsHash;
  });
  if (whole) refuseDifference(hashes, whole.hashes, n);
  return { hashes, cached, ...(whole && { prefill: whole.prefill, uncached: whole.uncached }) };
}

/**
 * The step without the cache, with the hashes of its logits, then the prefill.
 * @param {Session} session  @param {readonly Uint32Array[]} rows  @param {number} n
 * @param {WindowOptions} options
 */
async function measurePasses(session, rows, n, options) {
  const uncached = await rowByRow(session, rows,
    (ids) => passRate(session, ids.subarray(0, n + 1), false, 1, options));
  const hashes = eachRow(session, rows.length, () => session.logitsHash);
  const prefill = await rowByRow(session, rows,
    (ids) => passRate(session, ids.subarray(0, n), true, n, options));
  return { uncached, hashes, prefill };
}

/**
 * Tokens per second of all rows, one after the other, from the rate of each.
 * @param {Session} session  @param {readonly Uint32Array[]} rows
 * @param {(ids: Uint32Array) => Promise<number>} rate
 */
async function rowByRow(session, rows, rate) {
  let secondsPerToken = 0;
  for (const [row, ids] of rows.entries()) {
    if (rows.length > 1) session.select(row);
    secondsPerToken += 1 / await rate(ids);
  }
  return rows.length / secondsPerToken;
}

/** @param {string[]} on  @param {string[]} off  @param {number} n */
function refuseDifference(on, off, n) {
  const row = on.findIndex((hash, i) => hash !== off[i]);
  if (row === -1) return;
  throw new KvcError('outputs_differ', `No figures: after ${n + 1} tokens, row ${row} of the batch has other `
    + `logits with the cache (${on[row]}) than without (${off[row]}). Please report this.`);
}

/** @param {Rates} rates */
function figuresOf(rates) {
  const [prefill, cached, uncached] = [rates.prefill, rates.cached, rates.uncached].map(spread);
  return {
    prefill: prefill.median, prefillMin: prefill.min, prefillMax: prefill.max,
    cached: cached.median, cachedMin: cached.min, cachedMax: cached.max,
    uncached: uncached.median, uncachedMin: uncached.min, uncachedMax: uncached.max,
    speedUp: cached.median / uncached.median,
  };
}

/**
 * The lengths to measure, all of which leave room for one token more.
 * @param {Measured} model  @param {readonly number[] | undefined} wanted
 */
function lengthsFor(model, wanted) {
  if (!isCount(model?.config?.nPositions) || typeof model.createSession !== 'function') {
    throw invalid('benchmarkComparison() measures a model from loadModel().');
  }
  if (model.config.encoder) {
    throw new KvcError('unsupported', 'A model with an encoder is measured by benchmarkSources().');
  }
  if (!Array.isArray(wanted ?? [])) throw invalid('seqLengths is a list of token counts, like [64, 256].');
  const most = model.config.nPositions - 1;
  const lengths = wanted ?? LENGTHS.filter((n) => n <= most);
  for (const n of lengths) refuse(n, 1, most, 'A length of context');
  return lengths;
}

/** @param {number} value  @param {number} least  @param {number} most  @param {string} what */
function refuse(value, least, most, what) {
  if (Number.isInteger(value) && value >= least && value <= most) return;
  throw invalid(`${what} must be a whole number from ${least} to ${most} here; it is ${shown(value)}.`);
}
