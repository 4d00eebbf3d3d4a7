// What an element tells its page: runs, as events whose figures need no interpretation. Prefill and decode
// stand apart, and waiting is part of neither, so that nobody can get a speed wrong.
import { readIn } from './run.js';

/**
 * @import { Config } from '../config/config.js'
 * @import { Variant } from '../engine/variants.js'
 * @import { MemoryUsage } from '../session/inspect.js'
 * @import { WrittenToken } from '../worker/messages.js'
 * @import { Player } from './player.js'
 * @import { LaneEvent } from './race.js'
 * @import { Run } from './run.js'
 *
 * @typedef {object} LoadDetail
 * @property {Readonly<Config>} config
 * @property {Variant} variant  of the engine
 * @property {MemoryUsage} memory  of the session
 * @property {number} tick      ms from one reading of the worker's clock to the next
 *
 * @typedef {object} ProgressDetail
 * @property {number} loaded  bytes
 * @property {number} total   0: not known
 *
 * @typedef {object} RunDetail
 * @property {number} prefillMs     of reading the prompt, what was reused left out
 * @property {number} prefillTokens that were read
 * @property {number} decodeMs      of computing the measured tokens
 * @property {number} measured      tokens that decodeMs is about: the speed is 1000 * measured / decodeMs
 * @property {number} tokens        written so far
 * @property {number} position      tokens in the text, the prompt's included
 * @property {'on' | 'off'} cache   of the newest token
 *
 * @typedef {RunDetail & { text: string, ids: number[] }} TokenDetail  text, ids: new since the last event
 * @typedef {RunDetail & { text: string, reason: string }} DoneDetail  text: all that was written; reason:
 *   "length", "eos", "context_full" or "stopped"
 * @typedef {{ code: string, message: string }} ErrorDetail
 * @typedef {{ state: string }} StateDetail
 *
 * @typedef {object} Told  by the name of the event, which begins with "kv-"
 * @property {LoadDetail} load
 * @property {ProgressDetail} progress
 * @property {TokenDetail} token
 * @property {DoneDetail} done
 * @property {ErrorDetail} error
 * @property {StateDetail} state
 *
 * @typedef {{ [K in keyof Told as `kv-${K}`]: Told[K] }} Details
 */

/** @typedef {<K extends keyof Details>(name: K, detail: Details[K]) => void} Tell */

/** What a run has cost. @param {Run} run  @returns {RunDetail} */
export const runDetail = ({ prefill, tokens, ms, measured, position, mode }) => ({
  prefillMs: prefill?.ms ?? 0, prefillTokens: prefill ? readIn(prefill) : 0,
  decodeMs: ms, measured, tokens: tokens.length, position, cache: mode,
});

/** @param {Iterable<WrittenToken>} tokens */
const textOf = (tokens) => [...tokens].map(({ text }) => text).join('');

/** The end of a run. @param {Run} run  @returns {DoneDetail} */
export const doneDetail = (run) => (
  { ...runDetail(run), text: textOf(run.tokens), reason: run.reason ?? 'stopped' });

/**
 * A race has two of them.
 * @param {Run} run  @param {LaneEvent} event  @param {Tell} tell
 */
function reportRun(run, event, tell) {
  switch (event.type) {
    case 'run ended': return tell('kv-done', doneDetail(run));
    case 'tokens': {
      const ids = event.tokens.map(({ id }) => id);
      return tell('kv-token', { ...runDetail(run), text: textOf(event.tokens), ids });
    }
  }
}

/**
 * Tells of what the player does.
 * @param {Player} player  @param {Tell} tell
 */
export function reportRuns(player, tell) {
  return player.subscribe((state, event) => {
    switch (event.type) {
      case 'progress': {
        const { files, total } = state.download;
        const loaded = Object.values(files).reduce((sum, bytes) => sum + bytes, 0);
        return tell('kv-progress', { loaded, total });
      }
      case 'loaded': {
        const { config, variant, memory, tick } = event;
        return tell('kv-load', { config, variant, memory, tick });
      }
      case 'lane': return state.race?.lanes && reportRun(state.race.lanes[event.mode].run, event.event, tell);
      case 'tokens': case 'run ended': return reportRun(state.run, event, tell);
      case 'failed': return tell('kv-error', { code: event.failure.code, message: event.failure.message });
    }
  });
}
