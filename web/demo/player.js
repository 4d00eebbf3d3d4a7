// The controller: what the reader wants becomes requests to the engine, what the engine reports becomes
// events of the state. It knows no document and no window; what it needs of its surroundings is given to it.
import { PromptCounter } from './counting.js';
import { Doing } from './doing.js';
import { Errands } from './errands.js';
import { Replays } from './replays.js';
import { initialState, isComparing, isWorking } from './state.js';
import { Store } from './store.js';
import { WorkerError } from '../worker/client.js';

/**
 * @import { Client } from '../worker/client.js'
 * @import { Fields, Weights } from '../worker/messages.js'
 * @import { Shipped, WhenFull } from './attributes.js'
 * @import { Given as GivenModel } from './candidate.js'
 * @import { Draft } from './edit.js'
 * @import { Tried } from './errands.js'
 * @import { Kept } from './kept.js'
 * @import { Recording } from './recording.js'
 * @import { Recordings } from './replays.js'
 * @import { Key } from './sampling.js'
 * @import { Sliding } from './places.js'
 * @import { Sounding } from './sounding.js'
 * @import { Event, Status } from './state.js'
 * @import { Listener } from './store.js'
 * @import { Surroundings } from './surroundings.js'
 */

/**
 * An engine for another model, and how it is loaded; sizeOf: as of Surroundings.
 * @typedef {{
 *   client: Client, fields: Partial<Fields<'load'>>, sizeOf: Surroundings['downloadSize'],
 * }} Aside
 *
 * @typedef {object} Given
 * @property {Client} client        the player's own
 * @property {() => Client} rival   makes a second one, for races
 * @property {() => Client} [scale]  makes one that weighs a model for a moment; if absent, as rival does
 * @property {(giveWay: () => void) => Aside} [aside]  makes one for a view; if absent, as rival does
 * @property {Surroundings} surroundings
 * @property {(shipped?: Shipped) => string} model  its own model's address; throws where it is refused
 * @property {Shipped} [shipped]    which one that is, if it comes with the script
 * @property {string} [prompt]
 * @property {Recording} [recording]  of its own model, shown while nothing was run
 * @property {Recordings} [recordings]  of the other shipped ones
 *
 * @typedef {Given & Partial<Omit<Fields<'load'>, 'url'>>} PlayerOptions
 */

/** @type {readonly Status[]} */
const IDLE = ['ready', 'finished', 'stopped', 'full'];

export class Player {
  #client;
  #errands;
  #store;
  #counter;
  #replay;
  #doing;

  /** @param {PlayerOptions} options */
  constructor(options) {
    const { client, rival, scale = rival, aside, surroundings, model, shipped, prompt, recording,
      recordings = {}, ...load } = options;
    this.#client = client;
    this.aside = aside ?? (() => ({ client: rival(), fields: {}, sizeOf: surroundings.downloadSize }));
    this.#store = new Store(initialState(prompt, shipped, load.weights));
    const emit = (/** @type {Event} */ event) => this.#emit(event);
    const state = () => this.state;
    const fields = { variant: /** @type {const} */ ('auto'), ...load };
    this.#errands = new Errands({
      client, rival, scale, surroundings, model, fields, emit, state });
    this.#counter = new PromptCounter(client, () => this.state.prompt, emit);
    this.#replay = new Replays(recording, recordings, state, emit);
    this.#doing = new Doing({
      client, errands: this.#errands, counter: this.#counter, replay: this.#replay, emit, state });
    this.#replay.finish();
  }

  get state() { return this.#store.state; }

  /** @param {Listener} listener  @returns {() => void}  that ends it */
  subscribe(listener) { return this.#store.subscribe(listener); }

  /** Ends the engine and whatever it is doing. */
  dispose() {
    this.#store.close();
    this.#replay.stop();
    this.#doing.end();
  }

  // ---- settings ---------------------------------------------------------------------------------

  /** @param {string} text */
  setPrompt(text) {
    this.#emit({ type: 'prompt', text });
    if (this.state.model) this.#counter.follow();
  }

  /** @param {Key} key  @param {number} value */
  setSampling(key, value) { this.#emit({ type: 'setting', key, value }); }

  /** Back to what the model suggests. */
  resetSampling() { this.#emit({ type: 'settings reset' }); }

  /** In the middle of a run too, but not during a race. @param {boolean} on */
  setCache(on) {
    if (isComparing(this.state)) return;
    this.#emit({ type: 'cache', on });
    if (isWorking(this.state)) this.#client.order('setCache', { on });
  }

  /** The reader's switch. */
  flip() {
    this.setCache(!this.state.useCache);
    const { status, run } = this.state; // a flip never downloads a model
    if (IDLE.includes(status) && !run.stories) this.generate();
  }

  /** @param {number} tokensPerSecond  wanted; 0: as fast as possible */
  setPace(tokensPerSecond) {
    this.#emit({ type: 'pace', tokensPerSecond });
    if (isComparing(this.state)) return; // at full speed; this is for the next run
    if (isWorking(this.state)) this.#client.order('setPace', { tokensPerSecond });
  }

  /** @param {number} lesson  of the tour, from 1 */
  setLesson(lesson) { this.#emit({ type: 'lesson', lesson }); }

  /** What the view of sounds is to pronounce. @param {Partial<Sounding>} sounding  what is new of it */
  setSounding(sounding) { this.#emit({ type: 'sounding', sounding }); }

  /** The cache of the view "window". @param {Partial<Sliding>} sliding  what is new of it */
  setSliding(sliding) { this.#emit({ type: 'sliding', sliding }); }

  /** Forgets what was measured. */
  clear() {
    if (!isWorking(this.state) && !this.state.recorded) this.#emit({ type: 'cleared' });
  }

  /** Shows the recorded run in time, as long as nothing was run here. */
  replay() { if (this.state.recorded) this.#replay.start(); }

  /** Shows all of it. */
  skipReplay() { if (this.state.recorded?.playing) this.#replay.finish(); }

  /** @param {boolean} hidden  the tab */
  setHidden(hidden) { this.#emit({ type: 'visibility', hidden }); }

  /** Finds out how large the model's files are. */
  askDownloadSize() { return this.#errands.askDownloadSize(); }

  // ---- another model ----------------------------------------------------------------------------

  /** Finds out what a model is that the reader gives. @param {GivenModel} given */
  weigh(given) { return this.#errands.weigh(given); }

  /**
   * Loads the one that was weighed in place of the figure's own, which it has again where that fails.
   * @param {Weights} weights  @param {boolean} [keep]  its files stay on this device
   */
  useOther(weights, keep = false) { return this.#doing.useOther(weights, keep); }

  /** @param {Kept} kept  what is known of it */
  setKept(kept) { this.#emit({ type: 'kept', kept }); }

  /** The figure has its own again. */
  useOwn() { return this.#doing.useOwn(); }

  /** Its own is another of the shipped ones from now on, if it is one of them. @param {Shipped} name */
  useShipped(name) { return this.#doing.change({ shipped: name }); }

  /** What its caches do when the context is full, where they can. @param {WhenFull} whenFull */
  setWhenFull(whenFull) { return this.#doing.change({ whenFull }); }

  /** Bytes that it takes to have one of them; 0: none, or not known. @param {Shipped} name */
  sizeOf(name) { return this.#errands.sizeOf(name); }

  // ---- runs -------------------------------------------------------------------------------------

  /** Writes a story. */
  generate() { return this.#doing.begin(false); }

  /** Writes it with the cache and without it at the same time, from the same seed, and compares the texts. */
  compare() { return this.#doing.begin(true); }

  /**
   * Has the newest run go on, from its beginning up to these tokens, which may be others than it had.
   * @param {readonly number[]} written  ids behind its prompt
   */
  goOn(written) { return this.#doing.goOn(written); }

  /**
   * The short way: takes the newest run to these tokens at once, as the reader asks for one place after the
   * other, and writes one more or none. Whatever is being written is stopped.
   * @param {readonly number[]} written  @param {0 | 1} [more]
   */
  goTo(written, more = 0) { return this.#doing.goTo(written, more); }

  retry() { return this.#doing.retry(); }

  /** Ends what is under way; `why` is told, unless it is a proof. @param {Event} [why]  @returns {boolean} */
  stop(why) { return this.#doing.stop(why); }

  /** A look inside the newest run, of which nothing is in the state. @param {Fields<'inspect'>} fields */
  async inspect(fields) {
    if (this.state.model) return this.#client.request('inspect', fields);
    throw new WorkerError('not_ready', 'No model is loaded yet.');
  }

  /** The benchmark: measures this model on this machine. */
  measure() { return this.#doing.apart((host) => this.#errands.measure(host)); }

  /** Writes a story with a bug and without it. @param {Tried} tried */
  experiment(tried) { return this.#doing.apart((host) => this.#errands.experiment(tried, host)); }

  /** Changes a prompt. @param {Draft} draft */
  edit(draft) { return this.#doing.apart((host) => this.#errands.edit(draft, host)); }

  /** @param {Event} event */
  #emit(event) {
    this.#store.emit(event);
    if (!this.state.recorded) this.#replay.stop();
  }
}
