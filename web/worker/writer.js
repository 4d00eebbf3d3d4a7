// Writes the tokens of a run: computes them in bursts, ahead of the display, and gives them out at its pace.
//
// A clock in a browser cannot time one token, and one that is computed alone, after a wait, finds its weights
// and keys gone from the processor's caches. So tokens are computed in bursts, and bursts are measured. What
// is computed and not given out yet is never part of the run: at a flip of the switch the session is cut back
// to what was given out, and goes on from there with the random numbers that it would have used, so that the
// text stays as it is.
import { throwIfAborted } from '../engine/errors.js';
import { until } from '../engine/pauses.js';
import { goingOn, textBehind } from './drawn.js';
import { slides } from './slid.js';
import { writing } from './sourced.js';

/**
 * @import { FinishReason, Token } from '../session/plan.js'
 * @import { Context } from './context.js'
 * @import { Burst, Emit, Sampling, WrittenToken } from './messages.js'
 *
 * @typedef {AsyncGenerator<Token, FinishReason, void>} Tokens
 * @typedef {ReturnType<typeof textBehind>['stream']} Text
 * @typedef {Pick<WrittenToken, 'id' | 'text' | 'logProb' | 'top'>} Drawn
 * @typedef {(token: WrittenToken) => Promise<void>} Give  takes a token, which is part of the run then
 * @typedef {{ drawn: Drawn[], ms: number, reason?: FinishReason }} Computed  reason: the run ends with these
 */

const LEAST_CACHED = 16;           // tokens of a burst, however slow the one before it was
const MOST_TOKENS = 256;           // of a burst
const SHORT = 1 / 4;               // of what a burst should last: then the one before it says more
const TRIES = 4;                   // of a first burst that the clock cannot tell of

export class Writer {
  #context;
  #sampling;
  #emit;
  #give;
  #signal;
  #model;
  #session;
  /** Of the whole run. */
  #maxTokens;
  /** Of them, those after which it pauses. */
  #pause;
  /** The switch of the cross cache, as it stood when the stretch began. */
  #cross = true;
  /** When the display wants the next token. */
  #due = -Infinity;

  /**
   * @param {Context} context  whose run has a prompt, and tokens behind it if it goes on
   * @param {Sampling} sampling  @param {Emit<'generate'>} emit  @param {Give} give
   * @param {AbortSignal} signal  @param {number} [more]  tokens to write, and then it pauses
   */
  constructor(context, sampling, emit, give, signal, more = Infinity) {
    const { model, session } = context.loaded();
    this.#context = context;
    this.#sampling = sampling;
    this.#emit = emit;
    this.#give = give;
    this.#signal = signal;
    this.#model = model;
    this.#session = session;
    const { ids, prompt } = context.run;
    this.#maxTokens = sampling.maxTokens ?? model.generation.maxNewTokens ?? Infinity;
    this.#pause = Math.min(this.#maxTokens, ids.length - prompt + more);
  }

  /**
   * Writes to the end of the run.
   * @param {number} [kept]  of a run that goes on: tokens that the session has of it
   * @returns {Promise<FinishReason>}
   */
  async write(kept) {
    let reason = await this.#stretch(kept);
    while (!reason) reason = await this.#stretch(this.#context.run.ids.length);
    return reason;
  }

  /**
   * Writes until the switch is flipped; returns undefined then, or why the run has ended.
   * @param {number} [kept]  tokens of the text that the session has; absent where a run begins
   * @returns {Promise<FinishReason | undefined>}
   */
  async #stretch(kept, tries = 1) {
    const { run, useCache: cached, useCrossCache } = this.#context;
    this.#cross = useCrossCache;
    const begun = run.ids.length;
    const held = Math.min(this.#session.cachedTokens, run.ids.length);
    const text = textBehind(this.#model, this.#sampling, run.ids, run.prompt).stream;
    if (text.found !== null) return this.#found(text.found);
    const tokens = this.#tokens(cached);
    try {
      // The first token first brings the session to where the text is: it is not measured.
      let { drawn, reason } = await this.#compute(tokens, text, cached, 1);
      if (drawn.length === 0 && !reason) return undefined;
      if (kept !== undefined) {
        const missing = cached ? Math.max(0, kept - held) : 0;
        this.#emit('resumed', { cached, missing, ms: this.#session.prefillStats.ms });
      }
      /** @type {Burst[]} */
      const bursts = [];
      do {
        if (!reason) {
          const first = run.ids.length + drawn.length;
          const next = await this.#compute(tokens, text, cached, this.#size(first, cached, bursts));
          if (this.#tells(next, bursts)) bursts.push({ first, tokens: next.drawn.length, ms: next.ms });
          const isLost = bursts.length === 0 && next.drawn.length > 0 && run.ids.length === begun;
          if (isLost && tries < TRIES && this.#stands(cached)) {
            // Nothing was given out, so all of it is computed once more: on a busy machine, a clock may say
            // that a burst within one of its ticks took no time, and a short run would have no figures.
            await tokens.return('length');
            return await this.#stretch(undefined, tries + 1);
          }
          drawn.push(...next.drawn);
          reason = next.reason;
        }
        const last = drawn.at(-1);
        // A pause leaves half a character half of one.
        if (last && reason && reason !== 'stopped') last.text += text.flush();
        if (!await this.#giveOut(drawn, cached, bursts.at(-1), reason)) return undefined;
        drawn = [];
      } while (!reason);
      return reason;
    } finally {
      await tokens.return('length'); // also after a failure: the session must not stay busy
    }
  }

  /**
   * Gives tokens out, each when the display is due for it; false if the switch was flipped on the way.
   * @param {readonly Drawn[]} drawn  @param {boolean} cached  @param {Burst | undefined} burst
   * @param {FinishReason | undefined} reason  the last of them is the last of the run, or it pauses there
   */
  async #giveOut(drawn, cached, burst, reason) {
    const { run } = this.#context;
    for (const token of drawn) {
      if (!await this.#isDue(cached)) return false;
      const position = run.ids.push(token.id) - 1;
      run.texts.push(token.text);
      await this.#give({
        ...token, position, cached, work: cached ? 1 : position + 1, burst,
        ...(run.source && { crossCached: this.#cross }),
      });
    }
    return reason !== undefined || this.#stands(cached);
  }

  /** The tokens that follow what was given out. @param {boolean} useCache */
  #tokens(useCache) {
    const { run, run: { ids, prompt } } = this.#context;
    const written = ids.length - prompt;
    const more = this.#pause === Infinity ? undefined : this.#pause - written;
    const options = goingOn(this.#model, this.#sampling, written, more);
    return writing(this.#session, run, ids.slice(), {
      ...options, ...(this.#pause === this.#maxTokens && { forcedEosTokenId: undefined }), useCache,
      useCrossCache: run.source && this.#cross, signal: this.#signal,
    });
  }

  /**
   * Computes tokens, once nobody looks inside: n, or fewer where the run ends or the switch is flipped.
   * @param {Tokens} tokens  @param {Text} text  @param {boolean} cached  @param {number} n
   */
  #compute(tokens, text, cached, n) {
    return this.#context.turns.take(() => this.#measured(tokens, text, cached, n), this.#signal);
  }

  /**
   * @param {Tokens} tokens  @param {Text} text  @param {boolean} cached  @param {number} n
   * @returns {Promise<Computed>}
   */
  async #measured(tokens, text, cached, n) {
    const { clock, run } = this.#context;
    /** @type {Drawn[]} */
    const drawn = [];
    /** @type {FinishReason | undefined} */
    let reason;
    const stopwatch = this.#context.stopwatch();
    const isLate = () => stopwatch.now() > 2 * clock.span; // it takes longer than was thought
    // A text that could end here goes on until it is known whether it does.
    const isEnough = () => !text.holds && (drawn.length >= n || (drawn.length > 0 && isLate()));
    while (!reason && this.#stands(cached) && !isEnough()) {
      const { value, done } = await tokens.next();
      if (done) {
        reason = value === 'length' && this.#pause < this.#maxTokens ? 'stopped' : value;
        run.finishedBy = this.#session.finishedBy ?? undefined;
        break;
      }
      const { id, logProb, top } = value;
      drawn.push({ id, text: text.push(id), ...(top && { logProb, top }) });
      if (text.found !== null) reason = this.#found(text.found);
    }
    return { drawn, reason, ms: stopwatch.read() };
  }

  /** The run ends with a stop string. @param {string} stop  @returns {FinishReason} */
  #found(stop) {
    this.#context.run.finishedBy = stop;
    return 'stop';
  }

  /**
   * How many tokens to compute so that the burst can be measured.
   * @param {number} position  of its first one
   * @param {boolean} cached
   * @param {readonly Burst[]} bursts  before it
   */
  #size(position, cached, bursts) {
    const { clock, msPerToken, run } = this.#context;
    const alone = cached ? msPerToken : msPerToken * position / 4; // a row among many takes about a quarter
    const recent = bursts.slice(-3).map(({ tokens, ms }) => ms / tokens);
    const ms = recent.length > 0 ? Math.min(...recent) : alone;
    if (cached) this.#context.msPerToken = ms;
    const n = Math.max(cached ? LEAST_CACHED : 1, Math.min(MOST_TOKENS, Math.round(clock.span / ms)));
    const room = slides(this.#session) ? Infinity : this.#session.capacity;
    const end = Math.min(room, run.prompt + this.#pause);
    const rest = end - position;
    return rest < 1.5 * n ? rest + 1 : n; // one too many finds the end
  }

  /**
   * Whether the clock can tell of them, and more than of the bursts before.
   * @param {Computed} computed  @param {readonly Burst[]} bursts
   */
  #tells({ drawn, ms }, bursts) {
    const isShort = ms < SHORT * this.#context.clock.span;
    return drawn.length > 0 && ms > 0 && !(isShort && bursts.length > 0);
  }

  /**
   * Waits until the display is due for a token; false if the switch was flipped until then.
   * @param {boolean} cached
   */
  async #isDue(cached) {
    const { tokensPerSecond } = this.#context; // now: an order may have changed it
    const now = performance.now();
    this.#due = Math.max(now, this.#due + (tokensPerSecond > 0 ? 1000 / tokensPerSecond : 0));
    if (this.#due > now) await until(this.#due, this.#signal);
    throwIfAborted(this.#signal);
    return this.#stands(cached);
  }

  /** Whether no switch has been flipped since the stretch began. @param {boolean} cached */
  #stands(cached) {
    const { useCache, useCrossCache } = this.#context;
    return useCache === cached && useCrossCache === this.#cross;
  }
}
