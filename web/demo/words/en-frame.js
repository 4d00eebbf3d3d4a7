// What stands around every figure, in English.

/** @import { Source } from '../caption.js' */

export const frame = {
  table: 'Show as a table',
  /** Below a picture; day: in words. */
  source: (/** @type {Source | undefined} */ of) => {
    const done = of?.recorded ? 'recorded' : 'run';
    return `${of ? `Model ${of.model}, ${done} ${of.day}: ${of.machine}. ` : ''}kvcache-wasm, CC BY 4.0.`;
  },
};
