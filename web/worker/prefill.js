// A prompt or a source is read, and once more and again, until that has taken long enough to be measured.

import { writing } from './sourced.js';

/**
 * @import { Clock } from '../engine/clock.js'
 * @import { Session } from '../session/session.js'
 * @import { GenerateOptions } from '../session/sampling.js'
 * @import { Sourced } from './sourced.js'
 *
 * @typedef {{ clock: Clock, stopwatch: () => { now: () => number, read: () => number } }} Watch
 *
 * @typedef {object} Prefill
 * @property {number} tokens    of the prompt; with an encoder, those of the source too
 * @property {number} [source]  of these, those of the source
 * @property {number} reused    tokens that the cache still held
 * @property {boolean} cached   the cache is on
 * @property {number} ms        of reading the prompt, what was reused left out; the mean of all passes
 * @property {number} passes    times that it was read, the same each time, so that the clock could tell
 * @property {number} error     of ms, at most: the clock's tick, as a share of all passes
 */

/**
 * @param {Watch} watch  @param {Session} session
 * @param {Sourced & { ids: number[] }} run  ids: those to be read
 * @param {GenerateOptions & { useCache: boolean }} options
 * @returns {Promise<Prefill>}
 */
export async function measuredPrefill(watch, session, run, { useCache, ...options }) {
  const { clock } = watch;
  const pass = () => writing(session, run, run.ids, { ...options, maxTokens: 0, useCache }).next();
  const stopwatch = watch.stopwatch();
  await pass();
  const { tokens, reused } = session.prefillStats;
  let passes = 1;
  const { freed } = session.cacheMap()[session.selected];
  const isGone = freed > 0 || session.held.tokens.length < session.position; // passed by windows, or slid out
  const isWhole = run.source ? reused > 0 : reused === tokens; // a source is read whole, or not at all
  const canRepeat = !isWhole && (run.source || !useCache || reused === 0 || !isGone);
  for (; canRepeat && stopwatch.now() < clock.span; passes++) {
    if (run.source) session.reset();
    else if (useCache) session.truncate(reused); // or it would be there
    await pass();
  }
  const ms = stopwatch.read();
  const source = run.source && { source: run.source.length };
  return { tokens, ...source, reused, cached: useCache, passes, ms: ms / passes, error: clock.tick / ms };
}
