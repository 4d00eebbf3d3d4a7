// A text that a model with an encoder writes from a source, token by token: what each has cost, by the clock
// and by the engine's counters, and how much it looked at each token of the source.
import { Pauses } from '../engine/pauses.js';
import { NO_RULES } from '../session/settings.js';

/**
 * @import { Model } from '../session/model.js'
 * @import { Session } from '../session/session.js'
 * @import { WrittenId } from './edited.js'
 * @import { Watch } from './prefill.js'
 *
 * @typedef {object} TraceFields
 * @property {string} source
 * @property {number} maxTokens
 * @property {boolean} [useCache]
 * @property {boolean} [useCrossCache]
 *
 * @typedef {Required<Omit<TraceFields, 'source'>>
 *   & { model: Model, source: number[], signal: AbortSignal }} Job
 *
 * @typedef {object} Step   a pass of the decoder
 * @property {number | null} id  of the token that came of it; null: the text has ended
 * @property {string} text
 * @property {number} ms    the mean of a burst long enough for the clock, and of several the fastest
 * @property {number} macs  multiply-adds, all of them
 * @property {number} crossMacs  of these: keys and values of the source
 * @property {number} rows  tokens of the text that ran through the decoder
 * @property {string} hash  of the logits
 *
 * @typedef {object} Traced  greedy
 * @property {WrittenId[]} source
 * @property {{ ms: number, macs: number, crossMacs: number }} reading  of the source, once for all steps;
 *   with the cross cache its keys and values too
 * @property {Step[]} steps
 * @property {{ layers: number, heads: number, weights: Float32Array }} [looks]  [steps, layers, heads,
 *   source]; with both caches, from whose keys they come
 * @property {{ self: number, cross: number }} bytes  that the caches hold at the end
 */

const GREEDY = { ...NO_RULES, temperature: 0, repetitionPenalty: 1 };
const BURSTS = 3; // something else may have kept the machine busy in one

/** @param {Watch} watch  @param {Job} job  @returns {Promise<Traced>} */
export async function traced(watch, job) {
  const { model, source, maxTokens, useCache, useCrossCache, signal } = job;
  const { config: { nLayer: layers, nHead: heads }, generation: { startTokenIds = [] } } = model;
  const isCached = useCache && useCrossCache;
  const room = { capacity: startTokenIds.length + maxTokens, sourceCapacity: source.length };
  const session = model.createSession({ ...room, useCache, useCrossCache });
  try {
    const reading = await read(watch, session, source, signal);
    const written = await write(session, source, maxTokens, signal);
    const size = layers * heads * source.length;
    const weights = new Float32Array(isCached ? written.length * size : 0);
    const pauses = new Pauses(signal);
    session.truncate(0);
    let given = startTokenIds;
    /** @type {Step[]} */
    const steps = [];
    for (const [i, token] of written.entries()) {
      const cost = step(watch, session, given);
      if (isCached) weights.set(looksOf(session, layers, heads), i * size);
      steps.push({ ...token, ...cost });
      given = [token.id ?? 0];
      await pauses.take();
    }
    const { usedBytes: self, crossUsedBytes: cross = 0 } = session.memoryUsage();
    const texts = source.map((id) => ({ id, text: model.decode([id]) }));
    const looks = isCached ? { layers, heads, weights } : undefined;
    return { source: texts, reading, steps, looks, bytes: { self, cross } };
  } finally {
    session.dispose();
  }
}

/** @param {Watch} watch  @param {Session} session  @param {number[]} source  @param {AbortSignal} signal */
async function read(watch, session, source, signal) {
  session.clearCounts();
  await session.setSource(source, { signal });
  const { encoderMacs = 0, crossProjectionMacs: crossMacs = 0 } = session.counts;
  let ms = Infinity;
  for (let burst = 0; burst < BURSTS; burst++) {
    const stopwatch = watch.stopwatch();
    let passes = 0;
    for (; passes === 0 || stopwatch.now() < watch.clock.span; passes++) {
      await session.setSource(source, { signal });
    }
    ms = Math.min(ms, stopwatch.read() / passes);
  }
  return { ms, macs: encoderMacs + crossMacs, crossMacs };
}

/**
 * All tokens, and the end if it came to that.
 * @param {Session} session  @param {number[]} source  @param {number} maxTokens  @param {AbortSignal} signal
 */
async function write(session, source, maxTokens, signal) {
  /** @type {{ id: number | null, text: string }[]} */
  const written = [];
  for await (const { id, text } of session.generate(source, { ...GREEDY, maxTokens, signal })) {
    written.push({ id, text });
  }
  return session.finishReason === 'eos' ? [...written, { id: null, text: '' }] : written;
}

/**
 * The next pass, which is taken back and done again until the clock can tell how long it takes.
 * @param {Watch} watch  @param {Session} session  @param {readonly number[]} ids
 */
function step(watch, session, ids) {
  const { position } = session;
  session.clearCounts();
  session.append(ids);
  const { counts } = session;
  const rows = session.useCache ? ids.length : session.position;
  let ms = Infinity;
  for (let burst = 0; burst < BURSTS; burst++) {
    const stopwatch = watch.stopwatch();
    let passes = 0;
    for (; passes === 0 || stopwatch.now() < watch.clock.span; passes++) {
      session.truncate(position);
      session.append(ids);
    }
    ms = Math.min(ms, stopwatch.read() / passes);
  }
  const { projectionMacs, attentionMacs, headMacs, crossProjectionMacs: crossMacs = 0 } = counts;
  const macs = projectionMacs + attentionMacs + headMacs + crossMacs + (counts.crossAttentionMacs ?? 0);
  return { ms, macs, crossMacs, rows, hash: session.logitsHash };
}

/** @param {Session} session  @param {number} layers  @param {number} heads */
function looksOf(session, layers, heads) {
  const all = Array.from({ length: layers * heads }, (_, i) => (
    session.crossAttentionWeights(Math.floor(i / heads), i % heads)));
  return all.flatMap((weights) => [...weights]);
}
