// One generate() under way, as the async generator that its caller iterates: what holds the session, how it
// is ended from outside, and how it ended.
//
// A run holds its session from its first token until it ends: by itself, by an error, by an abort, by
// leaving its loop, or by stop(). A run that nobody awaits a token of also ends as soon as another one
// begins, so an iterator that was dropped holds nothing; and a new run waits for one that was told to end.
import { optionsOf } from '../engine/arguments.js';
import { KvcError, throwIfAborted } from '../engine/errors.js';
import { asyncDisposeSymbol } from '../engine/memory.js';
import { Pauses, turn } from '../engine/pauses.js';
import { searchBeams } from './beams.js';
import { isConversation, promptOptions } from './chat.js';
import { drawSamples } from './draw.js';
import { beginSync, busy, finishInSlices } from './passes.js';
import { planOf } from './plan.js';
import { GENERATE_OPTIONS } from './sampling.js';
import { beginSource, isSource } from './source.js';

/**
 * @import { Halt } from '../engine/errors.js'
 * @import { Message } from './chat.js'
 * @import { NativeSession } from './native-session.js'
 * @import { FinishReason, Planned, Prompt, Token } from './plan.js'
 * @import { GenerateOptions } from './sampling.js'
 */

/** @implements {AsyncGenerator<Token, FinishReason, void>} */
export class Run {
  #native;
  #steps;
  #waiting = 0; // calls of next() that have no answer yet
  #stopping = false;
  #ended = false;
  /** The step that stop() took, for the next call of next(). @type {ReturnType<Run['next']> | undefined} */
  #last;
  /** The caller's. @type {Halt | undefined} */
  #signal;

  /**
   * @param {NativeSession} native  @param {Prompt} prompt
   * @param {GenerateOptions} [options]
   */
  constructor(native, prompt, options) {
    this.#native = native;
    this.#steps = this.#generate(prompt, options);
  }

  // ---- as an iterator ---------------------------------------------------------------------------

  /** @returns {Promise<IteratorResult<Token, FinishReason>>} */
  next() {
    const last = this.#last;
    this.#last = undefined;
    return last ?? this.#await(() => this.#steps.next());
  }

  /** @param {FinishReason | PromiseLike<FinishReason>} [reason]  that it returns */
  return(reason = 'stopped') {
    return this.#await(() => this.#steps.return(reason));
  }

  /** @param {unknown} error */
  throw(error) {
    return this.#await(() => this.#steps.throw(error));
  }

  [Symbol.asyncIterator]() {
    return this;
  }

  async [asyncDisposeSymbol]() {
    await this.return();
  }

  /** @param {() => Promise<IteratorResult<Token, FinishReason>>} step */
  async #await(step) {
    this.#waiting++;
    try {
      return await step();
    } finally {
      this.#waiting--;
    }
  }

  // ---- from outside -----------------------------------------------------------------------------

  /** Ends it: now, if it is between two tokens; else before the next one. An abort stays an abort. */
  stop() {
    if (!this.#signal?.aborted) this.#stopping = true;
    if (this.#waiting > 0 || this.#last) return;
    // Back from its last token it looks at the signal, and tidies up synchronously.
    this.#last = this.#steps.next();
    this.#last.catch(() => {}); // next() throws it, if anybody is left to call that
    this.#end('stopped');
  }

  /** Lets another run have the session; "busy" while somebody awaits a token. */
  giveWay() {
    if (this.#waiting > 0 && !this.#halt.aborted) throw busy();
    this.stop();
  }

  /** What ends it early: the caller's signal, or stop(). @type {Halt} */
  get #halt() {
    const [stopping, signal] = [() => this.#stopping, this.#signal];
    return {
      get aborted() {
        return stopping() || signal?.aborted === true;
      },
      get reason() {
        return signal?.reason;
      },
    };
  }

  // ---- the work ---------------------------------------------------------------------------------

  /**
   * @param {Prompt} prompt  @param {GenerateOptions} [options]
   * @returns {AsyncGenerator<Token, FinishReason, void>}
   */
  async *#generate(prompt, options) {
    const native = this.#native;
    /** @type {FinishReason | null} */
    let reason = 'stopped'; // if its caller leaves it
    try {
      const plan = await this.#begun(prompt, options);
      const signal = this.#halt;
      throwIfAborted(signal);
      [native.runUsesCache, native.runUsesCrossCache] = [plan.useCache, plan.useCrossCache];
      native.grow(plan.beams?.numBeams ?? plan.n);
      const pauses = new Pauses(signal);
      await this.#read(plan, pauses);
      const write = plan.beams ? searchBeams : drawSamples;
      return reason = yield* write(native, { ...plan, ...plan.limits(), signal }, pauses);
    } catch (error) {
      const isAbort = error instanceof KvcError && error.code === 'aborted';
      if (isAbort && this.#stopping) return 'stopped';
      if (!isAbort) reason = null;
      throw error;
    } finally {
      this.#end(reason);
    }
  }

  /**
   * What it is going to do, once it has the session; before that it can be stopped all the same.
   * @param {Prompt} prompt  @param {GenerateOptions} [options]
   */
  async #begun(prompt, options) {
    const native = this.#native;
    native.waiting.add(this);
    if (!native.run) this.#tell(null);
    const given = isConversation(prompt) ? await this.#rendered(prompt, options) : prompt;
    throwIfAborted(this.#halt);
    const plan = planOf(native, given, options);
    this.#signal = plan.signal;
    for (; native.run; await turn()) {
      try {
        native.run.giveWay();
      } catch (error) { // another one has it meanwhile: of no matter to one that was stopped
        throwIfAborted(this.#halt);
        throw error;
      }
    }
    if (native.reading) throw busy();
    native.waiting.delete(this);
    native.run = this;
    this.#tell(null);
    return plan;
  }

  /**
   * The source, unless it is the one that is there, and the prompt.
   * @param {Planned} plan  @param {Pauses} pauses
   */
  async #read({ source, ids }, pauses) {
    const native = this.#native;
    const known = source && isSource(native, source);
    let before = 0;
    if (source && !known) {
      const { ms, told } = await finishInSlices(native, beginSource(native, source), pauses);
      before = ms;
      told();
    }
    const { begun, ms, told } = await finishInSlices(native, beginSync(native, ids), pauses);
    const { tokens, reused } = begun;
    const length = source?.length ?? 0;
    native.prefillStats = {
      tokens: length + tokens, reused: (known ? length : 0) + reused, ms: before + ms,
    };
    told();
  }

  /**
   * A conversation as ids.
   * @param {readonly Message[]} messages  @param {GenerateOptions} [options]
   */
  async #rendered(messages, options) {
    const { chat, signal } = optionsOf('generate()', options, GENERATE_OPTIONS);
    return this.#native.model.applyChatTemplate(messages, promptOptions(chat, signal));
  }

  /** How it ended, to the session. @param {FinishReason | null} reason  null: it has not, or by an error */
  #tell(reason) {
    this.#native.finishReason = reason;
    if (reason !== 'stop' && reason !== 'eos') this.#native.finishedBy = null;
  }

  /** The session is free again. @param {FinishReason | null} reason */
  #end(reason) {
    const native = this.#native;
    if (this.#ended) return;
    this.#ended = true;
    native.waiting.delete(this);
    if (!native.run || native.run === this) this.#tell(reason);
    if (native.run !== this) return;
    native.run = undefined;
    native.runUsesCache = native.runUsesCrossCache = undefined;
    if (native.usable) native.cancel();
  }
}
