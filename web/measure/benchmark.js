// Measures a loaded model in place, with its KV cache on and off. It runs wherever the model runs: in
// a page, in a worker, in Node; ../tests/bench measures with the same functions.
//
// What is timed: windows of many tokens, because clocks in browsers tick every 0.1 ms and more. Between
// two windows others have their turn, and that time is not counted. The two modes take turns too, so
// that a machine that slows down slows both. Nothing is reported if the cache changes a bit of the logits.
import { KvcError } from '../engine/errors.js';
import { LENGTHS } from './analysis.js';
import { Pauses } from '../engine/pauses.js';

const WARM_UPS = 1;      // runs that are not counted
const CHUNK_MS = 16;     // of computing between two looks at the clock
export const WINDOW_MS = 50;    // of computing behind one figure, at least
export const DECODED = 16;      // tokens after the context that a window goes over, again and again

/**
 * @typedef {import('../session/session.js').Session} Session
 * @typedef {{ median: number, min: number, max: number }} Spread
 */

/** @param {number[]} values @returns {Spread} */
export function spread(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  const median = sorted.length % 2 === 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
  return { median, min: sorted[0], max: sorted[sorted.length - 1] };
}

/** Token ids to measure with: always the same ones. @param {number} n  @param {number} below  @param {number} [seed] */
export function benchmarkIds(n, below, seed = 1) {
  let state = seed;
  return Uint32Array.from({ length: n }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0; // the generator of Numerical Recipes
    return Math.floor((state / 2 ** 32) * below);
  });
}

/**
 * Milliseconds of one pass over all the ids from an empty timeline. With the cache on it is a prefill;
 * with the cache off it is the very pass that decoding the last of them takes.
 * @param {Session} session  @param {ArrayLike<number>} ids  @param {boolean} useCache  @param {AbortSignal} [signal]
 */
export async function timePass(session, ids, useCache, signal) {
  session.truncate(0); // nothing to reuse
  await session.generate(ids, { maxTokens: 0, useCache, signal }).next(); // in slices, pauses left out
  return session.prefillStats.ms;
}

/**
 * Tokens per second of repeated passes that take at least windowMs together.
 * @param {Session} session  @param {ArrayLike<number>} ids  @param {boolean} useCache  @param {number} tokens  of each pass
 * @param {{ signal?: AbortSignal, windowMs?: number }} [options]
 */
export async function passRate(session, ids, useCache, tokens, { signal, windowMs = WINDOW_MS } = {}) {
  let [ms, passes] = [0, 0];
  for (; ms < windowMs; passes++) ms += await timePass(session, ids, useCache, signal);
  return (1e3 * tokens * passes) / ms;
}

/**
 * Tokens per second of decoding with the cache: the ids after the first n, again and again.
 * @param {Session} session  with a timeline for each row, that begins with the first n of its ids
 * @param {readonly ArrayLike<number>[]} rows  the ids of each, more than n
 * @param {number} n
 * @param {{ signal?: AbortSignal, windowMs?: number }} [options]
 */
export async function decodeRate(session, rows, n, { signal, windowMs = WINDOW_MS } = {}) {
  const sequences = rows.map((_, row) => row);
  const pauses = new Pauses(signal);
  let [ms, steps, at] = [0, 0, rows[0].length];
  while (ms < windowMs) {
    const start = performance.now();
    do {
      if (at === rows[0].length) at = rewind(session, rows.length, n);
      if (rows.length === 1) session.append([rows[0][at]]);
      else session.decodeBatch(sequences, rows.map((ids) => ids[at]));
      at++;
      steps++;
    } while (performance.now() - start < CHUNK_MS);
    ms += performance.now() - start;
    await pauses.take();
  }
  return (1e3 * steps * rows.length) / ms;
}

/** All timelines back to their first n tokens. @param {Session} session  @param {number} rows  @param {number} n */
function rewind(session, rows, n) {
  eachRow(session, rows, () => session.truncate(n));
  return n;
}

/** @template T @param {Session} session  @param {number} rows  @param {(row: number) => T} work  @returns {T[]} */
function eachRow(session, rows, work) {
  return Array.from({ length: rows }, (_, row) => {
    if (rows > 1) session.select(row);
    return work(row);
  });
}

/**
 * @typedef {object} ComparisonRow  tokens per second, all rows of a batch together
 * @property {'measured'} source
 * @property {number} tokens       of context, in each row of the batch
 * @property {number} batchSize
 * @property {number} runs
 * @property {number} prefill      median: reading the context at once
 * @property {number} prefillMin
 * @property {number} prefillMax
 * @property {number} cached       median: decoding after it with the cache, a token for every row of the batch in one pass
 * @property {number} cachedMin
 * @property {number} cachedMax
 * @property {number} uncached     median: decoding after it without
 * @property {number} uncachedMin
 * @property {number} uncachedMax
 * @property {number} speedUp      cached over uncached
 * @property {string[]} logitsHashes  of each row after the same token, with the cache and without: equal, or there are no rows
 *
 * @typedef {object} ComparisonOptions
 * @property {readonly number[]} [seqLengths]  tokens of context; if absent, those of the course that fit the model
 * @property {number} [batchSize]  timelines that grow together, a token each in one pass; at most 32
 * @property {number} [runs]       repetitions after a warm-up
 * @property {AbortSignal} [signal]
 * @property {(event: { tokens: number, done: number, total: number }) => void} [onProgress]  after every run
 */

/**
 * Speed with the cache on and off, measured here and now.
 * Errors: "outputs_differ" if a single bit of the logits does; then there are no figures.
 * @param {Pick<import('../session/model.js').Model, 'config' | 'sampledIds' | 'createSession'>} model
 * @param {ComparisonOptions} [options]
 * @returns {Promise<ComparisonRow[]>}
 */
export async function benchmarkComparison(model, { seqLengths, batchSize = 1, runs = 5, signal, onProgress } = {}) {
  if (!(model?.config?.nPositions > 1)) throw new KvcError('invalid_argument', 'benchmarkComparison() measures a model that loadModel() gave.');
  if (seqLengths !== undefined && !Array.isArray(seqLengths)) throw new KvcError('invalid_argument', 'seqLengths is a list of token counts, like [64, 256].');
  const most = model.config.nPositions - 1;
  const lengths = seqLengths ?? LENGTHS.filter((n) => n <= most);
  for (const n of lengths) refuse(n, 1, most, 'A length of context');
  refuse(batchSize, 1, 32, 'A batch size');
  refuse(runs, 1, 1000, 'The number of runs');
  const rows = [];
  const total = lengths.length * (WARM_UPS + runs);
  for (const tokens of lengths) {
    const measured = /** @type {Record<string, number[]>} */ ({ prefill: [], cached: [], uncached: [] });
    const batch = Array.from({ length: batchSize }, (_, i) => benchmarkIds(Math.min(tokens + DECODED, most + 1), model.sampledIds, i + 1));
    const session = model.createSession({ capacity: batch[0].length, sequences: batchSize });
    let logitsHashes = /** @type {string[]} */ ([]);
    try {
      for (let run = -WARM_UPS; run < runs; run++) {
        const { hashes, prefill = 0, cached, uncached = 0 } = await measureOnce(session, batch, tokens, { signal });
        logitsHashes = hashes;
        if (run >= 0) for (const [name, rate] of Object.entries({ prefill, cached, uncached })) measured[name].push(rate);
        onProgress?.({ tokens, done: rows.length * (WARM_UPS + runs) + WARM_UPS + run + 1, total });
      }
    } finally {
      session.dispose();
    }
    rows.push(comparisonRow(tokens, batchSize, runs, measured, logitsHashes));
  }
  return rows;
}

/**
 * One run: prefill and decode with the cache, the same step without it, and the logits of both.
 * @param {Session} session  with a timeline for each row
 * @param {readonly Uint32Array[]} rows  their ids  @param {number} n  tokens of context
 * @param {{ signal?: AbortSignal, windowMs?: number, passes?: boolean }} [options]  passes: false leaves the passes over the
 *   whole context out, and times decoding alone; the timelines have to hold the context then
 * @returns {Promise<{ hashes: string[], cached: number, prefill?: number, uncached?: number }>}  tokens per second
 */
export async function measureOnce(session, rows, n, { passes = true, ...options } = {}) {
  const all = rows.length;
  const uncached = passes ? await rowByRow(session, rows, (ids) => passRate(session, ids.subarray(0, n + 1), false, 1, options)) : undefined;
  const off = passes ? eachRow(session, all, () => session.logitsHash) : undefined;
  const prefill = passes ? await rowByRow(session, rows, (ids) => passRate(session, ids.subarray(0, n), true, n, options)) : undefined;
  const cached = await decodeRate(session, rows, n, options);
  const hashes = eachRow(session, all, (row) => {
    session.truncate(n);
    session.decode(rows[row][n]);
    return session.logitsHash;
  });
  if (off) refuseDifference(hashes, off, n);
  return { hashes, cached, prefill, uncached };
}

/**
 * The speed of all rows, one after the other, from that of each.
 * @param {Session} session  @param {readonly Uint32Array[]} rows  @param {(ids: Uint32Array) => Promise<number>} rate
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
  throw new KvcError('outputs_differ', `No figures: after ${n + 1} tokens, row ${row} of the batch has other logits with the cache `
    + `(${on[row]}) than without (${off[row]}). Please report this.`);
}

/**
 * @param {number} tokens  @param {number} batchSize  @param {number} runs
 * @param {Record<string, number[]>} measured  @param {string[]} logitsHashes
 * @returns {ComparisonRow}
 */
function comparisonRow(tokens, batchSize, runs, measured, logitsHashes) {
  const [prefill, cached, uncached] = [measured.prefill, measured.cached, measured.uncached].map(spread);
  return {
    source: 'measured', tokens, batchSize, runs,
    prefill: prefill.median, prefillMin: prefill.min, prefillMax: prefill.max,
    cached: cached.median, cachedMin: cached.min, cachedMax: cached.max,
    uncached: uncached.median, uncachedMin: uncached.min, uncachedMax: uncached.max,
    speedUp: cached.median / uncached.median, logitsHashes,
  };
}

/** @param {number} value  @param {number} least  @param {number} most  @param {string} what */
function refuse(value, least, most, what) {
  if (Number.isInteger(value) && value >= least && value <= most) return;
  throw new KvcError('invalid_argument', `${what} is a whole number from ${least} to ${most} here; ${value} is not possible.`);
}
