// The second engine, and races against it. It is made when first needed, and let go of when no race has come
// for a while, because its model takes as much memory as the first one's.

/**
 * @import { Client } from '../worker/client.js'
 * @import { Fields } from '../worker/messages.js'
 * @import { Mode } from './curves.js'
 * @import { Event } from './state.js'
 */

const KEEP_MS = 60_000; // after a race
const TICK_MS = 100;    // of the clock that is shown

/** @typedef {(event: Event) => void} Emit */

export class Rival {
  #make;
  /** @type {Client | undefined} */
  #client;
  #loaded = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /** @param {() => Client} make */
  constructor(make) {
    this.#make = make;
  }

  /** Has the model loaded, if it is not. @param {Fields<'load'>} fields  @param {Emit} emit */
  async load(fields, emit) {
    clearTimeout(this.#timer);
    if (this.#loaded) return;
    emit({ type: 'loading' });
    try {
      this.#client ??= this.#make();
      await this.#client.request('load', fields, emit);
      this.#loaded = true;
    } catch (error) {
      this.dispose();
      throw error;
    }
  }

  /**
   * Both write the same story at full speed: `client` with the cache, the rival without. Where one of them
   * fails, the other is stopped.
   * @param {Client} client  @param {Fields<'generate'>} job  @param {Emit} emit
   */
  async race(client, job, emit) {
    const rival = /** @type {Client} */ (this.#client);
    emit({ type: 'race begun' });
    const start = performance.now();
    const ms = () => performance.now() - start;
    const clock = setInterval(() => emit({ type: 'race ticked', ms: ms() }), TICK_MS);
    /** @param {Client} racer  @param {Mode} mode */
    const run = async (racer, mode) => {
      racer.order('setCache', { on: mode === 'on' });
      racer.order('setPace', { tokensPerSecond: 0 });
      const answer = await racer.request('generate', job,
        (event) => emit({ type: 'lane', mode, event, ms: ms() }));
      emit({ type: 'lane', mode, event: { ...answer, type: 'run ended' }, ms: ms() });
    };
    try {
      await together([run(client, 'on'), run(rival, 'off')], () => {
        client.stop();
        rival.stop();
      });
      this.#timer = setTimeout(() => this.dispose(), KEEP_MS);
    } catch (error) {
      this.dispose(); // whichever it was
      throw error;
    } finally {
      clearInterval(clock);
    }
  }

  /** Ends what it is doing. */
  stop() {
    this.#client?.stop();
  }

  dispose() {
    clearTimeout(this.#timer);
    this.#client?.dispose();
    this.#client = undefined;
    this.#loaded = false;
  }
}

/**
 * Waits for all; the first that fails has the others stopped, and is what is thrown once they have ended.
 * @param {Promise<void>[]} all  @param {() => void} stop
 */
async function together(all, stop) {
  /** @type {{ error: unknown }[]} */
  const failed = [];
  await Promise.all(all.map((one) => one.catch((error) => {
    if (failed.push({ error }) === 1) stop();
  })));
  if (failed.length > 0) throw failed[0].error;
}
