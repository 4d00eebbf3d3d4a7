// The passes of a session, each begun and then stepped to its end, synchronously or in slices.
import { KvcError } from '../engine/errors.js';

/**
 * @import { Pauses } from '../engine/pauses.js'
 * @import { NativeSession } from './native-session.js'
 */

// ---- beginning ----------------------------------------------------------------------------------

/** Appends tokens. @param {NativeSession} native  @param {ArrayLike<number>} ids */
export function begin(native, ids) {
  checkIds(native, ids, 1, native.capacity - native.position);
  prepare(native, ids);
  native.calls.check({}, 'kvc_session_begin', native.pointer, native.input, ids.length);
}

/**
 * Makes the timeline these tokens; returns how many of them need no computing.
 * @param {NativeSession} native  @param {ArrayLike<number>} ids
 */
export function beginSync(native, ids) {
  const { engine, pointer, input } = native;
  checkIds(native, ids, 1, native.capacity, 0);
  prepare(native, ids);
  native.calls.check({}, 'kvc_session_begin_sync', pointer, input, ids.length, engine.result);
  return engine.resultWord;
}

/** Scores a text, into native.scores. @param {NativeSession} native  @param {ArrayLike<number>} ids */
export function beginScore(native, ids) {
  const { pointer, input, scores } = native;
  checkIds(native, ids, 2, native.capacity + 1, 0);
  prepare(native, ids);
  native.calls.check({}, 'kvc_session_begin_score', pointer, input, ids.length, scores);
}

/**
 * One token more for each of several sequences.
 * @param {NativeSession} native
 * @param {ArrayLike<number>} sequences  each at most once  @param {ArrayLike<number>} ids  one for each
 */
export function beginBatch(native, sequences, ids) {
  const n = sequences?.length;
  if (!(n > 0) || n !== ids?.length) {
    throw new KvcError('invalid_argument',
      'decodeBatch takes a list of sequences, and one token id for each.');
  }
  for (let i = 0; i < n; i++) native.checkSequence(sequences[i]);
  checkIds(native, ids, 1, n, 0);
  prepare(native, [...Array.from(sequences), ...Array.from(ids)]);
  const { pointer, input, capacity } = native;
  native.calls.check({
    context_full: `A sequence is full: a session of capacity ${capacity} takes no further token. `
      + 'Rewind with truncate().',
    invalid_argument: 'decodeBatch takes each sequence at most once.',
  }, 'kvc_session_begin_batch', pointer, input, input + 4 * n, n);
}

/** @param {NativeSession} native  @param {ArrayLike<number>} words  that the call to come reads */
function prepare(native, words) {
  native.calls.check({}, 'kvc_session_set_cache', native.pointer, native.useCache);
  native.engine.memory.putWords(native.input, words);
}

// ---- running ------------------------------------------------------------------------------------

const NOT_FINITE = {
  not_finite: 'The logits hold NaN or an infinity: the weights of this model are broken. '
    + 'The token was not added.',
};

/** True while there is more to do. @param {NativeSession} native */
const step = (native) => native.calls.check(NOT_FINITE, 'kvc_session_step', native.pointer);

/** The whole pass, synchronously; returns its milliseconds. @param {NativeSession} native */
export function finish(native) {
  return native.calls.operation(() => {
    const start = performance.now();
    while (step(native));
    return performance.now() - start;
  });
}

/**
 * The whole pass, in slices; returns the milliseconds of computing. Yields before and during the pass, never
 * after: an abort cannot lose a finished token.
 * @param {NativeSession} native  @param {Pauses} pauses
 */
export async function finishInSlices(native, pauses) {
  if (pauses.due) await pauses.take();
  const start = performance.now();
  const paused = pauses.ms;
  native.calls.hold();
  try {
    while (step(native)) if (pauses.due) await pauses.take();
    return performance.now() - start - (pauses.ms - paused);
  } finally {
    native.calls.release();
  }
}

/**
 * One token more for each of these sequences; returns the milliseconds of computing.
 * @param {NativeSession} native  @param {number[]} sequences  @param {number[]} ids  @param {Pauses} pauses
 */
export function extend(native, sequences, ids, pauses) {
  if (sequences.length > 1) beginBatch(native, sequences, ids);
  else {
    native.select(sequences[0]);
    begin(native, ids);
  }
  return finishInSlices(native, pauses);
}

// ---- refusing -----------------------------------------------------------------------------------

/** @param {NativeSession} native */
export function checkIdle({ running }) {
  if (!running) return;
  throw new KvcError('busy', 'This session is generating. Wait for it, stop it, or use another session.');
}

/**
 * @param {NativeSession} native  @param {ArrayLike<number>} ids
 * @param {number} least  @param {number} most  of them
 * @param {number} [taken]  the positions in use, for the error
 */
export function checkIds(native, ids, least, most, taken = native.position) {
  const { vocabSize } = native.model.config;
  if (!(ids?.length >= least)) {
    throw new KvcError('invalid_argument',
      `At least ${least === 1 ? 'one token id is' : 'two token ids are'} needed.`);
  }
  if (ids.length > most) throw contextFull(native, ids.length, most, taken);
  for (let i = 0; i < ids.length; i++) {
    if (Number.isInteger(ids[i]) && ids[i] >= 0 && ids[i] < vocabSize) continue;
    throw new KvcError('token_out_of_range',
      `${ids[i]}, at index ${i}, is not a token id; this model has ids 0 to ${vocabSize - 1}.`);
  }
}

/**
 * The error when n tokens do not fit.
 * @param {NativeSession} native  @param {number} n  @param {number} [most]  @param {number} [taken]
 */
export function contextFull(native, n, most = 0, taken = native.position) {
  const rest = taken > 0 ? ` with ${taken} taken. Rewind with truncate(), or use` : '. Use';
  return new KvcError('context_full', `${n} token${n === 1 ? ' does' : 's do'} not fit: there is room for `
    + `${most} here, in a session of capacity ${native.capacity}${rest} fewer.`);
}
