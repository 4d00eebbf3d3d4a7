// What the text as the cache says, in English.
import { numbersIn } from '../../measure/numbers.js';

const { counted, measured, size } = numbersIn('en');
const tokens = (/** @type {number} */ count) => `${counted(count)} token${count === 1 ? '' : 's'}`;
/** What was done so often. */
const times = (/** @type {string} */ done, /** @type {number} */ count) => {
  if (count === 0) return `never ${done}`;
  return count === 1 ? `${done} once` : `${done} ${counted(count)} times`;
};

/**
 * @typedef {'new' | 'read' | 'kept' | 'again' | 'past'} Deed
 * @typedef {{ total: number } & Record<'new' | 'again' | 'kept' | 'past', number>} Counts  of tokens; kept:
 *   from an earlier run
 * @typedef {object} Filled  the formula with its numbers
 * @property {number} layers
 * @property {number} heads
 * @property {number} numbers  of a key or value
 * @property {number} each     bytes of one of them
 * @property {number} scale    bytes of what they have in common, 0 for none
 * @property {number} bytes
 */

export const text = {
  title: 'The text is the cache',
  means: 'Every token has a key and a value in each layer, K and V. The line under it tells what the newest '
    + 'step did with them.',
  empty: 'A run marks its tokens here.',
  group: 'Text, token by token',
  point: 'Point at a token, or go there with Tab and the arrow keys.',
  /** Beside the number of tokens. */
  deeds: {
    new: 'new: just computed',
    read: 'read from the cache',
    kept: 'read, kept from an earlier run',
    again: 'computed again',
    past: 'not read any more: no token to come sees it',
  },
  prompt: (/** @type {Counts} */ { new: fresh, kept, past }) => (
    `Reading the prompt computed K and V of ${tokens(fresh)}.`
      + `${kept + past > 0 ? ` Those of ${counted(kept + past)} were still there.` : ''}`),
  /** Of a model with an encoder. source: its tokens; kept: it was read in an earlier run */
  source: (/** @type {number} */ source, /** @type {boolean} */ kept, /** @type {Counts} */ { total }) => (
    `The encoder ${kept ? 'has read this source before' : 'read the source, once'}: ${tokens(source)}. `
      + `The text begins with ${tokens(total)}.`),
  on: (/** @type {number} */ step, /** @type {Counts} */ { total, again, past }) => (
    `Step ${counted(step)} computed K and V of one token and read those of `
      + `${counted(total - 1 - again - past)}.`
      + `${again > 0 ? ` Before, the cache took in the ${counted(again)} it had missed.` : ''}`),
  /** Where some layers have a window. */
  windows: (/** @type {number} */ layers, /** @type {number} */ seen) => (
    `In ${counted(layers)} ${layers === 1 ? 'layer' : 'layers'} with a window, it saw only the newest `
      + `${tokens(seen)}.`),
  off: (/** @type {number} */ step, /** @type {Counts} */ { total }) => (
    `Step ${counted(step)} computed K and V of all ${tokens(total)} and threw them away.`),
  /** What the cache holds; idle: nothing reads it. */
  holds: (/** @type {number} */ held, /** @type {number} */ bytes, /** @type {boolean} */ idle) => {
    if (held === 0) return 'The cache is empty.';
    return `The cache holds ${tokens(held)}, ${size(bytes)}${idle ? ', which nothing reads' : ''}.`;
  },
  raced: '(of the race, the text with the cache)',

  /** Of one token. */
  token: {
    group: 'One token',
    /** position: counted from 1 */
    at: (/** @type {number} */ position, /** @type {number} */ total, id = NaN) => (
      `position ${counted(position)} of ${counted(total)}${id >= 0 ? `, id ${id}` : ''}`),
    blank: '(a part of a character)',
    deeds: {
      new: 'New: the newest step computed its K and V.',
      read: 'The newest step read its K and V from the cache.',
      kept: 'The newest step read its K and V, kept from an earlier run.',
      again: 'The newest step computed its K and V again.',
      past: 'The newest step did not read its K and V, and no token to come will.',
    },
    tale: (/** @type {number} */ computed, /** @type {number} */ read) => (
      `In this run: ${times('computed', computed)}, ${times('read from the cache', read)}.`),
    bytes: (/** @type {Filled} */ { layers, heads, numbers, each, scale, bytes }) => {
      const plain = `${counted(numbers)} numbers × ${counted(each)} byte${each === 1 ? '' : 's'}`;
      const vector = scale > 0 ? `(${plain} + ${counted(scale)} bytes)` : plain;
      return `2 (K and V) × ${counted(layers)} layers × ${counted(heads)} `
        + `${heads === 1 ? 'head' : 'heads'} × ${vector} = `
        + `${counted(bytes)} bytes a token.`;
    },
    layer: 'Layer',
    head: 'Head',
    /** Of K or V: its numbers go from least to most. */
    vector: (/** @type {'K' | 'V'} */ name, /** @type {number} */ count, /** @type {number} */ least,
      /** @type {number} */ most) => (
      `${name}: ${counted(count)} numbers from ${measured(least)} to ${measured(most)}`),
    /** Why there are no numbers. */
    none: {
      running: 'Its numbers stand here when the run has ended or you point at a token.',
      unkept: 'Its K and V are not in the cache: while it is off, they are thrown away. Switch it on to see '
        + 'them.',
      freed: 'Its K and V have left the cache of this layer: no token to come sees them.',
      /** bytes: of the download; 0: nothing, or not known */
      recorded: (/** @type {number} */ bytes) => (
        'The numbers themselves were not recorded: press Generate once to look at them'
          + `${bytes > 0 ? ` (${size(bytes)})` : ''}.`),
      away: 'The engine holds another text now: press Generate to look into this one.',
    },
    caption: 'K and V of this token',
    number: 'Number',
  },
};
