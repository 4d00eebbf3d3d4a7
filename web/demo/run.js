// One run: what the worker reports of it, taken in token by token.
import { addPoint, beginRun } from './curves.js';
import { Log } from './log.js';
import { measure, msOf, newMeter } from './meter.js';
import { ended, firstStory, follow, turn } from './stories.js';

/**
 * @import { Answer, Cut, Prefill, RequestEvent, WrittenToken } from '../worker/messages.js'
 * @import { Curves, Mode } from './curves.js'
 * @import { Meter } from './meter.js'
 * @import { Values } from './sampling.js'
 * @import { Stories } from './stories.js'
 */

/**
 * What was read before the first token was written.
 * @typedef {object} Reading
 * @property {number} tokens    that the text begins with: of the prompt or, with an encoder, of its own
 * @property {number} reused    of them
 * @property {boolean} cached   and what follows it: as of Prefill
 * @property {number} ms
 * @property {number} passes
 * @property {number} error
 * @property {number} [source]  tokens of the source, with an encoder
 * @property {boolean} [sourceKept]  it was still there, and was not read again
 *
 * @typedef {object} Run
 * @property {number} number      counted from 1; 0: there was none yet; another one, too, once its text has
 *   become another one than it was with more tokens
 * @property {string} prompt
 * @property {Values} [sampling]  its settings, if it was written here
 * @property {number} maxTokens
 * @property {Mode} mode          of the newest token
 * @property {number} position    tokens in the text
 * @property {Reading} [prefill]  present once the prompt is read
 * @property {Log<WrittenToken>} tokens
 * @property {number} ms          of computing those that were measured
 * @property {number} measured    how many those are
 * @property {number} unmeasured  tokens that came while the tab was hidden
 * @property {Log<CatchUp>} catchUps  one for each time that the cache was switched on again
 * @property {Answer<'generate'>['reason']} [reason]     why it ended
 * @property {string} [hash]      of the logits at its end
 * @property {Stories} [stories]  once somebody has gone back in it
 *
 * @typedef {object} CatchUp  what the cache had missed was taken in
 * @property {number} position  of the token that was computed next
 * @property {number} tokens    just before it
 * @property {number} ms
 *
 * The numbers of one mode, those of the last run that used it.
 * @typedef {object} Column
 * @property {number} run  its number
 * @property {Meter} meter
 * @property {Reading} [prefill]
 * @property {number} [work]  tokens that ran through the model for the newest one
 *
 * @typedef {object} Progress  the part of the state that a token changes
 * @property {Run} run
 * @property {Record<Mode, Column>} columns
 * @property {Curves} curves
 */

/** @param {number} number  @param {string} prompt  @param {number} maxTokens  @returns {Run} */
export const newRun = (number, prompt, maxTokens) => ({
  number, prompt, maxTokens, mode: 'off', position: 0, tokens: new Log(), ms: 0, measured: 0, unmeasured: 0,
  catchUps: new Log(),
});

/** @param {number} run  @returns {Column} */
export const newColumn = (run) => ({ run, meter: newMeter() });

/** @param {boolean} on  @returns {Mode} */
export const modeOf = (on) => (on ? 'on' : 'off');

/**
 * The column of a mode, a new one when this run uses the mode for the first time.
 * @param {Progress} progress  @param {Mode} mode
 */
const columnFor = ({ run, columns }, mode) => (
  columns[mode].run === run.number ? columns[mode] : newColumn(run.number));

/**
 * The prompt was read.
 * @param {Progress} progress  @param {Reading} prefill  @param {number} capacity  positions of the model
 * @returns {Progress}
 */
export function readPrompt(progress, prefill, capacity) {
  const { run, columns, curves } = progress;
  const mode = modeOf(prefill.cached);
  const reach = Math.min(prefill.tokens + run.maxTokens, capacity);
  return {
    run: { ...run, prefill, mode },
    columns: { ...columns, [mode]: { ...columnFor(progress, mode), prefill } },
    curves: { ...curves, expected: Math.max(curves.expected, reach) },
  };
}

/**
 * A flip of the switch was heard.
 * @param {Run} run  @param {Extract<RequestEvent<'generate'>, { type: 'resumed' }>} event
 * @returns {Run}
 */
export const resumed = (run, { missing, ms }) => (
  missing > 0 ? { ...run, catchUps: run.catchUps.append({ position: positionOf(run), tokens: missing, ms }) }
    : run);

/** @param {Prefill} event  @returns {Reading} */
export const readingOf = ({ tokens, source = 0, reused, cached, ms, passes, error }) => ({
  tokens: tokens - source, reused: Math.max(0, reused - source), cached, ms, passes, error,
  ...(source > 0 && { source, sourceKept: reused > 0 }),
});

/** Tokens that had to be read, those of a source too. @param {Reading} prefill */
export const readIn = ({ tokens, reused, source = 0, sourceKept }) => (
  tokens - reused + (sourceKept ? 0 : source));

/** Of the next token. @param {Run} run */
const positionOf = ({ prefill, tokens }) => (prefill?.tokens ?? 0) + tokens.length;

/**
 * A token was written.
 * @param {Progress} progress  @param {WrittenToken} token
 * @param {boolean} hidden  the tab, where browsers slow everything down
 * @returns {Progress}
 */
export function takeToken(progress, token, hidden) {
  const { run, columns, curves } = progress;
  const { burst, work } = token;
  const mode = modeOf(token.cached);
  const column = columnFor(progress, mode);
  const position = token.position + 1; // as people count
  const measured = burst && !hidden;
  return {
    run: {
      ...run, mode, position, tokens: run.tokens.append(token), ms: run.ms + (burst ? msOf(burst) : 0),
      measured: run.measured + (burst ? 1 : 0),
      unmeasured: run.unmeasured + (hidden ? 1 : 0),
      stories: run.stories && follow(run.stories, token, run.tokens.length),
    },
    columns: {
      ...columns,
      [mode]: { ...column, work, meter: measured ? measure(column.meter, burst) : column.meter },
    },
    curves: measured ? addPoint(curves, mode, position, burst) : curves,
  };
}

/**
 * The reader went back in it, chose a token, or goes on from there.
 * @param {Progress} progress  @param {Cut} cut
 * @returns {Progress}
 */
export function takeCut(progress, cut) {
  const { run, columns, curves } = progress;
  const { written } = cut;
  const stories = run.stories ?? firstStory(run.tokens, run.hash);
  const now = { ...run, stories, reason: undefined, hash: undefined };
  const isAsBefore = written.length === run.tokens.length && written.every(({ id, text }, i) => (
    run.tokens.at(i)?.id === id && run.tokens.at(i)?.text === text));
  if (isAsBefore) return { run: now, columns, curves };
  const prompt = run.prefill?.tokens ?? 0;
  const position = prompt + written.length;
  const turned = turn(stories, cut, run.tokens.length, prompt);
  const last = turned.tokens.at(written.length - 1);
  const number = run.number + 1;
  const renumbered = (/** @type {Mode} */ mode) => (
    columns[mode].run === run.number ? { ...columns[mode], run: number } : columns[mode]);
  const isBehind = Object.values(curves.run).some(({ length }) => length > position + 1);
  return {
    run: {
      ...now, ...turned, number, position, mode: modeOf(last ? last.cached : run.prefill?.cached ?? false),
      catchUps: new Log([...run.catchUps].filter((each) => each.position < position)),
    },
    columns: { on: renumbered('on'), off: renumbered('off') },
    curves: isBehind ? beginRun(curves) : curves, // points are only ever added at the end
  };
}

/**
 * It has ended, for now.
 * @param {Progress} progress  @param {Answer<'generate'>} answer
 * @returns {Progress}
 */
export function endRun(progress, { reason, position, hash, memory }) {
  const { run, columns, curves } = progress;
  if (!run.stories) return { run: { ...run, reason, position, hash }, columns, curves };
  const length = position - (run.prefill?.tokens ?? 0);
  if (length < run.tokens.length) { // stopped before all of the text was read
    const written = [...run.tokens].slice(0, length);
    const none = { taken: 0, dropped: 0, droppedBytes: 0 };
    const cut = { written, kept: position, ...none, cached: run.mode === 'on', memory };
    return endRun(takeCut(progress, cut), { reason, position, hash, memory });
  }
  const stories = ended(run.stories, length, hash);
  return { run: { ...run, reason, position, hash, stories }, columns, curves };
}
