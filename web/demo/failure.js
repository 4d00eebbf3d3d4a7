// What went wrong, as the state keeps it.

/**
 * @import { ErrorCode } from '../engine/errors.js'
 *
 * @typedef {ErrorCode | 'internal' | 'worker_lost'} FailureCode
 *
 * What the demo itself refuses: words.js has a sentence for each.
 * @typedef {{ what: 'promptTooLong', tokens: number, room: number }
 *   | { what: 'setting' | 'race' }
 *   | { what: 'noAddress', address: string }} Refused
 *
 * @typedef {object} Failure
 * @property {string} code
 * @property {string} message   in English
 * @property {Refused} [refused]  said instead of the message
 * @property {boolean} offline  it needed the network, and there was none
 */

/** What the demo throws where it refuses something. */
export class Refusal extends Error {
  /** @param {FailureCode} code  @param {Refused} refused */
  constructor(code, refused) {
    super(`The demo refuses this: ${refused.what}.`);
    this.code = code;
    this.refused = refused;
  }
}

/** After these, there is no model any more. */
const MODEL_LOST = ['trapped', 'disposed', 'worker_lost', 'not_ready'];
/** Of these, a missing connection is a likely cause. */
const NEED_NETWORK = ['file_unreachable', 'wasm_invalid', 'worker_lost'];

/** @param {unknown} error  @param {boolean} online  @returns {Failure} */
export function failureOf(error, online) {
  const { code = 'internal', message, refused } = (
    /** @type {{ code?: string, message: string, refused?: Refused }} */ (error));
  return { code, message, ...(refused && { refused }), offline: !online && NEED_NETWORK.includes(code) };
}

/** @param {Failure} failure */
export const losesModel = ({ code }) => MODEL_LOST.includes(code);
