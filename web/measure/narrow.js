// What caches of every type cost a loaded model. It writes a text of its own and reads it once with each of
// them, token by token: how far are the logits from those with f32? Then all write behind that text, in
// turns, and are timed.
import { TYPE_NAMES } from '../cache/types.js';
import { Pauses } from '../engine/pauses.js';
import { DECODED, measureOnce, spread } from './benchmark.js';

/**
 * @import { CacheType } from '../cache/types.js'
 * @import { AbortSignal } from '../engine/platform.js'
 * @import { Model } from '../session/model.js'
 * @import { Spread } from './benchmark.js'
 * @import { Plan } from './measure.js'
 *
 * @typedef {Pick<Model, 'config' | 'sampledIds' | 'createSession'>} Measured
 *
 * @typedef {object} Difference  of the logits after one token
 * @property {number} error   greatest of one of them
 * @property {boolean} same   the likeliest id is the same
 * @property {number} kl      of the distribution from the exact one, in nats: sum p ln(p / q)
 *
 * @typedef {object} Narrow   what a cache of some type costs
 * @property {CacheType} type   of keys and values
 * @property {number} bytesPerToken  kept
 * @property {number} cacheBytes     read for a token behind the context
 * @property {Spread} decode  tokens per second there
 * @property {number} same    share of tokens of the text after which the likeliest next one is that of f32
 * @property {number} kl      in nats, on average
 * @property {number} error   of a logit, the greatest
 *
 * @typedef {{ context: number, tokens: number, rows: Narrow[] }} Caches  tokens: of the text that was read
 */

const ALL = { temperature: 1, topK: 0, topP: 1, minP: 0, repetitionPenalty: 1 };
const LEAST = 2 * DECODED; // tokens, however long they take

/** The lowest index of the greatest. @param {ArrayLike<number>} values  @param {number} [n]  of them */
export function argmax(values, n = values.length) {
  let best = 0;
  for (let i = 1; i < n; i++) if (values[i] > values[best]) best = i;
  return best;
}

/** ln of the sum of exp, in float64. @param {Float32Array} logits  @param {number} n */
function logSum(logits, n) {
  const max = logits[argmax(logits, n)];
  let sum = 0;
  for (let i = 0; i < n; i++) sum += Math.exp(logits[i] - max);
  return max + Math.log(sum);
}

/**
 * @param {Float32Array} exact  logits  @param {Float32Array} others  @param {number} [n]  that may be drawn
 * @returns {Difference}
 */
export function difference(exact, others, n = exact.length) {
  const [p, q] = [logSum(exact, n), logSum(others, n)];
  let [error, kl] = [0, 0];
  for (let i = 0; i < n; i++) {
    error = Math.max(error, Math.abs(exact[i] - others[i]));
    kl += Math.exp(exact[i] - p) * (exact[i] - p - (others[i] - q));
  }
  return { error, same: argmax(exact, n) === argmax(others, n), kl: Math.max(0, kl) }; // rounding: -1e-17
}

/**
 * Token ids of a text that the model writes, every id as likely as it is; where it ends, it begins another.
 * @param {Measured} model  @param {number} length  @param {number} seed
 * @param {{ patienceMs?: number, signal?: AbortSignal }} [options]  patienceMs: fewer tokens after so long
 * @returns {Promise<number[]>}
 */
export async function ownText(model, length, seed, { patienceMs = Infinity, signal } = {}) {
  const begin = model.config.bosTokenId ?? 0;
  const session = model.createSession({ capacity: length });
  const ids = [begin];
  const until = performance.now() + patienceMs;
  const isDone = () => ids.length >= length || (ids.length > LEAST && performance.now() > until);
  try {
    for (let run = seed; !isDone(); run++) {
      const options = { ...ALL, seed: run, signal, maxTokens: length - ids.length };
      for await (const token of session.generate(ids, options)) {
        ids.push(token.id);
        if (isDone()) break;
      }
      if (!isDone()) ids.push(begin);
    }
    return ids;
  } finally {
    session.dispose();
  }
}

/**
 * @param {Measured} model  @param {number} most  tokens of context
 * @param {Plan} plan
 * @param {{ signal?: AbortSignal, onRun?: () => void, types?: readonly CacheType[] }} [options]  onRun: after
 *   the text was read, and after every run
 * @returns {Promise<Caches>}
 */
export async function measureCaches(model, most, plan, { signal, onRun, types = TYPE_NAMES } = {}) {
  const { runs, windowMs, patienceMs } = plan;
  const text = await ownText(model, most + DECODED, 1, { patienceMs, signal });
  const ids = Uint32Array.from(text);
  const context = ids.length - DECODED;
  /** @type {ReturnType<typeof entrant>[]} */
  const all = [];
  try {
    for (const type of types) all.push(entrant(model, type, ids.length));
    await read(all, ids, model.sampledIds, signal);
    onRun?.();
    for (let run = 0; run < runs; run++) { // reading has warmed them up
      for (const { session, rates } of all) {
        const { cached } = await measureOnce(session, [ids], context, { windowMs, passes: false, signal });
        rates.push(cached);
      }
      onRun?.();
    }
    return { context, tokens: ids.length, rows: all.map((each) => rowOf(each, ids, context)) };
  } finally {
    for (const { session } of all) session.dispose();
  }
}

/** @param {Measured} model  @param {CacheType} type  @param {number} capacity */
function entrant(model, type, capacity) {
  const session = model.createSession({ capacity, keyType: type, valueType: type });
  return { type, session, rates: /** @type {number[]} */ ([]), error: 0, same: 0, kl: 0 };
}

/**
 * @param {ReturnType<typeof entrant>[]} all  the first one is exact
 * @param {Uint32Array} ids  @param {number} n  that may be drawn  @param {AbortSignal} [signal]
 */
async function read(all, ids, n, signal) {
  const pauses = new Pauses(signal);
  for (const id of ids) {
    const [exact, ...others] = all.map(({ session }) => session.decode(id));
    for (const [i, logits] of [exact, ...others].entries()) {
      const { error, same, kl } = i > 0 ? difference(exact, logits, n) : { error: 0, same: true, kl: 0 };
      all[i].error = Math.max(all[i].error, error);
      all[i].same += same ? 1 : 0;
      all[i].kl += kl;
    }
    if (pauses.due) await pauses.take();
  }
}

/** @param {ReturnType<typeof entrant>} entrant  @param {Uint32Array} ids  @param {number} context */
function rowOf({ type, session, rates, error, same, kl }, ids, context) {
  session.prefill(ids.subarray(session.position, context + DECODED / 2)); // as far as the middle of a window
  session.clearCounts();
  session.decode(ids[context + DECODED / 2]);
  return {
    type, bytesPerToken: session.memoryUsage().bytesPerToken, cacheBytes: session.counts.cacheBytesRead,
    decode: spread(rates), same: same / ids.length, kl: kl / ids.length, error,
  };
}
