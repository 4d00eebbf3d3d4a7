// What stands around every figure, in English.

import { numbersIn } from '../../measure/numbers.js';

const { counted, size } = numbersIn('en');

/** @import { Source } from '../caption.js' */

export const frame = {
  table: 'Show as a table',
  /** Of a model with an encoder; bytes: of K and V of the source. */
  crossed: (/** @type {number} */ tokens, /** @type {number} */ bytes) => (
    `This model reads a source first. K and V of its ${counted(tokens)} tokens, ${size(bytes)}, are computed `
      + 'once and lie in a cross cache, which every step reads. What stands here is about the text.'),
  /** Of a text past its context. */
  slid: (/** @type {number} */ gone, /** @type {number} */ sinks, /** @type {number} */ bytes) => (
    `The text has gone on past its context: ${counted(gone)} tokens behind the first ${counted(sinks)} have `
      + 'left the cache, page by page, and no token to come sees them. Memory stands still at '
      + `${size(bytes)}.`),
  /** Below a picture; day: in words. */
  source: (/** @type {Source | undefined} */ of) => {
    const done = of?.recorded ? 'recorded' : 'run';
    return `${of ? `Model ${of.model}, ${done} ${of.day}: ${of.machine}. ` : ''}kvcache-wasm, CC BY 4.0.`;
  },
};
