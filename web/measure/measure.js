// A loaded model held against the machine it runs on: how fast it is with the cache on and off, what it moves
// and computes for that, and what the machine could do at most in the same moments. `npm run bench` and the
// page's benchmark both measure with this. Rates are tokens per second. A run measures
//   a step without the cache and a prefill, with multiplying and adding in between,
//   then decoding, with reading memory in between,
// so that what is compared was measured in the same moments.
import { KvcError } from '../engine/errors.js';
import { DECODED, benchmarkIds, measureOnce, spread, timePass } from './benchmark.js';

export const WARM_UPS = 1; // runs that are not counted
const PIECE_MS = 4;        // of a limit that is measured in pieces: at least,
const MOST_PIECE_MS = 30;  // and at most
const FEW = 32;            // tokens: a pass over them tells how long one over the context would take

/**
 * @import { Spread } from './benchmark.js'
 * @import { Limits } from './limits.js'
 * @import { Model as LoadedModel } from '../session/model.js'
 * @import { Session } from '../session/session.js'
 *
 * @typedef {Pick<LoadedModel, 'config' | 'weights' | 'createSession'>} Model
 *
 * @typedef {object} Plan
 * @property {number} runs        after a warm-up
 * @property {number} windowMs    of one figure, at least
 * @property {number} patienceMs  passes over a whole context that would take longer are left out
 *
 * @typedef {object} Figures      of one context; "a token" is one decoded in the middle of the window
 * @property {number} context
 * @property {string} hash               of the logits after the context and one more token
 * @property {Spread} decode
 * @property {Spread} [prefill]          absent where it would have taken too long
 * @property {Spread} [uncached]
 * @property {Spread} read               bytes per second, of a buffer as large as the weights
 * @property {Spread} peak               multiplications and additions per second: of floats, or of integers
 *                                       for int8 weights
 * @property {number} weightBytes        read for a token
 * @property {number} cacheBytes         read for a token
 * @property {number} multiplyAdds       for a token
 * @property {number} prefillMultiplyAdds  for a token of the prefill, on average
 */

/** The contexts that fit a model. @param {readonly number[]} contexts  @param {Model} model */
export const fitting = (contexts, { config }) => contexts.filter((n) => n + DECODED <= config.nPositions);

/**
 * Errors: "outputs_differ" if a single bit of the logits differs; then there are no figures.
 * @param {Model} model  @param {number} context  @param {Plan} plan
 * @param {Limits} limits  of a buffer as large as the weights
 * @param {{ signal?: AbortSignal, onRun?: () => void }} [options]  onRun: after every run, warm-up included
 * @returns {Promise<Figures>}
 */
export async function measureContext(model, context, plan, limits, { signal, onRun } = {}) {
  const { runs, windowMs, patienceMs } = plan;
  const ids = benchmarkIds(context + DECODED, model.config.vocabSize);
  const session = model.createSession({ capacity: ids.length });
  try {
    const passes = await passMs(session, ids.subarray(0, context), signal) <= patienceMs;
    const costs = await work(session, ids, context, signal);
    /** @type {Record<'decode' | 'prefill' | 'uncached' | 'read' | 'peak', number[]>} */
    const rates = { decode: [], prefill: [], uncached: [], read: [], peak: [] };
    const hashes = new Set();
    for (let run = -WARM_UPS; run < runs; run++) {
      const read = piecewise((ms) => limits.read(ms));
      const peak = piecewise((ms) => limits.multiplyAdd(model.weights, ms));
      const options = { windowMs, passes, signal, besidePasses: peak.beside, beside: read.beside };
      const measured = await measureOnce(session, [ids], context, options);
      hashes.add(measured.hashes[0]);
      if (run >= 0) {
        rates.decode.push(measured.cached);
        if (measured.prefill !== undefined) rates.prefill.push(measured.prefill);
        if (measured.uncached !== undefined) rates.uncached.push(measured.uncached);
        rates.read.push(read.rate(windowMs));
        rates.peak.push(peak.rate(windowMs));
      }
      onRun?.();
    }
    if (hashes.size > 1) {
      throw new KvcError('outputs_differ',
        `No figures: the same tokens gave different logits (${[...hashes].join(', ')}). Please report this.`);
    }
    return {
      context, hash: [...hashes][0], ...costs,
      decode: spread(rates.decode), read: spread(rates.read), peak: spread(rates.peak),
      ...(passes && { prefill: spread(rates.prefill), uncached: spread(rates.uncached) }),
    };
  } finally {
    session.dispose();
  }
}

/**
 * A rate that is measured in pieces, between those of something else.
 * @param {(ms: number) => number} measure  for so long
 */
function piecewise(measure) {
  let [owed, ms, amount] = [0, 0, 0];
  const take = (/** @type {number} */ piece) => {
    amount += measure(piece) * piece;
    ms += piece;
  };
  return {
    /** @param {number} passed  ms of the something else */
    beside(passed) {
      owed += passed / 2;
      if (owed < PIECE_MS) return;
      take(Math.min(owed, MOST_PIECE_MS));
      owed = 0;
    },
    /** @param {number} windowMs  that it has to be measured for: what is left of that follows here */
    rate(windowMs) {
      if (ms < windowMs) take(Math.max(PIECE_MS, windowMs - ms));
      return amount / ms;
    },
  };
}

/**
 * Milliseconds that a pass over all the ids will take, roughly.
 * @param {Session} session  @param {Uint32Array} ids  @param {AbortSignal} [signal]
 */
async function passMs(session, ids, signal) {
  const few = ids.subarray(0, FEW);
  await timePass(session, few, true, signal); // the first calls are slow
  return (await timePass(session, few, true, signal) * ids.length) / few.length;
}

/**
 * The work of one token in the middle of the window and of a prefill, from the engine's counters.
 * @param {Session} session  @param {Uint32Array} ids  @param {number} context  @param {AbortSignal} [signal]
 */
async function work(session, ids, context, signal) {
  const prefill = await counted(session, () => timePass(session, ids.subarray(0, context), true, signal));
  session.prefill(ids.subarray(context, context + DECODED / 2));
  const token = await counted(session, () => session.decode(ids[context + DECODED / 2]));
  return {
    weightBytes: token.weightBytes, cacheBytes: token.cacheBytesRead, multiplyAdds: token.macs,
    prefillMultiplyAdds: prefill.macs / context,
  };
}

/** @param {Session} session  @param {() => unknown} pass */
async function counted(session, pass) {
  session.clearCounts();
  await pass();
  const { counts } = session;
  return { ...counts, macs: counts.projectionMacs + counts.attentionMacs + counts.headMacs };
}

/** Bytes of weights that a decoded token reads. @param {Model} model */
export function weightBytes(model) {
  const session = model.createSession({ capacity: 1 });
  try {
    session.decode(0);
    return session.counts.weightBytes;
  } finally {
    session.dispose();
  }
}

// ---- results as shares of the limits ------------------------------------------------------------

/**
 * Bytes read for a decoded token, over those that could have been read in the same time.
 * @param {Figures} row
 */
export const bandwidthShare = ({ weightBytes, cacheBytes, decode, read }) => (
  ((weightBytes + cacheBytes) * decode.median) / read.median);

/**
 * Multiplications and additions of a rate of prefilled tokens, over those that could have been done.
 * @param {Figures} row  @param {number} tokensPerSecond
 */
const peakShare = (row, tokensPerSecond) => (2 * row.prefillMultiplyAdds * tokensPerSecond) / row.peak.median;

/** @param {Figures} row */
export const prefillShare = (row) => peakShare(row, row.prefill?.median ?? NaN);

/** A token without the cache takes a pass over the context and itself. @param {Figures} row */
export const uncachedShare = (row) => peakShare(row, (row.context + 1) * (row.uncached?.median ?? NaN));

/**
 * The extra time of a token at the longest context over the shortest, as a multiple of the time it takes to
 * read the extra bytes of the cache.
 * @param {Figures} short  @param {Figures} long
 */
export function attentionFactor(short, long) {
  const seconds = 1 / long.decode.median - 1 / short.decode.median;
  const bytes = long.cacheBytes - short.cacheBytes;
  return (seconds * long.read.median) / bytes;
}
