// K and V of one token, in one layer and head: a bar for each number, up or down.
import { element, put, say, svg } from './dom.js';

/**
 * @typedef {{ keys: Float32Array, values: Float32Array }} Vectors
 * @typedef {(name: 'K' | 'V', numbers: Float32Array) => string} Describe
 */

/** @param {Describe} describe */
export function vectorsPlace(describe) {
  const [keys, values] = [vectorPlace('K', describe), vectorPlace('V', describe)];
  const node = element('div', { class: 'vectors', part: 'vectors' }, keys.node, values.node);
  /** @param {Vectors | undefined} vectors */
  const show = (vectors) => {
    node.hidden = !vectors;
    if (!vectors) return;
    keys.show(vectors.keys);
    values.show(vectors.values);
  };
  return { node, show };
}

/** @param {'K' | 'V'} name  @param {Describe} describe */
function vectorPlace(name, describe) {
  const [bars, zero] = [svg('path'), svg('path', { class: 'zero' })];
  const picture = svg('svg', { preserveAspectRatio: 'none', 'aria-hidden': 'true' }, bars, zero);
  const words = element('p', { class: 'note', part: `vector-${name.toLowerCase()}` });
  /** @param {Float32Array} numbers */
  const show = (numbers) => {
    put(picture, 'viewBox', `0 -1 ${numbers.length} 2`);
    put(bars, 'd', barsOf(numbers));
    put(zero, 'd', `M0 0H${numbers.length}`);
    say(words, describe(name, numbers));
  };
  return { node: element('div', {}, words, picture), show };
}

/**
 * The data of an SVG path: each number is 1 wide, the largest 1 high.
 * @param {Float32Array} numbers
 */
export function barsOf(numbers) {
  const most = Math.max(...numbers.map(Math.abs)) || 1;
  return [...numbers].map((number, i) => (
    `M${i + 0.1} 0v${(-number / most).toFixed(3)}h.8V0z`)).join('');
}
