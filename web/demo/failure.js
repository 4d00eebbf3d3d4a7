// What went wrong, as the state keeps it.

/**
 * @typedef {object} Failure
 * @property {string} code
 * @property {string} message
 * @property {boolean} offline  it needed the network, and there was none
 */

/** After these, there is no model any more. */
const MODEL_LOST = ['trapped', 'disposed', 'worker_lost', 'not_ready'];
/** Of these, a missing connection is a likely cause. */
const NEED_NETWORK = ['file_unreachable', 'wasm_invalid', 'worker_lost'];

/** @param {unknown} error  @param {boolean} online  @returns {Failure} */
export function failureOf(error, online) {
  const { code = 'internal', message } = /** @type {{ code?: string, message: string }} */ (error);
  return { code, message, offline: !online && NEED_NETWORK.includes(code) };
}

/** @param {Failure} failure */
export const losesModel = ({ code }) => MODEL_LOST.includes(code);
