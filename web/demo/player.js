// The controller: what the reader wants becomes requests to the engine, what the engine reports becomes
// events of the state. It knows no document and no window; what it needs of its surroundings is given to it.
import { PromptCounter } from './counting.js';
import { Errands } from './errands.js';
import { Refusal } from './failure.js';
import { Replay } from './replay.js';
import { areValid } from './sampling.js';
import { canGo, initialState, isApart, isComparing, isWorking, reduce } from './state.js';
import { Ways } from './ways.js';
import { WorkerError } from '../worker/client.js';

/**
 * @import { Client } from '../worker/client.js'
 * @import { Fields } from '../worker/messages.js'
 * @import { Draft } from './edit.js'
 * @import { Host, Tried } from './errands.js'
 * @import { Recording } from './recording.js'
 * @import { Key } from './sampling.js'
 * @import { Event, State, Status } from './state.js'
 * @import { Surroundings } from './surroundings.js'
 * @import { Target } from './ways.js'
 */

/**
 * @typedef {object} Given
 * @property {Client} client        the player's own
 * @property {() => Client} rival   makes a second one, for races
 * @property {Surroundings} surroundings
 * @property {() => string} model   the model's address; throws where it is refused
 * @property {string} [prompt]
 * @property {Recording} [recording]  shown while nothing was run
 *
 * @typedef {Given & Partial<Omit<Fields<'load'>, 'url'>>} PlayerOptions
 * @typedef {(state: State, event: Event) => void} Listener  the state after the event
 */

/** @type {readonly Status[]} */
const IDLE = ['ready', 'finished', 'stopped', 'full'];

export class Player {
  #client;
  #errands;
  #state;
  #counter;
  #replay;
  /** @type {Set<Listener>} */
  #listeners = new Set();
  #stopAsked = false; // since the last request of the reader
  /** The run or race under way, or the last one. @type {Promise<void> | undefined} */
  #performing;
  /** The comparison after a run; the next run stops it. @type {Promise<void> | undefined} */
  #proving;
  #ways = new Ways((target) => this.#go(target));
  #again = () => this.generate(); // what failed last

  /** @param {PlayerOptions} options */
  constructor({ client, rival, surroundings, model, prompt, recording, ...load }) {
    this.#client = client;
    this.#state = initialState(prompt);
    const emit = (/** @type {Event} */ event) => this.#emit(event);
    const fields = { variant: /** @type {const} */ ('auto'), ...load };
    this.#errands = new Errands({
      client, rival, surroundings, model, fields, emit, state: () => this.#state });
    this.#counter = new PromptCounter(client, () => this.#state.prompt, emit);
    this.#replay = recording && new Replay(recording, emit);
    this.#replay?.finish();
  }

  get state() { return this.#state; }

  /** @param {Listener} listener  @returns {() => void}  that ends it */
  subscribe(listener) {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Ends the engine and whatever it is doing. */
  dispose() {
    this.#stopAsked = true; // what waits for the engine must not start it again
    this.#listeners.clear();
    this.#replay?.stop();
    this.#errands.dispose();
  }

  // ---- settings ---------------------------------------------------------------------------------

  /** @param {string} text */
  setPrompt(text) {
    this.#emit({ type: 'prompt', text });
    if (this.#state.model) this.#counter.follow();
  }

  /** @param {Key} key  @param {number} value */
  setSampling(key, value) { this.#emit({ type: 'setting', key, value }); }

  /** Back to what the model suggests. */
  resetSampling() { this.#emit({ type: 'settings reset' }); }

  /** In the middle of a run too, but not during a race. @param {boolean} on */
  setCache(on) {
    if (isComparing(this.#state)) return;
    this.#emit({ type: 'cache', on });
    if (isWorking(this.#state)) this.#client.order('setCache', { on });
  }

  /** The reader's switch. */
  flip() {
    this.setCache(!this.#state.useCache);
    const { status, run } = this.#state; // a flip never downloads a model
    if (IDLE.includes(status) && !run.stories) this.generate();
  }

  /** @param {number} tokensPerSecond  wanted; 0: as fast as possible */
  setPace(tokensPerSecond) {
    this.#emit({ type: 'pace', tokensPerSecond });
    if (isComparing(this.#state)) return; // at full speed; this is for the next run
    if (isWorking(this.#state)) this.#client.order('setPace', { tokensPerSecond });
  }

  /** @param {number} lesson  of the tour, from 1 */
  setLesson(lesson) { this.#emit({ type: 'lesson', lesson }); }

  /** Forgets what was measured. */
  clear() {
    if (!isWorking(this.#state) && !this.#state.recorded) this.#emit({ type: 'cleared' });
  }

  /** Shows the recorded run in time, as long as nothing was run here. */
  replay() { if (this.#state.recorded) this.#replay?.start(); }

  /** Shows all of it. */
  skipReplay() { if (this.#state.recorded?.playing) this.#replay?.finish(); }

  /** @param {boolean} hidden  the tab */
  setHidden(hidden) { this.#emit({ type: 'visibility', hidden }); }

  /** Finds out how large the model's files are. */
  askDownloadSize() { return this.#errands.askDownloadSize(); }

  // ---- runs -------------------------------------------------------------------------------------

  /** Writes a story. */
  generate() { return this.#begin(false); }

  /** Writes it with the cache and without it at the same time, from the same seed, and compares the texts. */
  compare() { return this.#begin(true); }

  /**
   * Has the newest run go on, from its beginning up to these tokens, which may be others than it had.
   * @param {readonly number[]} written  ids behind its prompt
   */
  async goOn(written) {
    const work = () => this.#errands.goOn(written);
    if (canGo(this.#state)) await this.#perform(() => this.goOn(written), work);
  }

  /**
   * The short way: takes the newest run to these tokens at once, as the reader asks for one place after the
   * other, and writes one more or none. Whatever is being written is stopped.
   * @param {readonly number[]} written  @param {0 | 1} [more]
   */
  async goTo(written, more = 0) {
    if (canGo(this.#state)) await this.#ways.to({ written, more });
  }

  retry() { return this.#again(); }

  /** Ends what is under way; `why` is told, unless it is a proof. @param {Event} [why]  @returns {boolean} */
  stop(why) {
    const isBusy = this.#isBusy;
    this.#ways.stop();
    if (!isBusy && !this.#proving && !this.#ways.now) return false;
    if (isBusy && why) this.#emit(why);
    this.#halt();
    return true;
  }

  get #isBusy() { return isWorking(this.#state) || isApart(this.#state); }

  #halt() {
    this.#stopAsked = true;
    this.#errands.stop();
  }

  /** @param {boolean} comparing  a race; else a run as the switch stands */
  async #begin(comparing) {
    if (this.#isBusy) return;
    if (!areValid(this.#state.sampling)) return this.#emit({ type: 'refused' });
    await this.#perform(() => this.#begin(comparing), async () => {
      if (!areValid(this.#state.sampling)) { // the model has brought its own settings
        this.#emit({ type: 'refused' });
        throw new Refusal('invalid_argument', { what: 'setting' });
      }
      await this.#counter.refuseTooLong();
      this.#heedStop();
      await (comparing ? this.#errands.race(() => this.#heedStop()) : this.#errands.write());
    }, comparing);
  }

  /**
   * @param {() => Promise<void>} again  the same once more
   * @param {() => Promise<void>} work  @param {boolean} [comparing]
   */
  async #perform(again, work, comparing = false) {
    if (this.#isBusy) return;
    const { recorded } = this.#state;
    this.#stopAsked = false;
    this.#again = again;
    this.#emit({ type: 'asked', comparing });
    await (this.#performing = this.#attempt(async () => {
      if (this.#ways.now) await this.#ways.now;
      await this.#prepare();
      await work();
      this.#emit({ type: 'ended' });
      if (this.#state.run.hash === undefined) return; // stopped before there were any numbers
      this.#proving = this.#errands.prove().finally(() => { this.#proving = undefined; });
    }));
    const { position, reason } = this.#state.run;
    if (recorded && position === 0 && !reason) this.#replay?.finish(); // still nothing else to show
  }

  /** @param {Target} target */
  async #go({ written, more }) {
    if (isWorking(this.#state)) this.#halt();
    const before = this.#performing;
    await before;
    this.#stopAsked = false;
    this.#again = () => this.goTo(written, more);
    await this.#attempt(async () => {
      await this.#prepare();
      await this.#errands.goOn(written, more);
      if (this.#performing === before) this.#emit({ type: 'ended' }); // or a run waits, and is shown already
    });
  }

  /** @param {() => Promise<void>} work */
  async #attempt(work) {
    try {
      await work();
    } catch (error) {
      const failure = this.#errands.failureOf(error);
      this.#emit(failure.code === 'aborted' ? { type: 'load stopped' } : { type: 'failed', failure });
    }
  }

  /** Makes room and has the model loaded. Throws if it was stopped meanwhile. */
  async #prepare() {
    if (this.#proving) this.#client.stop();
    await this.#proving;
    this.#heedStop();
    if (!this.#state.model) await this.#errands.load();
    this.#heedStop();
  }

  /** Between two requests, a stop has no request to end. */
  #heedStop() { if (this.#stopAsked) throw new WorkerError('aborted', 'Stopped between two requests.'); }

  /** A look inside the newest run, of which nothing is in the state. @param {Fields<'inspect'>} fields */
  async inspect(fields) {
    if (this.#state.model) return this.#client.request('inspect', fields);
    throw new WorkerError('not_ready', 'No model is loaded yet.');
  }

  /** The benchmark: measures this model on this machine. */
  measure() { return this.#apart((host) => this.#errands.measure(host)); }

  /** Writes a story with a bug and without it. @param {Tried} tried */
  experiment(tried) { return this.#apart((host) => this.#errands.experiment(tried, host)); }

  /** Changes a prompt. @param {Draft} draft */
  edit(draft) { return this.#apart((host) => this.#errands.edit(draft, host)); }

  /** What keeps runs waiting. @param {(host: Host) => Promise<void>} errand */
  async #apart(errand) {
    if (this.#isBusy) return;
    this.#stopAsked = false;
    const ready = async () => {
      await this.#ways.now;
      await this.#prepare();
    };
    await errand({ ready, heedStop: () => this.#heedStop() });
  }

  /** @param {Event} event */
  #emit(event) {
    this.#state = reduce(this.#state, event);
    if (!this.#state.recorded) this.#replay?.stop();
    for (const listener of this.#listeners) listener(this.#state, event);
  }
}
