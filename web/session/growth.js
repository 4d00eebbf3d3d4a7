// Sessions that grow: a larger one takes over the state of the present one, bit for bit, and what fails
// changes nothing. Twice the room at least, so that in all a token is copied about once.
import { wholePages } from '../cache/sizes.js';
import { KvcError } from '../engine/errors.js';
import { saveState, sequencesOf } from './state.js';

/** @import { NativeSession } from './native-session.js' */

/** @param {unknown} error  @param {string} code */
const has = (error, code) => error instanceof KvcError && error.code === code;

/**
 * The capacity that a session has once so many tokens were appended next, together.
 * @param {Pick<NativeSession, 'capacity' | 'most'>} native  @param {number} tokens  of a sequence
 */
export function roomFor({ capacity, most }, tokens) {
  if (tokens <= capacity || tokens > most) return capacity;
  return Math.min(most, wholePages(Math.max(tokens, 2 * capacity)));
}

/**
 * Makes room for so many tokens of a sequence, if the session may have them: where memory is short, for these
 * alone.
 * @param {NativeSession} native  @param {number} tokens
 */
export function reserve(native, tokens) {
  const { sequences, capacity } = native;
  const twice = roomFor(native, tokens);
  if (twice === capacity) return;
  try {
    const state = saveState(native);
    try {
      native.replace({ sequences, capacity: twice }, state);
    } catch (error) {
      if (!has(error, 'out_of_memory') || twice === tokens) throw error;
      native.replace({ sequences, capacity: tokens }, state);
    }
  } catch (error) {
    if (!has(error, 'out_of_memory')) throw error;
    throw new KvcError('out_of_memory', `This session cannot grow from ${capacity} tokens to ${tokens}: `
      + 'there is not enough memory. It is as it was. Dispose of other sessions, or truncate() it.');
  }
}

/**
 * The same for one token more of each of these sequences.
 * @param {NativeSession} native  @param {readonly number[]} sequences
 */
export function reserveOneMore(native, sequences) {
  if (native.capacity === native.most) return;
  const { selected } = native;
  const positions = sequences.map((sequence) => {
    native.select(sequence);
    return native.position;
  });
  native.select(selected);
  reserve(native, Math.max(...positions) + 1);
}

/**
 * Takes over a state with more sequences or, if the session may have them, more tokens.
 * @param {NativeSession} native  @param {Uint8Array} state  @param {unknown} full  why it does not fit
 */
export function restoreLarger(native, state, full) {
  const { most } = native;
  const sequences = Math.max(native.sequences, sequencesOf(state));
  const isWider = sequences > native.sequences;
  if (!isWider && native.capacity === most) throw full;
  let capacity = isWider ? native.capacity : Math.min(2 * native.capacity, most);
  for (;; capacity = Math.min(2 * capacity, most)) {
    try {
      return native.replace({ sequences, capacity }, state);
    } catch (error) {
      if (!has(error, 'context_full') || capacity === most) throw error;
    }
  }
}
