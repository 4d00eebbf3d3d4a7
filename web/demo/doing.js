// What a player is doing: runs, ways, errands, the proof after a run and the loading of a model. Each waits
// for what it must, and stops what is in its way.
import { Refusal } from './failure.js';
import { areValid } from './sampling.js';
import { canGo, isApart, isWorking } from './state.js';
import { Ways } from './ways.js';
import { WorkerError } from '../worker/client.js';

/**
 * @import { Client } from '../worker/client.js'
 * @import { Weights } from '../worker/messages.js'
 * @import { PromptCounter } from './counting.js'
 * @import { Change, Errands, Host } from './errands.js'
 * @import { Replays } from './replays.js'
 * @import { Event, State } from './state.js'
 * @import { Target } from './ways.js'
 *
 * @typedef {object} Given
 * @property {Pick<Client, 'stop'>} client
 * @property {Errands} errands
 * @property {PromptCounter} counter
 * @property {Replays} replay
 * @property {() => State} state  now
 * @property {(event: Event) => void} emit
 */

export class Doing {
  #client;
  #errands;
  #counter;
  #replay;
  #state;
  #emit;
  #isOver = false;
  #stopAsked = false; // since the last request of the reader
  /** The run, race or loading under way, or the last one. @type {Promise<void> | undefined} */
  #performing;
  /** The comparison after a run; the next run stops it. @type {Promise<void> | undefined} */
  #proving;
  /** What keeps runs waiting, or did last. @type {Promise<void> | undefined} */
  #errand;
  #ways = new Ways((target) => this.#go(target));
  /** Its own model is about to be another one. @type {Promise<void> | undefined} */
  #changing;
  /** What failed last, once more. @type {() => Promise<void>} */
  retry = () => this.begin(false);

  /** @param {Given} given */
  constructor({ client, errands, counter, replay, state, emit }) {
    this.#client = client;
    this.#errands = errands;
    this.#counter = counter;
    this.#replay = replay;
    this.#state = state;
    this.#emit = emit;
  }

  get isBusy() { return this.#isOver || this.#changing !== undefined || this.#isUnderWay; }

  get #isUnderWay() { return isWorking(this.#state()) || isApart(this.#state()); }

  /** Ends what is under way; `why` is told, unless it is a proof. @param {Event} [why]  @returns {boolean} */
  stop(why) {
    const isUnderWay = this.#isUnderWay;
    this.#ways.stop();
    if (!isUnderWay && !this.#proving && !this.#ways.now) return false;
    if (isUnderWay && why) this.#emit(why);
    this.#halt();
    return true;
  }

  #halt() {
    this.#stopAsked = true;
    this.#errands.stop();
  }

  /** Nothing may start any more. */
  end() {
    this.#isOver = true; // what waits for the engine must not start it again
    this.#errands.dispose();
  }

  // ---- runs -------------------------------------------------------------------------------------

  /** @param {boolean} comparing  a race; else a run as the switch stands */
  async begin(comparing) {
    while (this.#changing) await this.#changing;
    if (this.isBusy) return;
    if (!areValid(this.#state().sampling)) return this.#emit({ type: 'refused' });
    await this.#perform(() => this.begin(comparing), async () => {
      if (!areValid(this.#state().sampling)) { // the model has brought its own settings
        this.#emit({ type: 'refused' });
        throw new Refusal('invalid_argument', { what: 'setting' });
      }
      await this.#counter.refuseTooLong();
      this.#heedStop();
      await (comparing ? this.#errands.race(() => this.#heedStop()) : this.#errands.write());
    }, comparing);
  }

  /** @param {readonly number[]} written  ids behind the prompt of the newest run */
  async goOn(written) {
    const work = () => this.#errands.goOn(written);
    if (canGo(this.#state())) await this.#perform(() => this.goOn(written), work);
  }

  /** Whatever is being written is stopped. @param {readonly number[]} written  @param {0 | 1} more */
  async goTo(written, more) {
    if (canGo(this.#state())) await this.#ways.to({ written, more });
  }

  /**
   * @param {() => Promise<void>} again  the same once more
   * @param {() => Promise<void>} work  @param {boolean} [comparing]
   */
  async #perform(again, work, comparing = false) {
    if (this.isBusy) return;
    const { recorded } = this.#state();
    this.#stopAsked = false;
    this.retry = again;
    this.#emit({ type: 'asked', comparing });
    await (this.#performing = this.#attempt(async () => {
      if (this.#ways.now) await this.#ways.now;
      await this.#prepare();
      await work();
      this.#emit({ type: 'ended' });
      if (this.#state().run.hash === undefined) return; // stopped before there were any numbers
      this.#proving = this.#errands.prove().finally(() => { this.#proving = undefined; });
    }));
    const { position, reason } = this.#state().run;
    if (recorded && position === 0 && !reason) this.#replay.finish(); // still nothing else to show
  }

  /** @param {Target} target */
  async #go({ written, more }) {
    if (isWorking(this.#state())) this.#halt();
    const before = this.#performing;
    await before;
    this.#stopAsked = false;
    this.retry = () => this.goTo(written, more);
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
    if (!this.#state().model) await this.#errands.load();
    this.#heedStop();
  }

  /** Between two requests, a stop has no request to end. */
  #heedStop() {
    if (this.#isOver || this.#stopAsked) throw new WorkerError('aborted', 'Stopped between two requests.');
  }

  // ---- apart from runs --------------------------------------------------------------------------

  /** What keeps runs waiting. @param {(host: Host) => Promise<void>} errand */
  async apart(errand) {
    if (this.isBusy) return;
    this.#stopAsked = false;
    const ready = async () => {
      await this.#ways.now;
      await this.#prepare();
    };
    await (this.#errand = errand({ ready, heedStop: () => this.#heedStop() }));
  }

  // ---- another model ----------------------------------------------------------------------------

  /**
   * The one that was weighed; where it cannot be loaded, its own again.
   * @param {Weights} weights  @param {boolean} keep  on the device
   */
  async useOther(weights, keep) {
    await this.#quiet();
    this.#errands.useOther(weights, keep);
    this.#stopAsked = false;
    await (this.#performing = this.#prepare().then(() => this.#emit({ type: 'ready' }), (error) => {
      this.#errands.useOwn(error);
      this.#replay.finish();
    }));
  }

  /** Its own. */
  async useOwn() {
    await this.#quiet();
    this.#errands.useOwn();
    this.#replay.finish();
  }

  /** Another model of its own, or way of its caches; the newest wish counts. @param {Change} change */
  change(change) {
    const changing = this.#changeTo(change, this.#changing).finally(() => {
      if (this.#changing === changing) this.#changing = undefined;
    });
    this.#changing = changing;
    return changing;
  }

  /** @param {Change} change  @param {Promise<void>} [before] */
  async #changeTo(change, before) {
    await before;
    const { shipped, other, whenFull } = this.#state();
    if (change.whenFull === whenFull) return;
    if (change.shipped && (!shipped || (shipped === change.shipped && !other))) return;
    await this.#quiet();
    this.#errands.change(change);
    this.#replay.finish();
  }

  /** Nothing is under way any more. */
  async #quiet() {
    this.stop();
    await Promise.all([this.#performing, this.#ways.now, this.#errand]);
    if (this.#proving) this.#client.stop(); // a run that was stopped is proved as well
    await this.#proving;
  }
}
