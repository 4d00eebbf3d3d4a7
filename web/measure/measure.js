// A loaded model held against the machine it runs on: how fast it is with the cache on and off, what it
// moves and computes for that, and what the machine could do at most in the same moments. `npm run bench`
// and the page's benchmark both measure with this. Rates are tokens per second, runs in turns:
//   a step without the cache, a prefill, decoding, reading memory, multiplying and adding; and again
import { KvcError } from '../engine/errors.js';
import { DECODED, benchmarkIds, measureOnce, spread, timePass } from './benchmark.js';

export const WARM_UPS = 1; // runs that are not counted
const FEW = 32;            // tokens: a pass over them tells how long one over the context would take

/**
 * @typedef {import('./benchmark.js').Spread} Spread
 * @typedef {import('../session/session.js').Session} Session
 * @typedef {Pick<import('../session/model.js').Model, 'config' | 'weights' | 'createSession'>} Model
 *
 * @typedef {object} Plan
 * @property {number} runs        after a warm-up
 * @property {number} windowMs    of one figure, at least
 * @property {number} patienceMs  passes over a whole context that take longer are left out
 *
 * @typedef {object} Figures      of one context; a token is one decoded in the middle of the window
 * @property {number} context
 * @property {string} hash               of the logits after the context and one token more
 * @property {Spread} decode
 * @property {Spread} [prefill]          absent: beyond the patience
 * @property {Spread} [uncached]
 * @property {Spread} read               bytes per second, of a buffer as large as the weights
 * @property {Spread} peak               multiplications and additions per second, of floats or, for int8 weights, integers
 * @property {number} weightBytes        read for a token
 * @property {number} cacheBytes         read for a token
 * @property {number} multiplyAdds       for a token
 * @property {number} prefillMultiplyAdds  for a token of the prefill, on average
 */

/** Those of the contexts that a model has positions for. @param {readonly number[]} contexts  @param {Model} model */
export const fitting = (contexts, { config }) => contexts.filter((n) => n + DECODED <= config.nPositions);

/**
 * Errors: "outputs_differ" if a single bit of the logits does; then there are no figures.
 * @param {Model} model  @param {number} context  @param {Plan} plan
 * @param {import('./limits.js').Limits} limits  of a buffer as large as the weights
 * @param {{ signal?: AbortSignal, onRun?: () => void }} [options]  onRun: after every run, the warm-up included
 * @returns {Promise<Figures>}
 */
export async function measureContext(model, context, { runs, windowMs, patienceMs }, limits, { signal, onRun } = {}) {
  const ids = benchmarkIds(context + DECODED, model.config.vocabSize);
  const session = model.createSession({ capacity: ids.length });
  try {
    const passes = await passMs(session, ids.subarray(0, context), signal) <= patienceMs;
    const costs = await work(session, ids, context, signal);
    /** @type {Record<'decode' | 'prefill' | 'uncached' | 'read' | 'peak', number[]>} */
    const rates = { decode: [], prefill: [], uncached: [], read: [], peak: [] };
    const hashes = new Set();
    for (let run = -WARM_UPS; run < runs; run++) {
      const { hashes: [hash], cached, prefill, uncached } = await measureOnce(session, [ids], context, { windowMs, passes, signal });
      hashes.add(hash);
      if (run >= 0) {
        rates.decode.push(cached);
        if (prefill !== undefined) rates.prefill.push(prefill);
        if (uncached !== undefined) rates.uncached.push(uncached);
        rates.read.push(limits.read(windowMs));
        rates.peak.push(limits.multiplyAdd(model.weights, windowMs));
      }
      onRun?.();
    }
    if (hashes.size > 1) throw new KvcError('outputs_differ', `No figures: the same tokens gave different logits (${[...hashes].join(', ')}). Please report this.`);
    return {
      context, hash: [...hashes][0], decode: spread(rates.decode), read: spread(rates.read), peak: spread(rates.peak),
      ...(passes && { prefill: spread(rates.prefill), uncached: spread(rates.uncached) }), ...costs,
    };
  } finally {
    session.dispose();
  }
}

/** Milliseconds that a pass over all the ids will take, about. @param {Session} session  @param {Uint32Array} ids  @param {AbortSignal} [signal] */
async function passMs(session, ids, signal) {
  const few = ids.subarray(0, FEW);
  await timePass(session, few, true, signal); // the first calls are slow
  return (await timePass(session, few, true, signal) * ids.length) / few.length;
}

/**
 * What one token decoded in the middle of the window, and a prefill, have the engine do; from its counters.
 * @param {Session} session  @param {Uint32Array} ids  @param {number} context  @param {AbortSignal} [signal]
 */
async function work(session, ids, context, signal) {
  const prefill = await counted(session, () => timePass(session, ids.subarray(0, context), true, signal));
  session.prefill(ids.subarray(context, context + DECODED / 2));
  const { weightBytes: bytes, cacheBytesRead: cacheBytes, macs } = await counted(session, () => session.decode(ids[context + DECODED / 2]));
  return { weightBytes: bytes, cacheBytes, multiplyAdds: macs, prefillMultiplyAdds: prefill.macs / context };
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

/** Bytes of a decoded token over those that could have been read in the same time. @param {Figures} row */
export const bandwidthShare = (row) => ((row.weightBytes + row.cacheBytes) * row.decode.median) / row.read.median;

/** Multiplications and additions of the prefill over those that could have been done. @param {Figures} row */
export const prefillShare = (row) => (2 * row.prefillMultiplyAdds * (row.prefill?.median ?? NaN)) / row.peak.median;

/** The same of a token without the cache: it takes a pass over the context and itself. @param {Figures} row */
export const uncachedShare = (row) => (2 * row.prefillMultiplyAdds * (row.context + 1) * (row.uncached?.median ?? NaN)) / row.peak.median;

/**
 * What a token costs more at the longest context than at the shortest, over the time of reading the
 * bytes of the cache that it has more to read.
 * @param {Figures} short  @param {Figures} long
 */
export const attentionFactor = (short, long) => ((1 / long.decode.median - 1 / short.decode.median) * long.read.median)
  / (long.cacheBytes - short.cacheBytes);
