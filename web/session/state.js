// A session as bytes: its sequences with their tokens, logits and cache.
import { STATE_SEQUENCES } from '../engine/abi.js';

/**
 * @import { Config } from '../config/config.js'
 * @import { Engine } from '../engine/engine.js'
 *
 * @typedef {{ engine: Engine, pointer: number, capacity: number, sourceCapacity: number }} SavedSession
 */

/** @param {SavedSession} session  @returns {Uint8Array<ArrayBuffer>} */
export function saveState({ engine, pointer }) {
  engine.check({}, 'kvc_session_state_bytes', pointer, engine.result);
  const bytes = engine.resultWord;
  return engine.lend(bytes, (state) => {
    engine.check({}, 'kvc_session_save', pointer, state, bytes);
    return engine.memory.bytes(state, bytes).slice();
  });
}

/**
 * Errors, all leaving the session as it was: "state_invalid", "state_foreign", "context_full".
 * @param {SavedSession} session
 * @param {number} pointer  the kvc_session that takes the state
 * @param {Uint8Array} state
 */
export function restoreState({ engine, capacity, sourceCapacity }, pointer, state) {
  engine.lend(state.length, (address) => {
    engine.memory.put(address, state);
    engine.check({
      state_invalid: 'These bytes are not a saved session, or were cut short or altered. '
        + 'The session is as it was.',
      state_foreign: 'This state was saved by another version, from another model, or with other element '
        + 'types of the cache; or tokens have left its cache, and this session has another whenFull, '
        + 'capacity, sinks, evict or recent. Load that model, and create the session with the same keyType, '
        + 'valueType and so on. The session is as it was.',
      context_full: 'The state does not fit: it has more tokens than this session, with its capacity of '
        + `${capacity}. Create a larger one. The session is as it was.`,
      source_too_long: 'The state does not fit: its source has more tokens than this session, with its '
        + `sourceCapacity of ${sourceCapacity}. Create a larger one. The session is as it was.`,
    }, 'kvc_session_restore', pointer, address, state.length);
  });
}

/** The number of sequences in a sound state. @param {Uint8Array} state */
export function sequencesOf({ buffer, byteOffset }) {
  return new DataView(buffer, byteOffset).getUint32(STATE_SEQUENCES, true);
}

/**
 * Tokens of the longest text of a state, which may be damaged.
 * @param {Uint8Array} state  @param {Readonly<Config>} config  of a model without an encoder
 */
export function longestOf({ buffer, byteOffset, length }, { vocabSize, nLayer, nHead, headDim }) {
  const view = new DataView(buffer, byteOffset, length);
  let longest = 0;
  let at = STATE_SEQUENCES + 4;
  for (let i = view.getUint32(STATE_SEQUENCES, true); i > 0 && at + 8 <= length; i--) {
    const [position, flags] = [view.getUint32(at, true), view.getUint32(at + 4, true)];
    at += 8 + 4 * position + (flags & 1 ? 4 * vocabSize : 0) + (flags & 2 ? 4 * nLayer * nHead * headDim : 0);
    if (at <= length) longest = Math.max(longest, position);
  }
  return longest;
}
