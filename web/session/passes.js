// The passes of a session, each begun and then stepped to its end, synchronously or in slices.
import { invalid, isCount, listLength, listOf, shown } from '../engine/arguments.js';
import { KvcError } from '../engine/errors.js';
import { reserve, reserveOneMore } from './growth.js';
import { mostAlone, mostTokens, reserveEmpty } from './sliding.js';

/**
 * @import { Pauses } from '../engine/pauses.js'
 * @import { NativeSession } from './native-session.js'
 */

const SOURCELESS = {
  no_source: 'This model writes from a source, and there is none yet: give one to setSource() or '
    + 'generate().',
};
/** @param {NativeSession} native */
const messagesOf = ({ capacity }) => ({
  ...SOURCELESS,
  context_full: `These tokens do not fit a session of capacity ${capacity}: what evict() took out has to be `
    + 'computed again for them.',
  window_passed: 'evict() has taken tokens of this timeline out, and this pass would have to compute them '
    + 'again: turn the cache on, or begin anew with truncate(n, { recompute: true }).',
});
const TWICE = 'decodeBatch takes each sequence at most once.';

// ---- beginning ----------------------------------------------------------------------------------

/**
 * Appends tokens; returns how many.
 * @param {NativeSession} native  @param {ArrayLike<number>} ids
 */
export function begin(native, ids) {
  const tokens = tokenIds(native, ids, 1, mostTokens(native) - native.position);
  reserve(native, native.position + tokens.length);
  prepare(native, tokens);
  native.calls.check(messagesOf(native), 'kvc_session_begin', native.pointer, native.input, tokens.length);
  return tokens.length;
}

/**
 * Makes the timeline these tokens; returns how many they are, and how many of them need no computing.
 * @param {NativeSession} native  @param {ArrayLike<number>} ids
 */
export function beginSync(native, ids) {
  const tokens = tokenIds(native, ids, 1, mostTokens(native), 0);
  reserve(native, tokens.length);
  prepare(native, tokens);
  const { engine, pointer, input } = native;
  native.calls.check(messagesOf(native), 'kvc_session_begin_sync',
    pointer, input, tokens.length, engine.result);
  return { tokens: tokens.length, reused: engine.resultWord };
}

/**
 * Scores a text, into native.scores; returns how many tokens it has.
 * @param {NativeSession} native  @param {ArrayLike<number>} ids
 */
export function beginScore(native, ids) {
  const tokens = tokenIds(native, ids, 2, mostAlone(native) + 1, 0);
  reserve(native, tokens.length - 1);
  if (tokens.length - 1 > native.capacity) reserveEmpty(native);
  prepare(native, tokens);
  const { pointer, input, scores } = native;
  native.calls.check(SOURCELESS, 'kvc_session_begin_score', pointer, input, tokens.length, scores);
  return tokens.length;
}

/**
 * One token more for each of several sequences, which are returned.
 * @param {NativeSession} native
 * @param {ArrayLike<number>} sequences  each at most once  @param {ArrayLike<number>} ids  one for each
 */
export function beginBatch(native, sequences, ids) {
  const what = 'The list of sequences';
  const n = listLength(sequences, what);
  if (n === 0 || n !== listLength(ids, 'The list of token ids')) {
    throw invalid('decodeBatch takes a list of sequences, and one token id for each.');
  }
  if (n > native.sequences) throw invalid(TWICE);
  const rows = listOf(sequences, what, n);
  for (const row of rows) native.checkSequence(row);
  const tokens = tokenIds(native, ids, 1, n, 0);
  reserveOneMore(native, rows);
  prepare(native, [...rows, ...tokens]);
  const { pointer, input, capacity } = native;
  native.calls.check({
    ...messagesOf(native),
    context_full: `A sequence is full: a session of capacity ${capacity} takes no further token. `
      + 'Rewind with truncate().',
    invalid_argument: TWICE,
  }, 'kvc_session_begin_batch', pointer, input, input + 4 * n, n);
  return rows;
}

/** Those that the pass to come may use. @param {NativeSession} native */
export function useCaches({ calls, pointer, model, useCache, useCrossCache, runUsesCrossCache }) {
  calls.check({}, 'kvc_session_set_cache', pointer, useCache);
  if (!model.config.encoder) return;
  calls.check({}, 'kvc_session_set_cross_cache', pointer, runUsesCrossCache ?? useCrossCache);
}

/** @param {NativeSession} native  @param {ArrayLike<number>} words  that the call to come reads */
function prepare(native, words) {
  useCaches(native);
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
 * The whole pass, in slices. Yields before and during the pass, never after: an abort cannot lose a finished
 * token. Nor can a listener that throws: what it threw waits in `told`.
 * @param {NativeSession} native  @param {Pauses} pauses
 * @returns {Promise<{ ms: number, told: () => void }>}  ms: of computing; told() throws what a listener threw
 */
export async function finishInSlices(native, pauses) {
  if (pauses.due) await pauses.take();
  const start = performance.now();
  const paused = pauses.ms;
  native.calls.hold();
  try {
    while (step(native)) if (pauses.due) await pauses.take();
  } catch (error) {
    native.calls.release();
    throw error;
  }
  const ms = performance.now() - start - (pauses.ms - paused);
  return { ms, told: settled(() => native.calls.release()) };
}

/**
 * Does work behind a computed token, whose failure must not keep the token back.
 * @param {() => void} work
 * @returns {() => void}  throws what the work threw
 */
export function settled(work) {
  try {
    work();
    return () => {};
  } catch (error) {
    return () => { throw error; };
  }
}

/**
 * One token more for each of these sequences, as finishInSlices().
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

export const busy = () => new KvcError('busy',
  'This session is generating, or reads a source. Wait for it, end it with stop() or by its signal, or use '
  + 'another session.');

/** @param {NativeSession} native */
export function checkIdle({ run, reading }) {
  if (run || reading) throw busy();
}

/**
 * Token ids, checked and copied.
 * @param {NativeSession} native  @param {ArrayLike<number>} ids
 * @param {number} least  @param {number} most  of them
 * @param {number} [taken]  the positions in use, for the error
 * @returns {number[]}
 */
export function tokenIds(native, ids, least, most, taken = native.position) {
  const what = 'The list of token ids';
  const length = listLength(ids, what);
  if (length < least) {
    throw invalid(`At least ${least === 1 ? 'one token id is' : 'two token ids are'} needed.`);
  }
  if (length > most) throw contextFull(native, length, most, taken);
  return checkedIds(native, ids, what, length);
}

/**
 * @param {NativeSession} native  @param {ArrayLike<number>} ids  @param {string} what  names them
 * @param {number} length  of them
 */
export function checkedIds(native, ids, what, length) {
  const { vocabSize } = native.model.config;
  const tokens = listOf(ids, what, length);
  const stray = tokens.findIndex((id) => !isCount(id) || id >= vocabSize);
  if (stray < 0) return tokens;
  throw new KvcError('token_out_of_range', `${shown(tokens[stray])}, at index ${stray}, is not a token id; `
    + `this model has ids 0 to ${vocabSize - 1}.`);
}

/**
 * The error when n tokens do not fit.
 * @param {NativeSession} native  @param {number} n  @param {number} [most]  @param {number} [taken]
 */
export function contextFull(native, n, most = 0, taken = native.position) {
  const rest = taken > 0 ? ` with ${taken} taken. Rewind with truncate(), or use` : '. Use';
  return new KvcError('context_full', `${n} token${n === 1 ? ' does' : 's do'} not fit: there is room for `
    + `${most} here, in a session of capacity ${native.most}${rest} fewer.`);
}
