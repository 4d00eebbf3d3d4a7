// Looking inside a session: what it has cost, in how many bytes it lies, what a token looked at, what is
// likely next. Nothing here changes it. Its cache is looked into by cache/inspect.js.
import { checkAhead, snapshot, textsOf } from '../cache/inspect.js';
import { cacheBytes, wholePages } from '../cache/sizes.js';
import { areCounts, invalid, isCount, optionsOf, shown } from '../engine/arguments.js';
import { KvcError } from '../engine/errors.js';
import { roomFor } from './growth.js';
import { sessionBytes } from './parts.js';
import { goneOf, mostAlone, slotsOf } from './sliding.js';

/**
 * @import { Range } from '../cache/inspect.js'
 * @import { NativeSession } from './native-session.js'
 *
 * @typedef {object} MemoryUsage  in bytes
 * @property {number} totalBytes     all that this session has allocated: cache, scratch, logits
 * @property {number} cacheBytes     of it the KV cache: bytesPerToken for each slot of each sequence; less
 *   where layers have a window, which have room for two windows and a little
 * @property {number} slots          of all sequences, in layers without a window
 * @property {number} usedBytes      of the cache the part that holds tokens; what sequences share counts once
 * @property {number} sharedBytes    what more it would be if nothing were shared
 * @property {number} freedBytes     what more it would be if layers with a window gave nothing back
 * @property {number} bytesPerToken  of K and V in all layers; in f32 2 * n_layer * n_embd * 4
 * @property {number} [crossBytes]   of a model with an encoder: the cache of the source
 * @property {number} [crossUsedBytes]      of it the part that holds a source
 * @property {number} [crossBytesPerToken]  of that
 *
 * @typedef {object} Ahead  a session that holds nothing but texts of one length, written with the cache on
 * @property {number} length       tokens of each, at most what the session may come to have room for
 * @property {number} [sequences]  how many, which share nothing: 1 if absent
 * @property {number} [sourceLength]  tokens of the source; those that it has if absent
 *
 * A multiply-add is one multiplication and one addition.
 * @typedef {object} Counts  what the passes did since the start or clearCounts()
 * @property {number} projectionMacs    multiply-adds of q, k, v, the output projection and the MLP
 * @property {number} attentionMacs     of q . k and p . v
 * @property {number} headMacs          of the logits
 * @property {number} weightBytes       read
 * @property {number} cacheBytesRead    K and V, also those kept for one pass while the cache is off
 * @property {number} cacheBytesWritten
 * @property {number} [encoderMacs]           of a model with an encoder: all of it
 * @property {number} [crossProjectionMacs]   k and v of the source
 * @property {number} [crossAttentionMacs]    q . k and p . v over the source
 * @property {number} [crossBytesRead]        K and V of the source
 * @property {number} [crossBytesWritten]
 */

const NO_LOGITS = 'There are no logits yet: prefill or decode first.';

/** [vocab_size], a copy. @param {NativeSession} native */
export function logits({ engine, pointer, model }) {
  const address = engine.call('kvc_session_logits', pointer);
  if (address === 0) throw new KvcError('not_ready', NO_LOGITS);
  return engine.memory.floats(address, model.config.vocabSize);
}

/** FNV-1a 64 over their bytes, as 16 hex digits. @param {NativeSession} native */
export function logitsHash({ engine, pointer }) {
  if (engine.call('kvc_session_logits', pointer) === 0) throw new KvcError('not_ready', NO_LOGITS);
  return BigInt.asUintN(64, engine.call('kvc_session_logits_hash', pointer)).toString(16).padStart(16, '0');
}

/**
 * As it is, or as it will be.
 * @param {NativeSession} native  @param {Ahead} [ahead]  @returns {MemoryUsage}
 */
export function memoryUsage(native, ahead) {
  const now = memoryNow(native);
  if (ahead === undefined) return now;
  const names = /** @type {const} */ (['length', 'sequences', 'sourceLength']);
  const { length, sequences = 1, sourceLength } = optionsOf('memoryUsage()', ahead, names);
  const { model: { config }, sourceCapacity, cachePlace } = native;
  checkAhead(length, mostAlone(native), 'length', 'tokens');
  checkAhead(sequences, native.sequences, 'sequences', 'sequences');
  if (sourceLength !== undefined) checkAhead(sourceLength, sourceCapacity, 'sourceLength', 'tokens');
  const long = roomFor(native, Number(length));
  const { capacity } = long;
  const room = { ...long, sequences: native.sequences, sourceCapacity };
  const used = { ...now, ...textsOf(cachePlace, slotsOf(native, Number(length)), sequences) };
  if (sourceLength !== undefined) used.crossUsedBytes = sourceLength * (now.crossBytesPerToken ?? 0);
  if (capacity === native.capacity && long.text === native.text) return used;
  return {
    ...used, slots: native.sequences * wholePages(capacity),
    totalBytes: sessionBytes(native, room), cacheBytes: cacheBytes(config, native, room).cacheBytes,
  };
}

/** @param {NativeSession} native  @returns {MemoryUsage} */
function memoryNow({ engine, pointer, model, capacity, sequences, cachePlace }) {
  const { pointer: cache, bytes } = cachePlace;
  engine.call('kvc_session_memory', engine.result, pointer);
  const session = engine.memory.read('kvc_memory', engine.result);
  engine.call('kvc_cache_get_memory', engine.result, cache);
  const { shared_bytes } = engine.memory.read('kvc_cache_memory', engine.result);
  return {
    totalBytes: bytes,
    cacheBytes: session.cache_bytes,
    slots: sequences * wholePages(capacity),
    usedBytes: session.used_bytes,
    sharedBytes: shared_bytes,
    freedBytes: session.freed_bytes,
    bytesPerToken: session.bytes_per_token,
    ...(model.config.encoder && {
      crossBytes: session.cross_bytes,
      crossUsedBytes: session.cross_used_bytes,
      crossBytesPerToken: session.cross_bytes_per_token,
    }),
  };
}

/** @param {NativeSession} native  @returns {Counts} */
export function counts({ engine, pointer, model, countsBefore: before }) {
  engine.call('kvc_session_counts', engine.result, pointer);
  const counted = engine.memory.read('kvc_counts', engine.result);
  const all = {
    projectionMacs: counted.projection_macs,
    attentionMacs: counted.attention_macs,
    headMacs: counted.head_macs,
    weightBytes: counted.weight_bytes,
    cacheBytesRead: counted.cache_bytes_read,
    cacheBytesWritten: counted.cache_bytes_written,
    ...(model.config.encoder && {
      encoderMacs: counted.encoder_macs,
      crossProjectionMacs: counted.cross_projection_macs,
      crossAttentionMacs: counted.cross_attention_macs,
      crossBytesRead: counted.cross_bytes_read,
      crossBytesWritten: counted.cross_bytes_written,
    }),
  };
  const names = /** @type {(keyof typeof all)[]} */ (Object.keys(all));
  if (before) for (const name of names) all[name] += before[name] ?? 0;
  return all;
}

/** Counts from zero again. @param {NativeSession} native */
export function clearCounts(native) {
  native.engine.call('kvc_session_clear_counts', native.pointer);
  native.countsBefore = undefined;
}

/** @param {NativeSession} native  @param {Range & { sequence?: number }} range */
export function snapshotOf(native, range) {
  const names = /** @type {const} */ (['layer', 'head', 'first', 'count', 'sequence']);
  const { sequence = native.selected, ...slice } = optionsOf('snapshot()', range, names);
  return snapshot(native.cachePlace, sequence, slice);
}

/**
 * What the cache holds of the timeline, slot by slot.
 * @param {NativeSession} native
 * @returns {{ tokens: number[], places: number[], importance?: number[] }}  which token of the text, and the
 *   slot that this was when the token was computed, by whose place its keys are turned; where age does not
 *   decide which page goes, what does: of the least, summed over its tokens
 */
export function held({ engine, pointer, cache, selected, policy }) {
  const n = engine.call('kvc_cache_length', cache, selected);
  return engine.lend(8 * n, (tokens) => {
    engine.check({}, 'kvc_session_held', pointer, tokens, tokens + 4 * n);
    const [first, second] = [tokens, tokens + 4 * n].map((at) => Array.from(engine.memory.words(at, n)));
    if (policy === 'oldest') return { tokens: first, places: second };
    engine.check({}, 'kvc_cache_importance', cache, selected, tokens);
    return { tokens: first, places: second, importance: Array.from(engine.memory.floats(tokens, n)) };
  });
}

/**
 * The k likeliest next tokens, likeliest first, with the natural logarithms of their probabilities.
 * @param {NativeSession} native  @param {number} k
 * @returns {{ id: number, logProb: number }[]}
 */
export function top({ engine, pointer, model }, k) {
  const most = model.sampledIds;
  if (!isCount(k) || k < 1 || k > most) {
    throw invalid(`top() gives 1 to ${most} tokens; ${shown(k)} is not possible.`);
  }
  return engine.lend(8 * k, (ids) => {
    const logProbs = ids + 4 * k;
    engine.check({ not_ready: NO_LOGITS }, 'kvc_session_top', pointer, most, k, ids, logProbs);
    const floats = engine.memory.floats(logProbs, k);
    return Array.from(engine.memory.words(ids, k), (id, i) => ({ id, logProb: floats[i] }));
  });
}

/**
 * How much the last token looked at each token, itself included, in one layer and head: [position], or where
 * some are gone, those that the cache holds, slot by slot.
 * @param {NativeSession} native  @param {number} layer  @param {number} head
 */
export const attentionWeights = (native, layer, head) => (
  lookOf(native, 'kvc_session_attention', native.position - goneOf(native), layer, head));

/**
 * How much it looked at each token of the source: [source].
 * @param {NativeSession} native  @param {number} layer  @param {number} head
 */
export const crossAttentionWeights = (native, layer, head) => (
  lookOf(native, 'kvc_session_cross_attention', sourceLength(native), layer, head));

/** @param {NativeSession} native */
function sourceLength({ engine, pointer, model }) {
  if (!model.config.encoder) throw new KvcError('unsupported', 'This model reads no source to look at.');
  return engine.call('kvc_session_source_length', pointer);
}

/**
 * The query that it looked with: [head_dim].
 * @param {NativeSession} native  @param {number} layer  @param {number} head
 */
export const attentionQuery = (native, layer, head) => (
  lookOf(native, 'kvc_session_query', native.model.config.headDim, layer, head));

/**
 * @param {NativeSession} native
 * @param {'kvc_session_attention' | 'kvc_session_cross_attention' | 'kvc_session_query'} name
 * @param {number} n  numbers of it  @param {number} layer  @param {number} head
 */
function lookOf({ engine, pointer }, name, n, layer, head) {
  const messages = {
    position_out_of_range: `There is no layer ${shown(layer)} with a head ${shown(head)} here; `
      + 'both are counted from 0.',
    not_ready: `${NO_LOGITS} (With the cache on: the weights come from its keys.)`,
  };
  if (!areCounts(layer, head)) throw new KvcError('position_out_of_range', messages.position_out_of_range);
  return engine.lend(4 * n, (numbers) => {
    engine.check(messages, name, pointer, layer, head, numbers);
    return engine.memory.floats(numbers, n);
  });
}
