// What a player has its engines do: each errand is a request, whose events become events of the state.
import { PLAN, subjectOf } from './benchmark.js';
import { TOKENS as ANSWER } from './edit.js';
import { Refusal, failureOf } from './failure.js';
import { Models } from './models.js';
import { canSlide } from './sliding.js';

/**
 * @import { Client } from '../worker/client.js'
 * @import { Fields, Weights } from '../worker/messages.js'
 * @import { Shipped, WhenFull } from './attributes.js'
 * @import { BenchmarkEvent } from './benchmark.js'
 * @import { Given as GivenModel } from './candidate.js'
 * @import { ChoiceEvent } from './choice.js'
 * @import { Draft, EditEvent } from './edit.js'
 * @import { Failure } from './failure.js'
 * @import { LabEvent } from './lab.js'
 * @import { Rival } from './rival.js'
 * @import { Event, State } from './state.js'
 * @import { Surroundings } from './surroundings.js'
 *
 * @typedef {object} Given
 * @property {Client} client
 * @property {() => Client} rival  makes a second one
 * @property {() => Client} scale  makes one that weighs a model
 * @property {Surroundings} surroundings
 * @property {(shipped?: Shipped) => string} model  its address; throws where it is refused
 * @property {Omit<Fields<'load'>, 'url'>} fields
 * @property {() => State} state   now
 * @property {(event: Event) => void} emit
 *
 * What of its own model is to be another.
 * @typedef {{ shipped?: Shipped, whenFull?: WhenFull }} Change
 *
 * Of a player: ready makes room and has the model loaded; heedStop throws after a stop.
 * @typedef {{ ready: () => Promise<void>, heedStop: () => void }} Host
 *
 * id: of the bug; job: with the reader's settings
 * @typedef {{ id: string, job: Omit<Fields<'lab'>, 'sampling'> }} Tried
 */

export class Errands {
  #client;
  #makeRival;
  /** Once there was a race. @type {Rival | undefined} */
  #rival;
  #surroundings;
  #model;
  #models;
  #weighing = 0;
  #state;
  #emit;

  /** @param {Given} given */
  constructor({ client, rival, scale, surroundings, model, fields, state, emit }) {
    this.#client = client;
    this.#makeRival = rival;
    this.#surroundings = surroundings;
    this.#model = model;
    this.#models = new Models(() => model(state().shipped), fields, scale);
    this.#state = state;
    this.#emit = emit;
  }

  /** @param {unknown} error  @returns {Failure} */
  failureOf(error) { return failureOf(error, this.#surroundings.isOnline()); }

  /** Finds out how large the model's files are. */
  async askDownloadSize() {
    const ask = async () => this.#surroundings.downloadSize(this.#models.address);
    const bytes = await ask().catch(() => 0); // whatever is wrong, loading says it in words
    this.#emit({ type: 'download size', bytes });
  }

  /** Of a shipped model. @param {Shipped} name */
  sizeOf(name) { return this.#surroundings.downloadSize(this.#model(name)); }

  /** @returns {Fields<'load'>}  what is to be loaded */
  get #fields() {
    const state = this.#state();
    const slides = state.whenFull === 'slide' && canSlide(state);
    return { ...this.#models.fields, ...(slides && { whenFull: 'slide' }) };
  }

  async load() {
    this.#emit({ type: 'loading' });
    const answer = await this.#client.request('load', this.#fields, this.#emit);
    this.#emit({ ...answer, type: 'loaded' });
  }

  // ---- another model ------------------------------------------------------------------------------

  /** The newest one counts; another, or one that is refused, is not told. @param {GivenModel} given */
  async weigh(given) {
    const turn = ++this.#weighing;
    const tell = (/** @type {ChoiceEvent} */ event) => {
      if (turn === this.#weighing) this.#emit({ type: 'choice', event });
    };
    tell({ type: 'asked' });
    try {
      const found = await this.#models.weigh(given);
      tell({ type: 'weighed', ...found });
      return turn === this.#weighing ? found : undefined;
    } catch (error) {
      tell({ type: 'failed', failure: this.failureOf(error) });
      return undefined;
    }
  }

  /**
   * The one that was weighed takes the place of the figure's own.
   * @param {Weights} weights  @param {boolean} keep  on the device
   */
  useOther(weights, keep) {
    const { name = '', address, weighed } = this.#state().choice;
    if (!weighed) return;
    this.#models.useOther(weights, keep);
    this.#rival?.dispose(); // it has the model before
    this.#emit({ type: 'model', other: { name, address, weighed, weights } });
  }

  /** The figure has its own again. @param {unknown} [error]  why the other one could not be loaded */
  useOwn(error) {
    this.#toOwn();
    const failure = error === undefined ? undefined : this.failureOf(error);
    if (failure && failure.code !== 'aborted') {
      this.#emit({ type: 'choice', event: { type: 'failed', failure } });
    }
  }

  /** @param {Change} change */
  change({ shipped, whenFull }) {
    const { other } = this.#state();
    if (shipped || !other) return this.#toOwn({ shipped, whenFull });
    this.#rival?.dispose();
    this.#emit({ type: 'model', other, whenFull }); // the one that a reader has given stays
  }

  /** @param {Change} [change] */
  #toOwn(change) {
    this.#models.useOwn();
    this.#rival?.dispose(); // it has the model before
    this.#emit({ type: 'model', ...change });
    this.#emit({ type: 'choice', event: { type: 'left' } });
    this.askDownloadSize();
  }

  // ---- runs -----------------------------------------------------------------------------------------

  /** The prompt's story, both ways at the same time. @param {() => void} heedStop  throws after a stop */
  async race(heedStop) {
    const { model, prompt, sampling } = this.#state();
    if (!model?.worker) throw new Refusal('unsupported', { what: 'race' });
    const { variant } = model;
    const { Rival } = await import('./rival.js');
    const rival = this.#rival ??= new Rival(this.#makeRival);
    heedStop();
    await rival.load({ ...this.#fields, variant }, this.#emit);
    heedStop();
    await rival.race(this.#client, { prompt, sampling: sampling.values }, this.#emit);
  }

  /** The story of the prompt. */
  async write() {
    this.#emit({ type: 'begun' });
    const { prompt, sampling } = this.#state();
    await this.#generate({ prompt, sampling: sampling.values });
  }

  /**
   * The newest run goes back to these tokens of its story, or on with others, and then writes more.
   * @param {readonly number[]} written  ids behind its prompt  @param {number} [more]  absent: to its end
   */
  async goOn(written, more) {
    const { prompt, sampling, maxTokens: most } = this.#state().run;
    const maxTokens = Math.max(most, written.length + (more ?? 0));
    await this.#generate({ prompt, written, more, sampling: { ...sampling, maxTokens } });
  }

  /** @param {Fields<'generate'>} fields */
  async #generate(fields) {
    const { useCache, pace } = this.#state();
    this.#client.order('setCache', { on: useCache });
    this.#client.order('setPace', { tokensPerSecond: pace });
    const answer = await this.#client.request('generate', fields, this.#emit);
    this.#emit({ ...answer, type: 'run ended' });
  }

  /** After a run: are its last numbers those that come out with the cache, and without it? */
  async prove() {
    this.#emit({ type: 'comparing' });
    try {
      this.#emit({ type: 'compared', proof: await this.#client.request('prove', {}) });
    } catch (error) {
      const failure = this.failureOf(error);
      if (failure.code === 'aborted') this.#emit({ type: 'comparing stopped' });
      else this.#emit({ type: 'comparing failed', failure });
    }
  }

  // ---- apart from runs, which wait meanwhile ------------------------------------------------------

  /** The benchmark: measures this model on this machine. @param {Host} host */
  async measure({ ready, heedStop }) {
    const tell = (/** @type {BenchmarkEvent} */ event) => this.#emit({ type: 'benchmark', event });
    tell({ type: 'asked', hidden: this.#state().hidden });
    try {
      await ready();
      const subject = await subjectOf(this.#state(), this.#models.address, this.#surroundings);
      heedStop();
      tell({ type: 'begun', subject });
      const { reason } = await this.#client.request('benchmark', PLAN, (event) => tell(
        event.type === 'left_out' ? { ...event, failure: this.failureOf(event) } : event));
      tell({ type: 'ended', reason });
    } catch (error) {
      tell({ type: 'failed', failure: this.failureOf(error) });
    }
  }

  /** The lab: a story with a bug and without it. @param {Tried} tried  @param {Host} host */
  async experiment({ id, job }, { ready }) {
    const tell = (/** @type {LabEvent} */ event) => this.#emit({ type: 'lab', event });
    tell({ type: 'asked', bug: id });
    try {
      await ready();
      tell({ type: 'begun' });
      const { maxTokens: _, ...sampling } = this.#state().sampling.values;
      const outcome = await this.#client.request('lab', { ...job, sampling }, tell);
      tell({ type: 'ended', outcome });
    } catch (error) {
      tell({ type: 'failed', failure: this.failureOf(error) });
    }
  }

  /** A prompt is changed and read again. @param {Draft} draft  @param {Host} host */
  async edit(draft, { ready }) {
    const tell = (/** @type {EditEvent} */ event) => this.#emit({ type: 'edit', event });
    tell({ type: 'asked', draft });
    try {
      await ready();
      tell({ type: 'begun' });
      tell({ type: 'ended', outcome: await this.#client.request('edit', { ...draft, maxTokens: ANSWER }) });
    } catch (error) {
      tell({ type: 'failed', failure: this.failureOf(error) });
    }
  }

  // ---- the end --------------------------------------------------------------------------------------

  /** Ends whatever is under way. */
  stop() {
    this.#client.stop();
    this.#rival?.stop();
  }

  /** Ends the engines. */
  dispose() {
    this.#rival?.dispose();
    this.#client.dispose();
  }
}
