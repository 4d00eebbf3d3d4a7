// What is said where another model is chosen, in English.
import { numbersIn } from '../../measure/numbers.js';

const { counted, measured, megabytes } = numbersIn('en');

/**
 * @typedef {object} Sizes
 * @property {string} kind       of architecture, as its files call it
 * @property {number} parameters
 * @property {number} layers
 * @property {number} heads      of queries
 * @property {number} shared     of keys and values
 * @property {number} numbers    of a head
 * @property {number} vocabulary
 * @property {number} positions
 */

/** @param {number} count */
const millions = (count) => (
  count < 1e6 ? counted(Math.round(count)) : `${measured(count / 1e6)} million`);

export const choice = {
  shipped: 'One of our two storytellers',
  /** Of each, what it is. */
  each: {
    stories: 'stories, a GPT-2: a table says where each token stands',
    tales: 'tales, a Llama: keys and queries are turned instead, and three heads share one K and V',
  },
  downloads: (/** @type {number} */ bytes) => `downloads ${megabytes(bytes)}`,
  absent: 'This build of one file has only the first inside. The second is in those that have files beside '
    + 'them.',
  goOn: {
    label: 'Go on past the context',
    help: 'When the cache is full, its oldest page of 16 tokens goes, but never the first one: the story '
      + 'goes on, and memory stands still. What stays was computed with what has gone in sight, so this is '
      + 'not the same as reading the rest anew.',
    cannot: 'This model has a number for each of its positions, and none for what comes after: it must '
      + 'stop there. Models that turn keys and queries by their positions, as tales does, can go on.',
  },
  means: 'A small language model of your own, such as SmolLM2-135M, Qwen3-0.6B or TinyStories-33M: its '
    + 'config.json, tokenizer.json and model.safetensors. Drop them or their folder anywhere on this figure, '
    + 'or choose them. They are read on your machine and go nowhere else.',
  files: 'Choose its files',
  folder: 'Choose its folder',
  address: 'Or the address of a folder with these files',
  example: 'https://huggingface.co/HuggingFaceTB/SmolLM2-135M/resolve/main/',
  addressMeans: 'Your browser fetches them from there.',
  look: 'Look at it',
  weighing: 'Reading its sizes.',
  refused: 'This model cannot be used.',
  group: 'The model that was chosen',
  sizes: (/** @type {Sizes} */ { kind, parameters, layers, heads, shared, numbers, vocabulary,
    positions }) => (
    `${kind}, ${millions(parameters)} parameters: ${counted(layers)} layers, ${counted(heads)} heads of `
      + `${counted(numbers)} numbers`
      + `${shared < heads ? `, which share ${counted(shared)} of K and V` : ''}, a vocabulary of `
      + `${counted(vocabulary)} tokens, texts of up to ${counted(positions)}.`),
  windows: (/** @type {number} */ layers, /** @type {number} */ seen) => (
    `In ${layers === 1 ? '1 layer' : `${counted(layers)} layers`} a token sees only the newest `
      + `${counted(seen)}, through a window.`),
  perToken: (/** @type {string} */ size) => `Each token takes ${size} in its cache.`,
  weights: 'Keep its weights in',
  kinds: {
    f32: (/** @type {string} */ size) => `32 bits, exactly: ${size} of memory`,
    int8: (/** @type {string} */ size) => `8 bits, a little less accurate: ${size} of memory`,
  },
  /** Instead of a size that is not known. */
  huge: 'more than 4 GB',
  tooLarge: (/** @type {string} */ size) => `too much: a page may use ${size}`,
  none: 'It is too large for a page either way. Choose a smaller one.',
  use: (/** @type {string} */ name, /** @type {number} */ bytes) => (
    `Use ${name}${bytes > 0 ? ` (download ${megabytes(bytes)})` : ''}`),
  keep: 'Keep it on this device',
  keepMeans: (/** @type {string} */ size) => (
    `It loads without a download then, and without a network. It takes ${size} of what your browser `
      + 'stores for this site.'),
  kept: (/** @type {string} */ day) => `It has been on this device since ${day}: nothing is downloaded.`,
  cannotKeep: 'Your browser stores nothing for this page: it may be in a private window, in a frame without '
    + 'rights, or at an address without https.',
  notKept: {
    unavailable: 'It is not kept: your browser stores nothing for this page.',
    quota: 'It is not kept: your browser gives this site no more room. Remove another model, or make room.',
    failed: 'It is not kept: your browser could not store it.',
  },
  here: 'On this device',
  inAll: (/** @type {number} */ models, /** @type {string} */ size) => `${counted(models)} models, ${size}`,
  since: (/** @type {string} */ size, /** @type {string} */ day) => `${size}, since ${day}`,
  load: 'Load',
  loadIt: (/** @type {string} */ name) => `Load ${name}`,
  remove: 'Remove',
  removeIt: (/** @type {string} */ name) => `Remove ${name}`,
  removeAll: (/** @type {string} */ size) => `Remove all (${size})`,
  removing: 'Removing it.',
  removed: (/** @type {string} */ size) => `Removed: ${size} of this device are free again.`,
  mayGo: 'Your browser may drop them when the device is short of room.',
  inUse: (/** @type {string} */ name) => `The figure has ${name} now.`,
  ignored: (/** @type {string} */ settings) => (
    `Its generation_config.json asks for more than is done here: ${settings}.`),
  links: (/** @type {string} */ name) => `Links and code that you copy lead to ${name}.`,
  back: (/** @type {string} */ name) => `Back to ${name}`,
};
