// What the benchmark says of its figures, in English.
import { architecture } from '../../measure/figures.js';
import { numbersIn } from '../../measure/numbers.js';

/**
 * @import { Config } from '../../config/config.js'
 * @import { Machine } from '../benchmark.js'
 *
 * @typedef {'f32' | 'int8'} Weights
 * @typedef {{ date: string, machine: Machine, build: string, config: Readonly<Config> }} Where  and when, and
 * what
 */

const { counted, measured } = numbersIn('en');
const bits = { f32: 'weights of 32 bits', int8: 'weights of 8 bits' };

export const figures = {
  title: 'How fast is your machine?',
  lead: 'A benchmark of this model, in this browser: reading and writing, with the cache and without, '
    + 'after 64, 256 and 1,000 tokens, with weights of 32 bits and of 8; how near that comes to what '
    + 'your machine can do at all; and what a cache of smaller numbers costs.',
  encoder: 'The model that you have chosen has an encoder. This benchmark measures models that go on with a '
    + 'prompt; benchmarkSources() of the package measures the others.',
  measure: (/** @type {number} */ seconds) => `Measure (about ${seconds} seconds)`,
  legend: 'Bars: tokens written per second, all on one scale; the line under a bar goes from the least '
    + 'to the greatest of the repetitions. Tables: the median, with the least and the greatest below it.',
  after: (/** @type {number} */ context) => `After ${counted(context)} tokens`,
  timesAsFast: (/** @type {number} */ times) => `${measured(times)} times as fast`,
  leftOut: 'left out, it takes too long',
  tokens: (/** @type {number} */ context) => `${counted(context)} tokens`,
  weights: { f32: 'Weights of 32 bits (f32)', int8: 'Weights of 8 bits (int8)' },
  about: 'about',
  lines: {
    prefill: 'Prefill',
    cached: 'Decode, cache on',
    uncached: 'Decode, cache off',
    ofPeak: 'of the peak',
    ofBandwidth: 'of the bandwidth',
    reads: 'A token reads',
    multiplies: 'and multiplies',
    bandwidth: 'The bandwidth',
    peak: 'The peak',
  },
  units: { rate: 'tokens/s', bytes: 'MB', operations: 'M times', byteRate: 'GB/s', operationRate: 'G/s' },
  caches: {
    title: 'Types of cache',
    means: (/** @type {number} */ context, /** @type {number} */ tokens) => (
      `A text of ${counted(tokens)} tokens, which the model has written, read with a cache of each type and `
        + `held against f32; then writing after ${counted(context)} tokens, in turns. Narrow numbers save `
        + 'memory and round: that is why this page uses f32.'),
    type: 'Stored as',
    kept: 'A token keeps',
    decode: 'Tokens/s',
    same: 'Same likeliest token',
    kl: 'KL divergence (nats)',
    exact: 'always',
    share: (/** @type {number} */ share) => `${measured(100 * share)} %`,
  },
  equal: 'Equal',
  equalRest: ': with the cache and without, wherever both were measured, in every repetition, the model’s '
    + 'numbers were the same to the last bit.',
  notLoaded: (/** @type {Weights} */ weights) => (
    `Not measured: the model could not be loaded with ${bits[weights]}.`),
  remarks: {
    stopped: 'Stopped before the end.',
    hidden: 'The tab was hidden for a while: browsers slow such tabs down.',
    failed: 'It failed before the end:',
  },
  place: (/** @type {Where} */ { date, machine: { browser, system, logicalCores }, build, config }) => {
    const cores = logicalCores ? `, ${logicalCores} logical cores` : '';
    const machine = `${browser}${system ? ` on ${system}` : ''}${cores}, as the browser tells`;
    const kind = architecture(config);
    const { nLayer, nEmbd, nHead, vocabSize } = config;
    const shape = `${nLayer} layers, width ${nEmbd}, ${nHead} heads, vocabulary ${counted(vocabSize)}`;
    const time = `${date.slice(0, 16).replace('T', ' at ')} UTC`;
    return `Measured on ${time}: ${machine}; one thread, ${build} build; ${kind} with ${shape}.`;
  },

  // To take them away.
  copyMarkdown: 'Copy as Markdown',
  copyJson: 'Copy as JSON',
  copied: (/** @type {string} */ kind) => `Copied as ${kind}.`,

  how: 'How it is measured',
  method: [
    'In turns: a step without the cache, reading the whole context in one pass (prefill), writing '
      + 'after it with the cache; and the same again. In between, piece by piece, multiplying and adding '
      + 'and reading memory. Whatever slows your machine for a moment slows all of them. A first round is '
      + 'left out.',
    'Every figure is at least 60 ms of computing in one thread, the page’s background worker. A pass '
      + 'over the whole context that would take longer than 1.5 s is left out.',
    '“Of the bandwidth”: the bytes that a token reads, weights and cache, over those that this '
      + 'browser could have read in that time from a buffer as large as the weights.',
    '“Of the peak”: multiplications and additions over those that could have been done in that time '
      + 'in registers, of 32-bit numbers or, for 8-bit weights, of small integers. Getting the numbers '
      + 'there costs time as well. A share a little above is measuring error and shown as about 100 %; one '
      + 'further above was disturbed and is left out.',
    'Of caches: the same likeliest token and the KL divergence (of the next token’s probabilities from '
      + 'those with f32) are averages over the text. It is a text of the model’s own, drawn without any '
      + 'filter; with other texts they are a little different.',
    'With the cache and without, and in every repetition, the model’s output has to be the same to '
      + 'the last bit. If it is not, no figure is shown.',
  ],
  /** Follows the command `npm run bench`. */
  bench: ' measures with the same code outside of the browser, and more.',
};
