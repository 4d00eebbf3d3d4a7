// What the calculator of cache sizes says, in English.
import { numbersIn } from '../../measure/numbers.js';

const { counted, measured, size } = numbersIn('en');
const some = (/** @type {number} */ count, /** @type {string} */ name) => (
  `${counted(count)} ${name}${count === 1 ? '' : 's'}`);

/**
 * @import { Stored } from '../../cache/types.js'
 *
 * @typedef {{ layers: number, tokens: number }} Part
 *
 * @typedef {object} Filled  the formula with its numbers
 * @property {readonly Part[]} parts
 * @property {number} heads
 * @property {number} numbers   of a key or value
 * @property {number} each      bytes of one of them
 * @property {number} scale     bytes of what they have in common, 0 for none
 * @property {number} texts
 * @property {number} bytes
 */

export const calculator = {
  title: 'How large does a KV cache get?',
  lead: 'Every token leaves one key and one value in every layer, for every head of K and V. All of it is '
    + 'computed from the sizes of the models; nothing here is measured.',
  fields: {
    tokens: 'Tokens in a text',
    texts: 'Texts at once (batch)',
    type: 'Numbers stored as',
    shared: 'Shared heads (GQA), where the model has them',
    windowed: 'Sliding window, where the model has one',
  },
  type: (/** @type {string} */ type, /** @type {Stored} */ { each, scale, block }) => {
    const shared = block === Infinity ? 'a scale' : `a scale for ${counted(block)}`;
    return `${type}, ${some(each, 'byte')}${scale > 0 ? ` and ${shared}` : ''}`;
  },
  caption: 'Size of the KV cache by model',
  model: 'Model',
  perToken: 'One more token',
  whole: 'Whole cache',
  own: 'The model of this page',
  atMost: (/** @type {number} */ tokens) => `takes ${counted(tokens)} tokens at most`,
  formula: (/** @type {Filled} */ { parts, heads, numbers, each, scale, texts, bytes }) => {
    const slots = parts.map(({ layers, tokens }) => `${some(layers, 'layer')} × ${some(tokens, 'token')}`);
    const inside = slots.length > 1 ? `(${slots.join(' + ')})` : slots[0];
    const plain = `${counted(numbers)} numbers × ${some(each, 'byte')}`;
    const vector = scale > 0 ? `(${plain} + ${counted(scale)} bytes)` : plain;
    return `2 (K and V) × ${inside} × ${some(heads, 'head')} × ${vector} × ${some(texts, 'text')} = `
      + `${counted(bytes)} bytes = ${size(bytes)}`;
  },
  /** What the two switches change: times as much without them. */
  unshared: (/** @type {number} */ heads, /** @type {number} */ kept) => (
    `Its ${counted(heads)} heads of queries share ${some(kept, 'head')} of K and V: otherwise the cache `
      + `would be ${counted(heads / kept)} times as large.`),
  separate: 'Every head of queries has its own K and V (MHA).',
  window: (/** @type {number} */ layers, /** @type {number} */ tokens) => (
    `In ${some(layers, 'layer')} a token sees only the newest ${some(tokens, 'token')}: older ones need not `
      + 'be kept there. (This engine has room for two windows and a little, in pages of 16.)'),
  /** Of a model with an encoder: what a token of its source takes. */
  cross: (/** @type {number} */ bytes) => (
    `K and V of the source, which the model keeps as well, are not counted here: ${size(bytes)} for each `
      + 'token of it.'),

  byType: (/** @type {string} */ model) => `${model}: the same cache in every type`,
  stored: 'Stored as',
  ofFirst: 'Share',
  percent: (/** @type {number} */ share) => `${measured(100 * share)} %`,
  cost: 'What rounding costs in speed and in words is measured, not computed: the benchmark does it.',

  claims: {
    title: 'Numbers that are copied from page to page',
    right: 'Right',
    gpt2: {
      of: 'GPT-2, 1,024 tokens, 4 bytes a number',
      why: 'The factor 2 was left out: there are keys and values.',
    },
    gpt3: {
      of: 'GPT-3, 2,048 tokens, 4 bytes a number',
      why: 'A quarter of it: even with 2 bytes a number it is half of the right one. One single token takes '
        + '4.7 MB then.',
    },
    share: {
      of: 'the cache, beside the weights',
      why: 'This is GPT-2 with a full context. It grows with every token and every text, so there is no such '
        + 'number.',
    },
    width: {
      of: 'Llama 3.1 70B, 128K tokens, 2 bytes a number',
      why: 'The formula with the model’s width counts 64 heads; only 8 have keys and values.',
    },
    layers: {
      of: 'Llama 2 70B with GQA, one token',
      why: 'That is what 16 layers take; the model has 80.',
    },
    redundant: {
      of: '100 tokens without a cache',
      why: '5,050 is the sum of 1 to 100; 100 of those have to be computed, with the cache too.',
    },
  },
};
