// The source of a model with an encoder: read once, and kept with its keys and values in every layer of the
// decoder, which all sequences of a session share.
import { CacheView } from '../cache/cache-view.js';
import { checkSignal, invalid, listLength, optionsOf } from '../engine/arguments.js';
import { KvcError, throwIfAborted } from '../engine/errors.js';
import { Pauses } from '../engine/pauses.js';
import { checkedIds, finishInSlices, prepare } from './passes.js';

/**
 * @import { OnEvent, WatchedCalls } from '../cache/events.js'
 * @import { CachePlace } from '../cache/inspect.js'
 * @import { AbortSignal } from '../engine/platform.js'
 * @import { NativeSession, SessionModel } from './native-session.js'
 *
 * @typedef {object} SourceOptions
 * @property {AbortSignal} [signal]  stops within 8 ms; rejects with code "aborted"
 */

/** @type {readonly (keyof SourceOptions)[]} */
export const SOURCE_OPTIONS = ['signal'];

/** @param {SessionModel} model  @param {string} what  needs an encoder */
export function checkEncoder({ config }, what) {
  if (config.encoder) return;
  throw new KvcError('unsupported',
    `${what} is for models with an encoder; this one reads no source, but continues a text.`);
}

/**
 * The ids of a source, checked and copied.
 * @param {NativeSession} native  @param {string | ArrayLike<number>} source
 */
export function sourceIds(native, source) {
  const { model, sourceCapacity } = native;
  const ids = typeof source === 'string' ? model.encode(source) : source;
  const what = 'The source';
  const length = listLength(ids, what);
  if (length === 0) throw invalid('The source is empty: it needs at least one token id.');
  if (length > sourceCapacity) {
    throw new KvcError('source_too_long', `The source has ${length} tokens, and this session has room for `
      + `${sourceCapacity} of one: give a shorter one, or create a session with a larger sourceCapacity, at `
      + `most ${model.config.nPositions}.`);
  }
  return checkedIds(native, ids, what, length);
}

/**
 * Begins to read it: with the start the one before is forgotten, and all sequences are emptied.
 * @param {NativeSession} native  @param {readonly number[]} ids
 */
export const beginSource = (native, ids) => () => {
  prepare(native, ids);
  native.calls.check({}, 'kvc_session_begin_source', native.pointer, native.input, ids.length);
};

/**
 * In slices, for its own sake; whatever fails leaves the session without a source.
 * @param {NativeSession} native  @param {string | ArrayLike<number>} source
 * @param {SourceOptions | undefined} options
 */
export async function readSource(native, source, options) {
  checkEncoder(native.model, 'setSource()');
  const signal = optionsOf('setSource()', options, SOURCE_OPTIONS).signal ?? undefined;
  checkSignal(signal);
  throwIfAborted(signal);
  const ids = sourceIds(native, source);
  const pauses = new Pauses(signal);
  native.reading = true;
  try {
    const { ms, told } = await finishInSlices(native, beginSource(native, ids), pauses);
    native.reading = false;
    told();
    return { tokens: ids.length, ms };
  } finally {
    native.reading = false;
    if (native.usable) native.cancel(); // if it has not ended
  }
}

/** The ids of the source, a copy; none where there is none. @param {NativeSession} native */
export function sourceOf({ engine, pointer }) {
  const length = engine.call('kvc_session_source_length', pointer);
  if (length === 0) return [];
  return Array.from(engine.memory.words(engine.call('kvc_session_source', pointer), length));
}

/**
 * Whether a session has read this very source.
 * @param {NativeSession} native  @param {readonly number[]} ids
 */
export function isSource(native, ids) {
  const source = sourceOf(native);
  return source.length === ids.length && source.every((id, i) => id === ids[i]);
}

// ---- its cache ----------------------------------------------------------------------------------

/**
 * session.useCrossCache. What is set within a run outlasts it.
 * @param {NativeSession} native  @param {boolean} on
 */
export function setCrossCache(native, on) {
  checkEncoder(native.model, 'useCrossCache');
  [native.useCrossCache, native.runUsesCrossCache] = [on, undefined];
}

/** session.crossCache: keys and values of the source, to look at. */
export class CrossCache extends CacheView {
  #calls;

  /** @param {NativeSession} native  @param {WatchedCalls} calls */
  constructor(native, calls) {
    const { sourceCapacity: maxSeqLen, keyType, valueType } = native;
    super(() => crossPlace(native), { ...crossPlace(native), maxSeqLen, keyType, valueType });
    this.#calls = calls;
  }

  /**
   * Called with every event: a source writes each layer once, each pass over the text reads them. What it
   * hears, it hears before the session's own listener.
   */
  get onEvent() { return this.#calls.listener; }

  set onEvent(/** @type {OnEvent | null} */ listener) { this.#calls.listener = listener; }
}

/** @param {NativeSession} native */
export function crossCacheOf(native) {
  checkEncoder(native.model, 'crossCache');
  return new CrossCache(native, /** @type {WatchedCalls} */ (native.crossCalls));
}

/** @param {NativeSession} native  @returns {CachePlace} */
function crossPlace({ engine, pointer, cachePlace, cross }) {
  engine.call('kvc_session_memory', engine.result, pointer);
  const { cross_bytes: bytes } = engine.memory.read('kvc_memory', engine.result);
  return { ...cachePlace, pointer: cross, batchSize: 1, bytes };
}
