// What a token reads: one row of attention weights for each head, and what is to be seen of it. Pure.
import { gapAt } from './sliding.js';

/**
 * @import { Window } from '../config/window.js'
 * @import { Seen } from '../worker/messages.js'
 * @import { Slide } from './sliding.js'
 * @import { LensFacts } from './words/en-lens.js'
 */

/**
 * @typedef {NonNullable<Seen['attention']>} Attention
 * @typedef {{ layer: number, head: number }} Head
 *
 * @typedef {object} Read  what the token at a position reads
 * @property {number} position
 * @property {Float32Array} weights  [position + 1]
 *
 * @typedef {{ position: number, weight: number }} Weighed
 */

/** Strengths of a mark that can be told apart, besides none. */
export const LEVELS = 24;

const MOST_NUMBERS = 2 ** 18; // in one answer
const BARS = 12;              // of a head's small picture
const LEAST_NAMED = 0.02;     // a share that is written beside its token
const MOST_NAMED = 5;
const ENOUGH_LOOKS = 8;
const APART = 8;              // characters from one number to the next

/**
 * How much of a mark is filled, from 0 to LEVELS: its root, so that one percent is seen as well. The whole is
 * a weight of 1, whichever row it is in.
 * @param {number} weight
 */
export const levelOf = (weight) => Math.round(LEVELS * Math.sqrt(weight));

/**
 * Which heads to ask for: all of them, unless that is too much, as of a large model.
 * @param {Head} counts  of them  @param {Head} chosen  @param {number} position
 */
export const headsFor = ({ layer: layers, head: heads }, { layer, head }, position) => (
  layers * heads * (position + 1) <= MOST_NUMBERS ? {} : { layers: [layer], heads: [head] });

/** @param {{ nLayer: number, nHead: number }} sizes  @param {Head} head */
export const hasHead = ({ nLayer, nHead }, { layer, head }) => layer < nLayer && head < nHead;

/**
 * The head to begin with: of all that were seen so far, the one that gives the most to one token further back
 * than the one before, and not the first.
 */
export class TellingHead {
  /** @type {Map<string, { head: Head, sum: number }>} */
  #sums = new Map();
  #looks = 0;

  /** Enough was seen, and it stays with this head. */
  get isSettled() { return this.#looks >= ENOUGH_LOOKS; }

  /** @param {Attention} attention  @returns {Head} */
  after(attention) {
    this.#looks++;
    for (const layer of attention.layers) {
      for (const head of attention.heads) {
        const row = /** @type {Float32Array} */ (rowOf(attention, { layer, head }));
        const key = `${layer} ${head}`;
        const { sum } = this.#sums.get(key) ?? { sum: 0 };
        this.#sums.set(key, { head: { layer, head }, sum: sum + greatest(row.subarray(1, -2)) });
      }
    }
    return [...this.#sums.values()].reduce((best, each) => (each.sum > best.sum ? each : best)).head;
  }
}

/** @param {Float32Array} weights */
const greatest = (weights) => weights.reduce((most, weight) => Math.max(most, weight), 0);

/** The row of a head, if it was asked for. @param {Attention} attention  @param {Head} head */
export function rowOf({ position, layers, heads, weights }, { layer, head }) {
  const [l, h] = [layers.indexOf(layer), heads.indexOf(head)];
  if (l < 0 || h < 0) return undefined;
  const first = (l * heads.length + h) * (position + 1);
  return weights.subarray(first, first + position + 1);
}

/** In double: a row has at most rounding errors of its own. @param {ArrayLike<number>} weights */
export function sumOf(weights) {
  let sum = 0;
  for (let i = 0; i < weights.length; i++) sum += weights[i];
  return sum;
}

/**
 * The tokens that are read most, the most first.
 * @param {Float32Array} weights  @param {number} n
 * @returns {Weighed[]}
 */
export function strongest(weights, n) {
  /** @type {Weighed[]} */
  const list = [];
  for (const [position, weight] of weights.entries()) {
    if (list.length === n && weight <= list[n - 1].weight) continue;
    const at = list.findIndex((other) => other.weight < weight);
    list.splice(at < 0 ? list.length : at, 0, { position, weight });
    if (list.length > n) list.pop();
  }
  return list;
}

/**
 * Those of which the share is written above the text, far enough from each other.
 * @param {Float32Array} weights  @param {(position: number) => number} startOf  the characters before a token
 */
export function named(weights, startOf) {
  /** @type {Weighed[]} */
  const chosen = [];
  for (const each of strongest(weights, 3 * MOST_NAMED)) {
    const start = startOf(each.position);
    const isFree = chosen.every(({ position }) => Math.abs(startOf(position) - start) >= APART);
    if (each.weight >= LEAST_NAMED && isFree && chosen.length < MOST_NAMED) chosen.push(each);
  }
  return chosen;
}

/**
 * A head's row as bars that have the same sum: the first token, then equal stretches of all others.
 * @param {ArrayLike<number>} weights
 */
export function barsOf(weights) {
  const bars = new Array(BARS).fill(0);
  const others = weights.length - 1;
  bars[0] = weights[0];
  for (let i = 0; i < others; i++) {
    const bar = others < BARS ? BARS - others + i : 1 + Math.floor((i * (BARS - 1)) / others);
    bars[bar] += weights[i + 1];
  }
  return bars;
}

/**
 * What a row says, in numbers.
 * @param {Read} read  @param {Head} head  @param {(position: number) => string} textOf
 * @param {Readonly<Window>} [window]  of the model
 * @param {Slide} [slide]  as its cache does
 * @returns {LensFacts}
 */
export function factsOf({ position, weights }, { layer, head }, textOf, window, slide) {
  const sees = window?.layers.includes(layer) ? window.size : Infinity;
  const gone = gapAt(position + 1, slide);
  const other = strongest(weights, 3).find((each) => each.position > 0 && each.position < position);
  return {
    text: textOf(position), position: position + 1, reads: Math.min(position + 1, sees),
    seen: position + 1 - (gone.end - gone.first),
    layer: layer + 1, head: head + 1,
    first: weights[0], self: weights[position], sum: sumOf(weights),
    ...(other && { other: {
      text: textOf(other.position), position: other.position + 1, share: other.weight } }),
  };
}
