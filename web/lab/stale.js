// A mistake that needs no bug in the engine: some tokens of a saved session get the keys and values that they
// had in another text, as if nothing before them had changed. The engine that goes on from there is sound.
import { PAGE } from '../engine/page.js';

/**
 * @typedef {object} Shape  of a cache in f32 that holds one text
 * @property {number} tokens
 * @property {number} numLayers
 * @property {number} numHeads  of keys and values
 * @property {number} headDim
 */

const CHECKSUM = 8; // bytes at the end of a state (src/base/state.h); before them lie the pages

/**
 * @param {Uint8Array} state   of a session
 * @param {Uint8Array} other   of a session of the same model with another text of as many tokens
 * @param {Shape} shape        of both
 * @param {number} first       of the tokens that are taken from the other
 * @param {number} end
 * @returns {Uint8Array}  a sound state
 */
export function withVectorsOf(state, other, { tokens, numLayers, numHeads, headDim }, first, end) {
  const made = state.slice();
  const size = 4 * headDim;
  const rows = 2 * numLayers * numHeads; // of each head the keys of a page, then its values
  const pages = state.length - CHECKSUM - tokens * rows * size;
  for (let token = first; token < end; token++) {
    const slot = token % PAGE;
    const slots = Math.min(PAGE, tokens - (token - slot));
    for (let row = 0; row < rows; row++) {
      const at = pages + size * ((token - slot) * rows + row * slots + slot);
      const from = other.length - state.length + at;
      made.set(other.subarray(from, from + size), at);
    }
  }
  const { low, high } = fnv1a(made.subarray(0, -CHECKSUM));
  const view = new DataView(made.buffer, made.length - CHECKSUM);
  view.setUint32(0, low, true);
  view.setUint32(4, high, true);
  return made;
}

const PRIME = 0x1b3; // the lower half of the prime 2^40 + 0x1b3

/** FNV-1a 64. @param {Uint8Array} bytes */
function fnv1a(bytes) {
  let [low, high] = [0x84222325, 0xcbf29ce4];
  for (const byte of bytes) {
    const product = ((low ^ byte) >>> 0) * PRIME;
    high = (high * PRIME + Math.floor(product / 2 ** 32) + ((low ^ byte) << 8)) >>> 0;
    low = product >>> 0;
  }
  return { low, high };
}
