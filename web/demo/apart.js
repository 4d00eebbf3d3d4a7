// What is computed apart from runs and keeps them waiting: the benchmark, and experiments of the lab.
import { PLAN, subjectOf } from './benchmark.js';
import { failureOf } from './failure.js';
import { EARLIER, PROMPT, TOKENS } from './lab.js';

/**
 * @import { Client } from '../worker/client.js'
 * @import { BenchmarkEvent } from './benchmark.js'
 * @import { Failure } from './failure.js'
 * @import { LabEvent } from './lab.js'
 * @import { Event, State } from './state.js'
 * @import { Surroundings } from './surroundings.js'
 *
 * @typedef {object} Around  what this needs of a player
 * @property {Client} client
 * @property {Surroundings} surroundings
 * @property {() => string} model
 * @property {() => State} state
 * @property {(event: Event) => void} emit
 * @property {() => Promise<void>} prepare  makes room and has the model loaded
 * @property {() => void} heedStop
 *
 * A bug to be tried, of the list.
 * @typedef {{ id: string, number: number, scenario: import('../lab/scenarios.js').ScenarioName }} Tried
 */

export class Apart {
  #around;

  /** @param {Around} around */
  constructor(around) {
    this.#around = around;
  }

  /** Measures this model on this machine. */
  measure() {
    const { client, surroundings, model, state, emit, heedStop } = this.#around;
    const tell = (/** @type {BenchmarkEvent} */ event) => emit({ type: 'benchmark', event });
    tell({ type: 'asked', hidden: state().hidden });
    return this.#perform(tell, async () => {
      const subject = await subjectOf(state(), model(), surroundings);
      heedStop();
      tell({ type: 'begun', subject });
      const { reason } = await client.request('benchmark', PLAN, (event) => tell(
        event.type === 'left_out' ? { ...event, failure: this.#failureOf(event) } : event));
      tell({ type: 'ended', reason });
    });
  }

  /** Writes a story with a bug and without it. @param {Tried} tried */
  experiment({ id, number, scenario }) {
    const { client, state, emit } = this.#around;
    const tell = (/** @type {LabEvent} */ event) => emit({ type: 'lab', event });
    tell({ type: 'asked', bug: id });
    return this.#perform(tell, async () => {
      tell({ type: 'begun' });
      const { maxTokens: _, ...sampling } = state().sampling.values;
      const job = { bug: number, scenario, prompt: PROMPT, earlier: EARLIER, tokens: TOKENS, sampling };
      tell({ type: 'ended', outcome: await client.request('lab', job, tell) });
    });
  }

  /**
   * @param {(event: { type: 'failed', failure: Failure }) => void} tell  @param {() => Promise<void>} work
   */
  async #perform(tell, work) {
    try {
      await this.#around.prepare();
      await work();
    } catch (error) {
      tell({ type: 'failed', failure: this.#failureOf(error) });
    }
  }

  /** @param {unknown} error */
  #failureOf(error) { return failureOf(error, this.#around.surroundings.isOnline()); }
}
