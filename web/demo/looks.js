// Looks inside a run that goes on meanwhile: one at a time and not too often, and of all that was wanted
// while one was on its way only the newest.

import { failureOf } from './failure.js';
import { nextTurn } from './parts/turns.js';
import { isApart, isComparing } from './state.js';
import { failureText } from './words.js';

/**
 * @import { Look, Seen } from '../worker/messages.js'
 * @import { Actions } from './view.js'
 * @import { Run } from './run.js'
 * @import { State } from './state.js'
 * @import { Dictionary } from './words/en.js'
 * @import { looks } from './words/en-looks.js'
 *
 * @typedef {Error & { code?: string }} Refusal
 */

/**
 * @typedef {object} Wanted
 * @property {string} key  what it is about: the same again is not asked again
 * @property {Look} look
 */

const LEAST_MS = 100; // from one to the next

/** Refusals that say: not now, or not of this run any more. */
const LATER = ['aborted', 'busy', 'position_out_of_range'];

export class Looks {
  #actions;
  #signal;
  #take;
  #fail;
  /** @type {Wanted | undefined} */
  #wanted;
  /** Of the one that is on its way, or else of the newest answer; '': nobody waits for it. */
  #key = '';
  #isBusy = false;
  #isOver = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /**
   * @param {Pick<Actions, 'inspect'>} actions  @param {AbortSignal} signal
   * @param {(seen: Seen) => void} take
   * @param {(error: Refusal) => void} fail  undone by the next answer
   */
  constructor(actions, signal, take, fail) {
    this.#actions = actions;
    this.#signal = signal;
    this.#take = take;
    this.#fail = fail;
    signal.addEventListener('abort', () => {
      this.#isOver = true;
      clearTimeout(this.#timer);
    });
  }

  /** @param {Wanted | undefined} wanted  in place of what was wanted before */
  want(wanted) {
    this.#wanted = wanted?.key === this.#key ? undefined : wanted;
    if (!this.#isBusy) this.#ask();
  }

  /** Nobody wants the answer that is on its way any more: it is about another run. */
  forget() {
    this.#key = '';
    this.#wanted = undefined;
  }

  async #ask() {
    const wanted = this.#wanted;
    if (!wanted || this.#isOver) return;
    this.#wanted = undefined;
    this.#isBusy = true;
    this.#key = wanted.key;
    const pause = new Promise((resolve) => { this.#timer = setTimeout(resolve, LEAST_MS); });
    try {
      const seen = await this.#actions.inspect(wanted.look);
      await nextTurn(this.#signal); // it is drawn
      if (!this.#isOver && this.#key === wanted.key) this.#take(seen);
    } catch (error) {
      const isWanted = !this.#isOver && this.#key === wanted.key;
      if (isWanted) this.#key = ''; // it may be asked for again
      const refusal = /** @type {Refusal} */ (error);
      if (isWanted && !LATER.includes(refusal.code ?? '')) this.#fail(refusal);
    }
    await pause;
    this.#isBusy = false;
    this.#ask();
  }
}

/** The newest token of a run; -1: there is none. @param {Run} run */
export const newestOf = ({ prefill, tokens }) => (prefill ? prefill.tokens + tokens.length - 1 : -1);

/** Whether there is something to look at, and it disturbs nothing. @param {State} state */
export const canLook = (state) => (
  state.model !== undefined && !state.recorded && newestOf(state.run) >= 0 && !isComparing(state)
    && !isApart(state));

/**
 * Why there is nothing to be seen.
 * @param {typeof looks} said  @param {Dictionary} words  @param {State} state  @param {Refusal} [refusal]
 */
export function absenceWords(said, words, state, refusal) {
  if (refusal?.code === 'not_ready') return said.gone;
  if (refusal) return failureText(words, failureOf(refusal, true));
  if (isComparing(state)) return said.racing;
  if (isApart(state)) return said.apart;
  return state.recorded ? said.recorded(state.download.total) : said.empty;
}
