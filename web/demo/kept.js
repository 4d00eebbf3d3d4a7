// What is kept on the device, in the state.

/**
 * @import { NotKept } from '../files/keep.js'
 * @import { KeptModel } from '../files/kept-models.js'
 * @import { Failure } from './failure.js'
 *
 * @typedef {object} Kept
 * @property {boolean} [able]      something can be kept here
 * @property {readonly KeptModel[]} [models]  once somebody has asked
 * @property {boolean} [removing]  some of it
 * @property {number} [freed]      bytes, the last time
 * @property {NotKept} [reason]    why the model in use is not, though the reader wanted it
 * @property {Failure} [failure]   of the last look or removal
 */

/** @type {Kept} */
export const nothingKept = {};
