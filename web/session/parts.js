// The block of a session in wasm memory: the kvc_session, and behind it what its calls read and write.
import { DTYPES, POLICIES, WHEN_FULL } from '../engine/abi.js';
import { layOut } from '../engine/engine.js';

/**
 * @import { CacheType, Policy } from '../cache/options.js'
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
 * @property {number} input     uint32_t [max(text + 1, 2 * sequences, sourceCapacity)], what the next call
 *   reads
 * @property {number} scores    float [text]
 *
 * @typedef {keyof typeof WHEN_FULL} Mode  what a full cache does
 * @typedef {{ capacity: number, text: number, sourceCapacity: number, sequences: number }} Room  text: tokens
 *   of a timeline, the capacity where the mode is "stop"; sourceCapacity: 0 where there is no encoder
 * @typedef {{ keyType: CacheType, valueType: CacheType, mode: Mode, sinks: number,
 *   policy: Policy, recent: number }} Kind
 * @typedef {Room & Kind} Sizes
 */

export const SAMPLING_BYTES = 24;

/** What all rooms of a session have in common. @param {Kind} session  @returns {Kind} */
export const kindOf = ({ keyType, valueType, mode, sinks, policy, recent }) => (
  { keyType, valueType, mode, sinks, policy, recent });

/**
 * The bytes of the block of a session.
 * @param {{ engine: Engine, modelPointer: number } & Kind} session
 * @param {Room} room  of one like it
 */
export function sessionBytes(session, room) {
  const { engine, modelPointer } = session;
  const sizes = { ...kindOf(session), ...room };
  engine.check({}, 'kvc_session_bytes', modelPointer, give(engine, sizes), engine.result);
  return Math.ceil(engine.resultWord / 16) * 16 + bytesBehind(sizes);
}

/** @param {Engine} engine  @param {Sizes} sizes */
const give = (engine, { capacity, text, sourceCapacity, sequences, ...kind }) => (
  engine.give('kvc_session_config', {
    capacity, n_sequence: sequences, key_type: DTYPES[kind.keyType], value_type: DTYPES[kind.valueType],
    source_capacity: sourceCapacity, when_full: WHEN_FULL[kind.mode], sinks: kind.sinks,
    text_capacity: kind.mode === 'stop' ? 0 : text, policy: POLICIES[kind.policy], recent: kind.recent,
  }));

/** @param {Sizes} sizes */
const inputsOf = ({ text, sequences, sourceCapacity }) => Math.max(text + 1, 2 * sequences, sourceCapacity);

/** What lies behind the kvc_session. @param {Sizes} sizes */
const bytesBehind = (sizes) => (
  8 * sizes.sequences + SAMPLING_BYTES + 4 * inputsOf(sizes) + 4 * sizes.text);

/**
 * @param {Engine} engine  @param {number} model  the kvc_model  @param {Sizes} sizes
 * @returns {Parts}
 */
export function layOutSession(engine, model, sizes) {
  const { capacity, sequences } = sizes;
  const what = sequences === 1 ? 'a session' : `${sequences} sequences`;
  const message = `There is not enough memory for ${what} of ${capacity} tokens. Dispose of other sessions, `
    + 'or choose a smaller capacity.';
  const messages = { out_of_memory: message };
  const { block, pointer, end } = layOut(engine, 'session', message,
    (bytes) => engine.check(messages, 'kvc_session_bytes', model, give(engine, sizes), bytes),
    (session, memory, bytes) => engine.check(messages, 'kvc_session_init',
      session, model, give(engine, sizes), memory, bytes),
    bytesBehind(sizes));
  const sampling = end + 8 * sequences;
  const input = sampling + SAMPLING_BYTES;
  const cache = engine.call('kvc_session_cache', pointer);
  const cross = engine.call('kvc_session_cross_cache', pointer);
  return { block, pointer, cache, cross, rngs: end, sampling, input, scores: input + 4 * inputsOf(sizes) };
}
