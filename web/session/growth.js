// Sessions that grow: a larger one takes over the state of the present one, bit for bit, and what fails
// changes nothing. Twice the room at least, so that in all a token is copied about once.
import { wholePages } from '../cache/sizes.js';
import { KvcError } from '../engine/errors.js';
import { goneOf, letGo, textFor } from './sliding.js';
import { longestOf, restoreState, saveState, sequencesOf } from './state.js';

/** @import { NativeSession } from './native-session.js' */

/** @param {unknown} error  @param {string} code */
export const has = (error, code) => error instanceof KvcError && error.code === code;

/** @typedef {{ capacity: number, text: number }} Long  slots of the cache, and tokens of a text */

/**
 * The room that a session has once so many tokens were appended next, together.
 * @param {Pick<NativeSession, 'mode' | 'most'> & Long} native
 * @param {number} tokens  of a sequence  @param {number} [gone]  of them from the cache
 * @param {number} [times]  the room that there is, at least
 * @returns {Long}
 */
export function roomFor({ mode, most, capacity, text }, tokens, gone = 0, times = 2) {
  const slots = mode === 'slide' ? 0 : tokens - gone;
  const wide = slots <= capacity || slots > most ? capacity
    : Math.min(most, times === 1 ? slots : wholePages(Math.max(slots, times * capacity)));
  if (mode === 'stop') return { capacity: wide, text: wide };
  return { capacity: wide, text: Math.max(wide, tokens <= text ? text : Math.max(tokens, times * text)) };
}

/**
 * Makes room for so many tokens of a sequence, if the session may have them: where memory is short, for these
 * alone.
 * @param {NativeSession} native  @param {number} tokens  @param {number} [gone]  of them from the cache
 */
export function reserve(native, tokens, gone = goneOf(native)) {
  const { sequences, capacity, text } = native;
  const [twice, just] = [2, 1].map((times) => roomFor(native, tokens, gone, times));
  if (twice.capacity === capacity && twice.text === text) return;
  try {
    const state = saveState(native);
    try {
      native.replace({ sequences, ...twice }, state);
    } catch (error) {
      const same = twice.capacity === just.capacity && twice.text === just.text;
      if (!has(error, 'out_of_memory') || same) throw error;
      native.replace({ sequences, ...just }, state);
    }
  } catch (error) {
    if (!has(error, 'out_of_memory')) throw error;
    throw new KvcError('out_of_memory', `This session cannot grow from ${capacity} tokens to ${tokens}: `
      + 'there is not enough memory. It is as it was. Dispose of other sessions, or truncate() it.');
  }
}

/**
 * The same where none of them are gone, while events are held: listeners hear of the larger session now.
 * @param {NativeSession} native  @param {number} tokens
 */
export function reserveWhole(native, tokens) {
  try {
    native.calls.release();
    reserve(native, tokens, 0);
  } finally {
    native.calls.hold();
  }
}

/**
 * The same for one token more of each of these sequences.
 * @param {NativeSession} native  @param {readonly number[]} sequences
 */
export function reserveOneMore(native, sequences) {
  if (native.mode === 'stop' && native.capacity === native.most) return;
  const { selected } = native;
  try {
    for (const sequence of sequences) {
      native.select(sequence);
      reserve(native, native.position + 1);
    }
  } finally {
    if (native.usable) native.select(selected);
  }
}

/**
 * Takes over a state, in a larger session or another mode if need be.
 * @param {NativeSession} native  @param {Uint8Array} state
 */
export function restore(native, state) {
  try {
    try {
      restoreState(native, native.pointer, state);
      native.calls.restart();
    } catch (error) {
      if (!has(error, 'context_full')) throw error;
      restoreLarger(native, state, error);
    }
  } catch (error) {
    if (!has(error, 'unsupported')) throw error; // tokens are gone, and none can leave this cache
    letGo(native, () => restoreLarger(native, state, error, textFor(native.capacity)));
  }
}

/**
 * Takes over a state with more sequences or, if the session may have them, more tokens.
 * @param {NativeSession} native  @param {Uint8Array} state  @param {unknown} refused  why it does not fit
 * @param {number} [room]  tokens of a text, at least
 */
function restoreLarger(native, state, refused, room = native.text) {
  const { mode, most } = native;
  const sequences = Math.max(native.sequences, sequencesOf(state));
  const isLarger = sequences > native.sequences || room > native.text;
  const longest = mode === 'stop' ? 0 : longestOf(state, native.model.config);
  let { capacity } = native;
  if (!isLarger && capacity === most && longest <= native.text) throw refused;
  const isMost = () => capacity === most;
  for (let twice = !isLarger && capacity < most; ; twice = true) {
    if (twice) capacity = Math.min(2 * capacity, most);
    const text = mode === 'stop' ? capacity : Math.max(capacity, room, longest);
    try {
      return native.replace({ sequences, capacity, text }, state);
    } catch (error) {
      if (!has(error, 'context_full') || isMost()) throw error;
    }
  }
}
