// Measures a loaded model in place, with its KV cache on and off. It runs wherever the model runs: in
// a page, in a worker, in Node; ../tests/bench measures with the same functions.
//
// What is timed: windows of many tokens, because clocks in browsers tick every 0.1 ms and more. Between
// two windows others have their turn, and that time is not counted. The two modes take turns too, so
// that a machine that slows down slows both. Nothing is reported if the cache changes a bit of the logits.
import { KvcError } from './errors.js';
import { LENGTHS } from './analysis.js';
import { Pauses } from './pauses.js';

const WARM_UPS = 1;      // runs that are not counted
const CHUNK_MS = 16;     // of computing between two looks at the clock
export const WINDOW_MS = 50;    // of computing behind one figure, at least
export const DECODED = 16;      // tokens after the context that a window goes over, again and again

/**
 * @typedef {import('./session.js').Session} Session
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
  session.reset();
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
 * @param {readonly Session[]} rows  timelines that hold the first n of their ids; each decodes its own in turn
 * @param {readonly ArrayLike<number>[]} ids  of each row, at least one more than n
 * @param {number} n
 * @param {{ signal?: AbortSignal, windowMs?: number }} [options]
 */
export async function decodeRate(rows, ids, n, { signal, windowMs = WINDOW_MS } = {}) {
  const pauses = new Pauses(signal);
  let [ms, steps, at] = [0, 0, n];
  while (ms < windowMs) {
    const start = performance.now();
    do {
      if (at === ids[0].length) for (const row of rows) row.truncate(at = n);
      for (const [i, row] of rows.entries()) row.decode(ids[i][at]);
      at++;
      steps++;
    } while (performance.now() - start < CHUNK_MS);
    ms += performance.now() - start;
    await pauses.take();
  }
  return (1e3 * steps * rows.length) / ms;
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
 * @property {number} cached       median: decoding after it with the cache
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
 * @property {number} [batchSize]  timelines that take turns, token by token
 * @property {number} [runs]       repetitions after a warm-up
 * @property {AbortSignal} [signal]
 * @property {(event: { tokens: number, done: number, total: number }) => void} [onProgress]  after every run
 */

/**
 * Speed with the cache on and off, measured here and now.
 * Errors: "outputs_differ" if a single bit of the logits does; then there are no figures.
 * @param {Pick<import('./model.js').Model, 'config' | 'sampledIds' | 'createSession'>} model
 * @param {ComparisonOptions} [options]
 * @returns {Promise<ComparisonRow[]>}
 */
export async function benchmarkComparison(model, { seqLengths, batchSize = 1, runs = 5, signal, onProgress } = {}) {
  const most = model.config.nPositions - 1;
  const lengths = seqLengths ?? LENGTHS.filter((n) => n <= most);
  for (const n of lengths) refuse(n, 1, most, 'A length of context');
  refuse(batchSize, 1, 256, 'A batch size');
  refuse(runs, 1, 1000, 'The number of runs');
  const rows = [];
  const total = lengths.length * (WARM_UPS + runs);
  for (const tokens of lengths) {
    const measured = { prefill: /** @type {number[]} */ ([]), cached: /** @type {number[]} */ ([]), uncached: /** @type {number[]} */ ([]) };
    const batch = Array.from({ length: batchSize }, (_, i) => benchmarkIds(Math.min(tokens + DECODED, most + 1), model.sampledIds, i + 1));
    const timelines = /** @type {Session[]} */ ([]);
    let logitsHashes = /** @type {string[]} */ ([]);
    try {
      for (const ids of batch) timelines.push(model.createSession({ capacity: ids.length }));
      for (let run = -WARM_UPS; run < runs; run++) {
        const { hashes, ...rates } = await measureOnce(timelines, batch, tokens, signal);
        logitsHashes = hashes;
        if (run >= 0) for (const name of /** @type {const} */ (['prefill', 'cached', 'uncached'])) measured[name].push(rates[name]);
        onProgress?.({ tokens, done: rows.length * (WARM_UPS + runs) + WARM_UPS + run + 1, total });
      }
    } finally {
      for (const session of timelines) session.dispose();
    }
    rows.push(comparisonRow(tokens, batchSize, runs, measured, logitsHashes));
  }
  return rows;
}

/**
 * One run: prefill and decode with the cache, the same step without it, and the logits of both.
 * @param {readonly Session[]} timelines  @param {readonly Uint32Array[]} batch  @param {number} n  @param {AbortSignal} [signal]
 */
async function measureOnce(timelines, batch, n, signal) {
  let [prefill, uncached] = [0, 0]; // seconds per token, summed over the rows
  for (const [i, session] of timelines.entries()) {
    uncached += 1 / await passRate(session, batch[i].subarray(0, n + 1), false, 1, { signal });
  }
  const off = timelines.map((session) => session.logitsHash);
  for (const [i, session] of timelines.entries()) {
    prefill += 1 / await passRate(session, batch[i].subarray(0, n), true, n, { signal });
  }
  const cached = await decodeRate(timelines, batch, n, { signal });
  const on = timelines.map((session, i) => {
    session.truncate(n);
    session.decode(batch[i][n]);
    return session.logitsHash;
  });
  refuseDifference(on, off, n);
  return { prefill: timelines.length / prefill, cached, uncached: timelines.length / uncached, hashes: on };
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
 * @param {Record<'prefill' | 'cached' | 'uncached', number[]>} measured  @param {string[]} logitsHashes
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
