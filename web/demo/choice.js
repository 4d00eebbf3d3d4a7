// Another model than the figure's own, in the state: the one that the reader is looking at, and the one that
// has taken its place.

/**
 * @import { Weighed } from '../session/weigh.js'
 * @import { Weights } from '../worker/messages.js'
 * @import { Failure } from './failure.js'
 *
 * @typedef {object} Choice
 * @property {'none' | 'weighing' | 'weighed' | 'failed'} stage
 * @property {string} [name]       of the model
 * @property {Weighed} [weighed]   once it is
 * @property {string} [address]    absent: its files are here
 * @property {Failure} [failure]   why it is not, or could not be loaded
 *
 * @typedef {{ name: string, address?: string, weighed: Weighed, weights: Weights }} Other  in use
 *
 * @typedef {{ type: 'asked' | 'left' } | { type: 'failed', failure: Failure }
 *   | { type: 'weighed', name: string, address?: string, weighed: Weighed }} ChoiceEvent
 */

const LARGE = 300e6; // bytes: more in a tab is a lot for a phone

/** @type {Choice} */
export const noChoice = { stage: 'none' };

/** @param {ChoiceEvent} event  @returns {Choice} */
export function reduceChoice(event) {
  switch (event.type) {
    case 'asked': return { stage: 'weighing' };
    case 'left': return noChoice;
    case 'weighed': {
      const { name, address, weighed } = event;
      return { stage: 'weighed', name, address, weighed };
    }
    case 'failed': return { stage: 'failed', failure: event.failure };
  }
}

/**
 * Whether there is room for the weights and, besides, for a text.
 * @param {Weighed} weighed  @param {Weights} kind
 */
export const hasRoom = ({ weightBytes, memoryBytes }, kind) => weightBytes[kind] < 0.95 * memoryBytes;

/**
 * How the weights should be kept; undefined: there is no room.
 * @param {Weighed} weighed  @returns {Weights | undefined}
 */
export function advised(weighed) {
  if (hasRoom(weighed, 'f32') && weighed.weightBytes.f32 <= LARGE) return 'f32';
  return hasRoom(weighed, 'int8') ? 'int8' : undefined;
}
