// The lab: a bug is tried, and what came of it.

/**
 * @import { Outcome } from '../lab/experiment.js'
 * @import { RequestEvent } from '../worker/messages.js'
 * @import { Failure } from './failure.js'
 *
 * @typedef {object} Lab
 * @property {'idle' | 'loading' | 'writing' | 'done' | 'stopped' | 'failed'} status  loading: the model, then
 *   the engine with the bugs
 * @property {string} [bug]       that was tried last, its id
 * @property {Outcome} [outcome]
 * @property {Failure} [failure]
 *
 * @typedef {RequestEvent<'lab'>
 *   | { type: 'asked', bug: string }
 *   | { type: 'begun' }
 *   | { type: 'ended', outcome: Outcome }
 *   | { type: 'failed', failure: Failure }} LabEvent
 */

/** @returns {Lab} */
export const newLab = () => ({ status: 'idle' });

/** @param {Lab} lab */
export const isTrying = ({ status }) => status === 'loading' || status === 'writing';

/** @param {Lab} lab  @param {LabEvent} event  @returns {Lab} */
export function reduceLab(lab, event) {
  switch (event.type) {
    case 'asked': return { status: 'loading', bug: event.bug };
    case 'begun': case 'loading': return lab;
    case 'writing': return { ...lab, status: 'writing' };
    case 'ended': return { ...lab, status: 'done', outcome: event.outcome };
    case 'failed':
      return event.failure.code === 'aborted' ? { ...lab, status: 'stopped' }
        : { ...lab, status: 'failed', failure: event.failure };
  }
}
