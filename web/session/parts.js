// The block of a session in wasm memory: the kvc_session, and behind it what its calls read and write.
import { DTYPES, WHEN_FULL } from '../engine/abi.js';
import { layOut } from '../engine/engine.js';

/**
 * @import { CacheType } from '../cache/options.js'
 * @import { Engine } from '../engine/engine.js'
 * @import { Block } from '../engine/memory.js'
 *
 * @typedef {object} Parts     of the block: addresses
 * @property {Block} block
 * @property {number} pointer   the kvc_session
 * @property {number} cache     its kvc_cache
 * @property {number} cross     its kvc_cache of the source; 0 where there is no encoder
 * @property {number} rngs      uint64_t [sequences]
 * @property {number} sampling  a kvc_sampling
 * @property {number} input     uint32_t [max(capacity + 1, 2 * sequences, sourceCapacity)], what the next
 *   call reads
 * @property {number} scores    float [capacity]
 *
 * @typedef {{ capacity: number, sourceCapacity: number, sequences: number, keyType: CacheType,
 *   valueType: CacheType }} Sizes  sourceCapacity: 0 where there is no encoder
 */

export const SAMPLING_BYTES = 24;

/**
 * @param {Engine} engine  @param {number} model  the kvc_model  @param {Sizes} sizes
 * @returns {Parts}
 */
export function layOutSession(engine, model, sizes) {
  const { capacity, sourceCapacity, sequences, keyType, valueType } = sizes;
  const what = sequences === 1 ? 'a session' : `${sequences} sequences`;
  const message = `There is not enough memory for ${what} of ${capacity} tokens. Dispose of other sessions, `
    + 'or choose a smaller capacity.';
  const messages = { out_of_memory: message };
  const give = () => engine.give('kvc_session_config', {
    capacity, n_sequence: sequences, key_type: DTYPES[keyType], value_type: DTYPES[valueType],
    source_capacity: sourceCapacity, when_full: WHEN_FULL.stop, sinks: 0, text_capacity: 0,
  });
  const inputs = Math.max(capacity + 1, 2 * sequences, sourceCapacity);
  const { block, pointer, end } = layOut(engine, 'session', message,
    (bytes) => engine.check(messages, 'kvc_session_bytes', model, give(), bytes),
    (session, memory, bytes) => engine.check(messages, 'kvc_session_init',
      session, model, give(), memory, bytes),
    8 * sequences + SAMPLING_BYTES + 4 * inputs + 4 * capacity);
  const sampling = end + 8 * sequences;
  const input = sampling + SAMPLING_BYTES;
  const cache = engine.call('kvc_session_cache', pointer);
  const cross = engine.call('kvc_session_cross_cache', pointer);
  return { block, pointer, cache, cross, rngs: end, sampling, input, scores: input + 4 * inputs };
}
