// What stands apart from runs, and keeps them waiting: benchmark, lab and an edited prompt.
import { losesModel } from './failure.js';

/**
 * @import { BenchmarkEvent } from './benchmark.js'
 * @import { EditEvent } from './edit.js'
 * @import { Failure } from './failure.js'
 * @import { LabEvent } from './lab.js'
 *
 * @typedef {object} Waiting  of the state, what changes meanwhile
 * @property {string} status
 * @property {string} resume
 * @property {object} [model]
 * @property {boolean} loadStopped
 * @property {boolean} gaveWay
 */

/**
 * Runs wait, from the first event of each to its last.
 * @template {Waiting} S
 * @param {S} next  @param {BenchmarkEvent | LabEvent | EditEvent} event
 * @returns {S}
 */
export function waiting(next, event) {
  switch (event.type) {
    case 'asked':
      return { ...next, resume: next.status, status: 'waiting', loadStopped: false, gaveWay: false };
    case 'begun': return { ...next, status: 'waiting' };
    case 'ended': return resume(next);
    case 'failed': return resume(withoutLost(next, event.failure));
    default: return next;
  }
}

/** @template {Waiting} S @param {S} state  @returns {S} */
const resume = (state) => ({ ...state, status: state.model ? state.resume : 'unloaded' });

/**
 * A failure that took the model with it.
 * @template {{ model?: object }} S
 * @param {S} state  @param {Failure} failure
 * @returns {S}
 */
export const withoutLost = (state, failure) => (losesModel(failure) ? { ...state, model: undefined } : state);
