// The state of the benchmark, and how what the worker reports changes it.

/**
 * @import { Config } from '../config/config.js'
 * @import { Variant } from '../engine/variants.js'
 * @import { Caches } from '../measure/narrow.js'
 * @import { Answer, BenchmarkJob, RequestEvent, Row, Weights } from '../worker/messages.js'
 * @import { Step } from '../worker/benchmarked.js'
 * @import { Failure } from './failure.js'
 * @import { State } from './state.js'
 * @import { Surroundings } from './surroundings.js'
 */

/**
 * @typedef {object} Machine       what a page can know of it
 * @property {string} browser      with its version; or how it calls itself, in full
 * @property {string} [system]     if the browser tells
 * @property {number} [logicalCores]
 *
 * @typedef {object} Subject       what is measured, and where
 * @property {string} date         of the beginning, ISO 8601
 * @property {string} model        its address
 * @property {Readonly<Config>} config
 * @property {Variant} build       of the engine
 * @property {Machine} machine
 * @property {BenchmarkJob} plan
 *
 * @typedef {object} Benchmark
 * @property {'idle' | 'loading' | 'running' | 'done' | 'stopped' | 'failed'} status
 * @property {boolean} interrupted  stopped before anything was measured
 * @property {boolean} hidden       the tab was, at some time while it ran
 * @property {Subject} [subject]
 * @property {readonly number[]} contexts
 * @property {Step} [step]  being measured
 * @property {number} [share]       of it all that is done
 * @property {Weights} [second]     the weights that the model was loaded with once more
 * @property {readonly Row[]} rows
 * @property {{ weights: Weights } & Caches} [caches]  of every type
 * @property {Partial<Record<Weights, Failure>>} leftOut  why there are no figures for a kind of weights
 * @property {Failure} [failure]
 *
 * @typedef {Exclude<RequestEvent<'benchmark'>, { type: 'left_out' }>
 *   | { type: 'left_out', weights: Weights, failure: Failure }
 *   | { type: 'asked', hidden: boolean }
 *   | { type: 'begun', subject: Subject }
 *   | { type: 'hidden' }
 *   | { type: 'ended' } & Answer<'benchmark'>
 *   | { type: 'failed', failure: Failure }} BenchmarkEvent
 */

/** What is measured; the words of the view tell of it. */
export const PLAN = { contexts: [64, 256, 1000], runs: 5, windowMs: 60, patienceMs: 1500 };

/** @returns {Benchmark} */
export const newBenchmark = () => (
  { status: 'idle', interrupted: false, hidden: false, contexts: [], rows: [], leftOut: {} });

/** @param {Benchmark} benchmark */
export const isMeasuring = ({ status }) => status === 'loading' || status === 'running';

/** @param {Benchmark} benchmark  @param {BenchmarkEvent} event  @returns {Benchmark} */
export function reduceBenchmark(benchmark, event) {
  switch (event.type) {
    case 'asked': return { ...newBenchmark(), status: 'loading', hidden: event.hidden };
    case 'begun': return { ...benchmark, status: 'running', subject: event.subject };
    case 'hidden': return isMeasuring(benchmark) ? { ...benchmark, hidden: true } : benchmark;
    case 'planned': return { ...benchmark, contexts: event.contexts };
    case 'measuring': {
      const { weights, context, types, done, total } = event;
      return { ...benchmark, step: { weights, context, types }, share: done / total };
    }
    case 'measured': return { ...benchmark, rows: [...benchmark.rows, event.row] };
    case 'caches': {
      const { type: _, ...caches } = event;
      return { ...benchmark, caches };
    }
    case 'loading': return { ...benchmark, step: undefined, second: event.weights };
    case 'left_out': {
      const { weights, failure } = event;
      return { ...benchmark, leftOut: { ...benchmark.leftOut, [weights]: failure } };
    }
    case 'ended': return ended(benchmark, event.reason);
    case 'failed': return failed(benchmark, event.failure);
  }
}

/** @param {Benchmark} benchmark  @param {Answer<'benchmark'>['reason']} reason  @returns {Benchmark} */
function ended(benchmark, reason) {
  if (benchmark.rows.length === 0) return { ...benchmark, status: 'idle', interrupted: true };
  return { ...benchmark, status: reason === 'stopped' ? 'stopped' : 'done' };
}

/** @param {Benchmark} benchmark  @param {Failure} failure  @returns {Benchmark} */
function failed(benchmark, failure) {
  if (failure.code === 'aborted') return { ...benchmark, status: 'idle', interrupted: true };
  const failed = { ...benchmark, status: /** @type {const} */ ('failed'), failure };
  if (failure.code !== 'outputs_differ') return failed;
  return { ...failed, rows: [], caches: undefined }; // none of them is worth anything then
}

/**
 * What is measured, where and when.
 * @param {State} state  with a model  @param {string} model  its address  @param {Surroundings} surroundings
 * @returns {Promise<Subject>}
 */
export async function subjectOf(state, model, { now, describeMachine }) {
  const { config, variant: build } = /** @type {NonNullable<State['model']>} */ (state.model);
  const date = now().toISOString();
  return { date, model, config, build, machine: await describeMachine(), plan: PLAN };
}
