// enableKVCache(model): a KV cache for a GPT that has none, attached from outside and detached again, without
// touching the model's code.
//
// The contract. Any object will do that has
//   embedDim, numLayers, numHeads, maxSeqLen   numbers; embedDim / numHeads is a multiple of 4
//   numKVHeads                                 only where keys and values have fewer heads than queries
//   blocks                                     an array of numLayers blocks
//   blocks[i].attention.qProj, .kProj, .vProj, .outProj
//                                              each with forward(x) on rows, (T, in) -> (T, out)
//   blocks[i].attention.forward(x)             causal self-attention, scores divided by
//                                              sqrt(embedDim / numHeads): (T, C) -> (T, C)
//   embed(ids, start = 0)                      what enters block 0, for tokens at the positions start,
//                                              start + 1, ...: (T, C)
//   forward(ids)                               logits, (T, V): calls embed() and each attention.forward()
//                                              once
// with Float32Arrays, synchronously, and positions that nothing but embed() adds (learned or sinusoidal, not
// rotary).
//
// While the cache is enabled
//   model.forward(ids)                    takes only NEW tokens, goes on where the last call ended, and
//                                         returns their logits: (T, V)
//   model.forward(ids, { row })           the same on another row of a cache with a batchSize
//   model.forward(ids, { cache: false })  is the model's own full-sequence pass, for training and scoring:
//                                         the cache is neither read nor written. So is every call of a part
//                                         of the model from elsewhere
//   model.kvCache                         is the KVCache: truncate(n) rewinds, reset() begins a new text
import { checkRow } from '../cache/inspect.js';
import { KVCache } from '../cache/kv-cache.js';
import { swapAxes } from '../cache/native-cache.js';
import { cacheFull } from '../cache/room.js';
import { invalid, isCount, listLength, optionsOf } from '../engine/arguments.js';
import { KvcError } from '../engine/errors.js';
import { Session } from '../session/session.js';
import { checkModel } from './gpt-like.js';

/**
 * @import { CacheType } from '../cache/options.js'
 * @import { SessionCache } from '../session/session-cache.js'
 * @import { AttentionLayer, GPTLike, Layer } from './gpt-like.js'
 *
 * @typedef {object} EnableOptions
 * @property {number} [batchSize]  rows, 1 by default
 * @property {number} [maxSeqLen]  at most and by default the model's
 * @property {CacheType} [keyType]
 * @property {CacheType} [valueType]
 * @property {'error' | 'stop'} [whenFull]  what forward() does with tokens that do not fit: throw
 *   "cache_full" (default), or return null
 */

/** @type {readonly (keyof EnableOptions)[]} */
export const ENABLE_OPTIONS = ['batchSize', 'maxSeqLen', 'keyType', 'valueType', 'whenFull'];

/**
 * The caches that are enabled, and how to undo that.
 * @type {WeakMap<object, { cache: KVCache, undo: () => void }>}
 */
const enabled = new WeakMap();

/**
 * Attaches a new cache to the model, in place of one that is there already. A session of this package has its
 * cache built in: it is switched on. An error leaves the model as it was.
 * @template {GPTLike | Session} M
 * @param {M} model
 * @param {EnableOptions} [options]
 * @returns {M extends Session ? SessionCache : KVCache}
 */
export function enableKVCache(model, options) {
  const chosen = optionsOf('enableKVCache()', options, ENABLE_OPTIONS);
  const view = model instanceof Session ? enableSession(model, chosen) : enableModel(model, chosen);
  return /** @type {any} */ (view);
}

/**
 * Detaches the cache and frees it: the model is what it was before. Where there is none, it only warns.
 * @param {GPTLike | Session} model
 * @returns {boolean}  whether there was one
 */
export function disableKVCache(model) {
  const before = enabled.get(model);
  const isOn = model instanceof Session ? model.useCache : before !== undefined;
  if (!isOn) console.warn('disableKVCache: this model has no KV cache enabled.');
  if (model instanceof Session) model.useCache = false;
  before?.undo();
  before?.cache.dispose();
  enabled.delete(model);
  return isOn;
}

/** @param {Session} session  @param {EnableOptions} options */
function enableSession(session, options) {
  const [option] = Object.keys(options);
  if (option !== undefined) {
    throw invalid(`A session has its cache built in: give ${option} to createSession().`);
  }
  session.useCache = true;
  return session.kvCache;
}

/** @param {GPTLike} model  @param {EnableOptions} options */
function enableModel(model, options) {
  const cache = new KVCache(sizesOf(model, options));
  const before = enabled.get(model);
  before?.undo();
  before?.cache.dispose();
  enabled.set(model, { cache, undo: attach(model, cache) });
  return cache;
}

// ---- what the contract asks for -------------------------------------------------------------------

/** @param {GPTLike} model  @param {EnableOptions} options */
function sizesOf(model, options) {
  const { batchSize = 1, maxSeqLen = model?.maxSeqLen, keyType, valueType, whenFull = 'error' } = options;
  if (model === null || typeof model !== 'object') {
    throw invalid('enableKVCache() takes a model; see the contract in enable-cache.js.');
  }
  if ('createSession' in model) {
    throw invalid('The models of this package have a cache in each session: model.createSession().');
  }
  checkModel(model);
  if (isCount(maxSeqLen) && maxSeqLen > model.maxSeqLen) {
    throw invalid(`The cache can have at most the model's maxSeqLen of ${model.maxSeqLen}; `
      + `${maxSeqLen} is more.`);
  }
  if (/** @type {string} */ (whenFull) === 'slide') {
    throw new KvcError('unsupported', 'embed() adds a position to each token, which is part of every cached '
      + 'key and value: a token cannot move to another position, so the oldest ones cannot be dropped. '
      + 'Choose "error" or "stop".');
  }
  const { numLayers, embedDim, numHeads, numKVHeads = numHeads } = model;
  const headDim = embedDim / numHeads;
  return { batchSize, maxSeqLen, numLayers, numHeads: numKVHeads, headDim, keyType, valueType, whenFull };
}

// ---- attaching ------------------------------------------------------------------------------------

/**
 * Replaces a property; what is returned puts it back as it was.
 * @param {object} object  @param {string} name  @param {unknown} value
 */
function replace(object, name, value) {
  const before = Object.getOwnPropertyDescriptor(object, name);
  const enumerable = before?.enumerable ?? false;
  Object.defineProperty(object, name, { value, configurable: true, writable: true, enumerable });
  return () => {
    if (before) Object.defineProperty(object, name, before);
    else Reflect.deleteProperty(object, name);
  };
}

/**
 * What may take the place of an attention's forward(), and how to undo that. A block may be part of several
 * models, whose caches come and go in any order.
 * @typedef {(x: Float32Array) => Float32Array | undefined} Detour
 * @type {WeakMap<AttentionLayer, { detours: Set<Detour>, undo: () => void }>}
 */
const detoured = new WeakMap();

/** @param {AttentionLayer} attention */
function withDetours(attention) {
  const own = attention.forward;
  /** @type {Set<Detour>} */
  const detours = new Set();
  const undo = replace(attention, 'forward', (/** @type {Float32Array} */ x, /** @type {[]} */ ...rest) => {
    for (const detour of detours) {
      const y = detour(x);
      if (y) return y;
    }
    return own.call(attention, x, ...rest);
  });
  const now = { detours, undo };
  detoured.set(attention, now);
  return now;
}

/**
 * An attention's forward() is what `detour` gives, where it gives something; what is returned ends that.
 * @param {AttentionLayer} attention  @param {Detour} detour
 */
function lead(attention, detour) {
  const { detours, undo } = detoured.get(attention) ?? withDetours(attention);
  detours.add(detour);
  return () => {
    detours.delete(detour);
    if (detours.size > 0) return;
    undo();
    detoured.delete(attention);
  };
}

/** @param {GPTLike} model  @param {KVCache} cache  @returns {() => void}  undoes it */
function attach(model, cache) {
  /** @type {Pass | undefined} the cached forward() under way */
  let pass;
  const { forward, embed } = model;

  /** @param {ArrayLike<number>} ids  @param {number} [start]  @param {[]} rest */
  const embedOnwards = (ids, start = 0, ...rest) => (
    embed.call(model, ids, start + (pass?.start ?? 0), ...rest));

  /** @param {ArrayLike<number>} ids  @param {any} options  @param {[]} rest */
  const forwardNew = (ids, options, ...rest) => {
    if (pass) {
      throw new KvcError('busy',
        'model.forward() was called from within itself, which a cache cannot follow.');
    }
    if (options?.cache === false) return forward.call(model, ids, options, ...rest);
    const mine = Pass.begin(model, cache, ids, options?.row);
    if (!mine) return null;
    pass = mine;
    try {
      return mine.finish(forward.call(model, ids, options, ...rest));
    } finally {
      pass = undefined;
    }
  };

  const undo = [
    ...model.blocks.map(({ attention }, layer) => lead(attention, (x) => pass?.attend(layer, attention, x))),
    replace(model, 'embed', embedOnwards),
    replace(model, 'forward', forwardNew),
    replace(model, 'kvCache', cache),
  ];
  return () => { for (const step of undo) step(); };
}

/** One forward() over T new tokens, through the cache. */
class Pass {
  /** @type {Set<number>} layers whose attention is done */
  #done = new Set();

  /** @param {GPTLike} model  @param {KVCache} cache  @param {number} T  @param {number} row */
  constructor(model, cache, T, row) {
    this.model = model;
    this.cache = cache;
    this.T = T;
    this.row = row;
    this.start = cache.positions[row];
  }

  /**
   * Undefined where the tokens do not fit, and whenFull is "stop".
   * @param {GPTLike} model  @param {KVCache} cache  @param {ArrayLike<number>} ids  @param {number} [row]
   */
  static begin(model, cache, ids, row = 0) {
    const { maxSeqLen, whenFull } = cache;
    const T = listLength(ids, 'What model.forward() takes');
    if (T === 0) throw invalid('model.forward() needs at least one new token.');
    checkRow(cache, row);
    const pass = new Pass(model, cache, T, row);
    if (pass.start + pass.T <= maxSeqLen) return pass;
    if (whenFull === 'stop') return undefined;
    throw cacheFull(cache, row, pass.start, pass.T);
  }

  /**
   * Takes the place of a block's attention.forward(): its own projections of the new rows, the rest from the
   * cache.
   * @param {number} layer  @param {AttentionLayer} attention  @param {Float32Array} x
   */
  attend(layer, attention, x) {
    const { cache, row, T, model: { embedDim, numHeads } } = this;
    if (this.#done.has(layer) || x?.length !== T * embedDim) {
      throw strange(`block ${layer} ran its attention twice, or not on the rows of the ${T} new tokens`);
    }
    const heads = (/** @type {Layer} */ projection, /** @type {number} */ n) => (
      swapAxes(projection.forward(x), T, n, cache.headDim));
    const key = heads(attention.kProj, cache.numHeads);
    const value = heads(attention.vProj, cache.numHeads);
    cache.update(layer, key, value, { row });
    const y = cache.attend(layer, heads(attention.qProj, numHeads), { numHeads, row });
    this.#done.add(layer);
    return attention.outProj.forward(swapAxes(y, numHeads, T, cache.headDim));
  }

  /** The tokens become history once all is well. @template R @param {R} logits  @returns {R} */
  finish(logits) {
    const missing = this.model.numLayers - this.#done.size;
    if (missing > 0) throw strange(`${missing} blocks never ran their attention`);
    if (logits instanceof Promise) throw strange('it returns a promise');
    this.cache.advance(this.T, { row: this.row });
    return logits;
  }
}

/** @param {string} what */
const strange = (what) => new KvcError('unsupported_architecture',
  `This model's forward() is none that a cache can follow: ${what}. See the contract in enable-cache.js.`);
