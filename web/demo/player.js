// The controller: what the reader wants becomes requests to the engine, what the engine reports becomes
// events of the state. It knows no document and no window; what it needs of its surroundings is given to it.
import { Apart } from './apart.js';
import { PromptCounter } from './counting.js';
import { Refusal, failureOf } from './failure.js';
import { Replay } from './replay.js';
import { Rival } from './rival.js';
import { areValid } from './sampling.js';
import { initialState, isApart, isComparing, isWorking, reduce } from './state.js';
import { WorkerError } from '../worker/client.js';

/**
 * @import { Client } from '../worker/client.js'
 * @import { Fields } from '../worker/messages.js'
 * @import { Tried } from './apart.js'
 * @import { Share } from './link.js'
 * @import { Recording } from './recording.js'
 * @import { Key } from './sampling.js'
 * @import { Event, State, Status } from './state.js'
 * @import { Surroundings } from './surroundings.js'
 * @import { Dictionary } from './words/en.js'
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
 *
 * What a view may ask for.
 * @typedef {Pick<Player, 'generate' | 'compare' | 'stop' | 'retry' | 'measure' | 'clear' | 'flip' | 'setPace'
 *   | 'replay' | 'skipReplay' | 'setPrompt' | 'setSampling' | 'resetSampling' | 'inspect'
 *   | 'experiment'>} Actions
 *
 * A part of the demo: `mount` fills `root` and returns what shows a state there. It knows its own root, the
 * state and the actions, and no other view; when `signal` aborts, it lets go of everything it listens to.
 * @typedef {{ actions: Actions, signal: AbortSignal, words: Dictionary, share: Share }} Context
 * @typedef {(root: HTMLElement, context: Context) => (state: State) => void} Mount
 *
 * @typedef {object} View
 * @property {string} name
 * @property {Mount} mount
 * @property {string} [styles]  of a view that is fetched later: what demo.css does not say
 */

/** With a model. @type {readonly Status[]} */
const IDLE = ['ready', 'finished', 'stopped', 'full'];

export class Player {
  #client;
  #rival;
  #surroundings;
  #model;
  #fields;
  #state;
  #counter;
  #replay;
  #apart;
  /** @type {Set<Listener>} */
  #listeners = new Set();
  #stopAsked = false; // since the last request of the reader
  /** The comparison after a run; the next run stops it. @type {Promise<void> | undefined} */
  #proving;
  /** What failed last, once more. */
  #again = () => this.generate();

  /** @param {PlayerOptions} options */
  constructor({ client, rival, surroundings, model, prompt, recording, ...load }) {
    this.#client = client;
    this.#rival = new Rival(rival);
    this.#surroundings = surroundings;
    this.#model = model;
    this.#fields = { variant: /** @type {const} */ ('auto'), ...load };
    this.#state = initialState(prompt);
    this.#counter = new PromptCounter(client, () => this.#state.prompt, (event) => this.#emit(event));
    this.#replay = recording && new Replay(recording, (event) => this.#emit(event));
    this.#replay?.finish();
    this.#apart = new Apart({
      client, surroundings, model, state: () => this.#state, emit: (event) => this.#emit(event),
      prepare: () => this.#prepare(), heedStop: () => this.#heedStop(),
    });
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
    this.#rival.dispose();
    this.#client.dispose();
  }

  // ---- settings ---------------------------------------------------------------------------------

  /** @param {string} text */
  setPrompt(text) {
    this.#emit({ type: 'prompt', text });
    if (this.#state.model) this.#counter.follow();
  }

  /** @param {Key} key  @param {number} value */
  setSampling(key, value) {
    this.#emit({ type: 'setting', key, value });
  }

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
    if (IDLE.includes(this.#state.status)) this.generate(); // a flip never downloads a model, though
  }

  /** @param {number} tokensPerSecond  wanted; 0: as fast as possible */
  setPace(tokensPerSecond) {
    this.#emit({ type: 'pace', tokensPerSecond });
    if (isComparing(this.#state)) return; // at full speed; this is for the next run
    if (isWorking(this.#state)) this.#client.order('setPace', { tokensPerSecond });
  }

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
  async askDownloadSize() {
    const ask = async () => this.#surroundings.downloadSize(this.#model());
    const bytes = await ask().catch(() => 0); // whatever is wrong, loading says it in words
    this.#emit({ type: 'download size', bytes });
  }

  // ---- runs -------------------------------------------------------------------------------------

  /** Writes a story. */
  generate() { return this.#perform(); }

  /** Writes it with the cache and without it at the same time, from the same seed, and compares the texts. */
  compare() { return this.#perform(true); }

  retry() { return this.#again(); }

  /** Ends what is under way; `why` is told, unless it is a proof. @param {Event} [why]  @returns {boolean} */
  stop(why) {
    const isBusy = isWorking(this.#state) || isApart(this.#state);
    if (!isBusy && !this.#proving) return false;
    if (isBusy && why) this.#emit(why);
    this.#stopAsked = true;
    this.#client.stop();
    this.#rival.stop();
    return true;
  }

  /** @param {boolean} [comparing]  a race; else a run as the switch stands */
  async #perform(comparing = false) {
    if (isWorking(this.#state) || isApart(this.#state)) return;
    if (!areValid(this.#state.sampling)) return this.#emit({ type: 'refused' });
    const { recorded } = this.#state;
    this.#stopAsked = false;
    this.#again = () => this.#perform(comparing);
    this.#emit({ type: 'asked', comparing });
    try {
      await this.#prepare();
      if (!areValid(this.#state.sampling)) { // the model has brought its own settings
        this.#emit({ type: 'refused' });
        throw new Refusal('invalid_argument', { what: 'setting' });
      }
      await this.#counter.refuseTooLong();
      this.#heedStop();
      await (comparing ? this.#race() : this.#write());
      this.#emit({ type: 'ended' });
      if (this.#state.run.position > 0) this.#proving = this.#prove();
    } catch (error) {
      const failure = this.#failureOf(error);
      if (failure.code === 'aborted') this.#emit({ type: 'load stopped' });
      else this.#emit({ type: 'failed', failure });
      if (recorded && this.#state.run.position === 0) this.#replay?.finish(); // still nothing else to show
    }
  }

  /** Makes room and has the model loaded. Throws if it was stopped meanwhile. */
  async #prepare() {
    if (this.#proving) this.#client.stop();
    await this.#proving;
    this.#heedStop();
    if (!this.#state.model) await this.#load();
    this.#heedStop();
  }

  /** Between two requests, a stop has no request to end. */
  #heedStop() {
    if (this.#stopAsked) throw new WorkerError('aborted', 'Stopped between two requests.');
  }

  async #load() {
    this.#emit({ type: 'loading' });
    const fields = { ...this.#fields, url: this.#model() };
    const answer = await this.#client.request('load', fields, (event) => this.#emit(event));
    this.#emit({ ...answer, type: 'loaded' });
  }

  async #race() {
    const { model, prompt, sampling } = this.#state;
    if (!model?.worker) throw new Refusal('unsupported', { what: 'race' });
    const fields = { ...this.#fields, url: this.#model(), variant: model.variant };
    await this.#rival.load(fields, (event) => this.#emit(event));
    this.#heedStop();
    const job = { prompt, sampling: sampling.values };
    await this.#rival.race(this.#client, job, (event) => this.#emit(event));
  }

  async #write() {
    this.#emit({ type: 'begun' });
    const { useCache, pace, prompt, sampling } = this.#state;
    this.#client.order('setCache', { on: useCache });
    this.#client.order('setPace', { tokensPerSecond: pace });
    const fields = { prompt, sampling: sampling.values };
    const answer = await this.#client.request('generate', fields, (event) => this.#emit(event));
    this.#emit({ ...answer, type: 'run ended' });
  }

  /** After a run: are its last numbers those that come out with the cache, and without it? */
  async #prove() {
    this.#emit({ type: 'comparing' });
    try {
      this.#emit({ type: 'compared', proof: await this.#client.request('prove', {}) });
    } catch (error) {
      const failure = this.#failureOf(error);
      if (failure.code === 'aborted') this.#emit({ type: 'comparing stopped' });
      else this.#emit({ type: 'comparing failed', failure });
    }
    this.#proving = undefined;
  }

  /** A look inside the newest run, of which nothing is in the state. @param {Fields<'inspect'>} fields */
  async inspect(fields) {
    if (this.#state.model) return this.#client.request('inspect', fields);
    throw new WorkerError('not_ready', 'No model is loaded yet.');
  }

  // ---- apart from runs --------------------------------------------------------------------------

  /** Measures this model on this machine. */
  measure() { return this.#whenIdle(() => this.#apart.measure()); }

  /** Writes a story with a bug and without it. @param {Tried} tried */
  experiment(tried) { return this.#whenIdle(() => this.#apart.experiment(tried)); }

  /** @param {() => Promise<void>} work */
  async #whenIdle(work) {
    if (isWorking(this.#state) || isApart(this.#state)) return;
    this.#stopAsked = false;
    await work();
  }

  // ---- within -----------------------------------------------------------------------------------

  /** @param {unknown} error */
  #failureOf(error) { return failureOf(error, this.#surroundings.isOnline()); }

  /** @param {Event} event */
  #emit(event) {
    this.#state = reduce(this.#state, event);
    if (!this.#state.recorded) this.#replay?.stop();
    for (const listener of this.#listeners) listener(this.#state, event);
  }
}
