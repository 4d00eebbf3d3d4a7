// The passes of a session, each begun and then stepped to its end, synchronously or in slices. What begins
// one makes room for it and returns its start, for finish() or finishInSlices() to call: listeners hear of a
// larger session before the pass, and of all else after it.
import { invalid, isCount, listLength, listOf, shown } from '../engine/arguments.js';
import { KvcError } from '../engine/errors.js';
import { has, reserve, reserveOneMore, reserveWhole } from './growth.js';
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
 * Appends tokens; the start returns how many.
 * @param {NativeSession} native  @param {ArrayLike<number>} ids
 */
export function begin(native, ids) {
  const tokens = tokenIds(native, ids, 1, mostTokens(native) - native.position);
  reserve(native, native.position + tokens.length);
  return () => {
    prepare(native, tokens);
    native.calls.check(messagesOf(native), 'kvc_session_begin', native.pointer, native.input, tokens.length);
    return tokens.length;
  };
}

/**
 * Makes the timeline these tokens; the start returns how many they are, and how many need no computing.
 * @param {NativeSession} native  @param {ArrayLike<number>} ids
 */
export function beginSync(native, ids) {
  const tokens = tokenIds(native, ids, 1, mostTokens(native), 0);
  reserve(native, tokens.length);
  const start = () => {
    prepare(native, tokens);
    const { engine, pointer, input } = native;
    native.calls.check(messagesOf(native), 'kvc_session_begin_sync',
      pointer, input, tokens.length, engine.result);
    return { tokens: tokens.length, reused: engine.resultWord };
  };
  return () => {
    try {
      return start();
    } catch (error) {
      if (!has(error, 'context_full')) throw error;
      reserveWhole(native, tokens.length); // they share too little with those whose tokens are gone
      return start();
    }
  };
}

/**
 * Scores a text, into native.scores; the start returns how many tokens it has.
 * @param {NativeSession} native  @param {ArrayLike<number>} ids
 */
export function beginScore(native, ids) {
  const tokens = tokenIds(native, ids, 2, mostAlone(native) + 1, 0);
  reserve(native, tokens.length - 1, 0);
  if (tokens.length - 1 > native.capacity) reserveEmpty(native);
  return () => {
    prepare(native, tokens);
    const { pointer, input, scores } = native;
    native.calls.check(SOURCELESS, 'kvc_session_begin_score', pointer, input, tokens.length, scores);
    return tokens.length;
  };
}

/**
 * One token more for each of several sequences, which the start returns.
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
  return () => {
    prepare(native, [...rows, ...tokens]);
    const { pointer, input, capacity } = native;
    native.calls.check({
      ...messagesOf(native),
      context_full: `A sequence is full: a session of capacity ${capacity} takes no further token. `
        + 'Rewind with truncate().',
      invalid_argument: TWICE,
    }, 'kvc_session_begin_batch', pointer, input, input + 4 * n, n);
    return rows;
  };
}

/** Those that the pass to come may use. @param {NativeSession} native */
function useCaches({ calls, pointer, model, useCache, useCrossCache, runUsesCrossCache }) {
  calls.check({}, 'kvc_session_set_cache', pointer, useCache);
  if (!model.config.encoder) return;
  calls.check({}, 'kvc_session_set_cross_cache', pointer, runUsesCrossCache ?? useCrossCache);
}

/** @param {NativeSession} native  @param {ArrayLike<number>} words  that the call to come reads */
export function prepare(native, words) {
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

/**
 * The whole pass, synchronously.
 * @template T
 * @param {NativeSession} native  @param {() => T} start
 * @returns {{ begun: T, ms: number }}  what the start returned, and milliseconds of computing
 */
export function finish(native, start) {
  return native.calls.operation(() => {
    const begun = start();
    const since = performance.now();
    while (step(native));
    return { begun, ms: performance.now() - since };
  });
}

/**
 * The whole pass, in slices. Yields before and during the pass, never after: an abort cannot lose a finished
 * token. Nor can a listener that throws: what it threw waits in `told`.
 * @template T
 * @param {NativeSession} native  @param {() => T} start  @param {Pauses} pauses
 * @returns {Promise<{ begun: T, ms: number, told: () => void }>}  as finish(); told() throws what a listener
 *   threw
 */
export async function finishInSlices(native, start, pauses) {
  native.calls.hold();
  try {
    const begun = start();
    if (pauses.due) await pauses.take();
    const since = performance.now();
    const paused = pauses.ms;
    while (step(native)) if (pauses.due) await pauses.take();
    const ms = performance.now() - since - (pauses.ms - paused);
    return { begun, ms, told: settled(() => native.calls.release()) };
  } catch (error) {
    native.calls.release();
    throw error;
  }
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
  if (sequences.length > 1) return finishInSlices(native, beginBatch(native, sequences, ids), pauses);
  native.select(sequences[0]);
  return finishInSlices(native, begin(native, ids), pauses);
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
