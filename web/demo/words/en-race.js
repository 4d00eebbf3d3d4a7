// What the race says, in English.
import { numbersIn } from '../../measure/numbers.js';

const { counted, measured, megabytes } = numbersIn('en');
const tokens = (/** @type {number} */ count) => `${counted(count)} token${count === 1 ? '' : 's'}`;
const seconds = (/** @type {number} */ ms) => `${measured(ms / 1000)} s`;

/** @typedef {{ on: number, off: number }} Both  with the cache, and without it */

export const race = {
  title: 'The same story twice, side by side',
  means: 'One writer has a cache and one has none. They start at the same moment, on this machine, with the '
    + 'same prompt and seed, and each token of the one is compared with that of the other.',
  start: 'Start the race',
  again: 'Race again',
  stop: 'Stop',
  /** bytes: of the download; memory: of the second model; 0: nothing, or not known */
  needs: (/** @type {number} */ bytes, /** @type {number} */ memory) => [
    ...(bytes > 0 ? [`Downloads ${megabytes(bytes)}.`] : []),
    `The second writer has a copy of the model${memory > 0 ? `, ${megabytes(memory, 0)} of memory` : ''}.`,
  ].join(' '),
  blocked: 'It can start when the other run has ended.',
  empty: 'Nothing was raced yet.',
  same: (/** @type {number} */ count) => `Up to here, both wrote the same ${tokens(count)}.`,
  stopped: (/** @type {number} */ count) => (
    `Stopped. As far as both had come, they wrote the same ${tokens(count)}.`),
  differ: (/** @type {number} */ number) => (
    `The two texts differ from token ${counted(number)} on. This should not be: please report it.`),
  /** times: as fast; fewer: multiply-adds, times */
  finished: (/** @type {number} */ count, /** @type {number} */ times, /** @type {number} */ fewer) => (
    `Both wrote the same ${tokens(count)}. With the cache it was done ${measured(times)} times as fast, with `
      + `${measured(fewer)} times fewer multiply-adds.`),
  /** Why the two differ; nanoseconds; together: tokens. */
  one: (/** @type {Both} */ { on, off }, /** @type {number} */ together) => (
    `A multiply-add took ${measured(on)} ns with the cache and ${measured(off)} ns without: with it, each `
      + `weight that is loaded serves one token; without it, ${measured(together)} tokens at once, on `
      + 'average.'),
  /** The other way round: no reason is known. */
  other: (/** @type {Both} */ { on, off }) => (
    `A multiply-add took ${measured(on)} ns with the cache and ${measured(off)} ns without.`),
  /** Milliseconds beside computing tokens; share: of the time with the cache, in percent. */
  besides: (/** @type {Both} */ { on, off }, /** @type {number} */ share) => (
    `Reading, proving what was read and handing tokens out took ${seconds(on)} with the cache and `
      + `${seconds(off)} without; of the short time with it that is ${measured(share)} %.`),
  time: 'Time',
  work: 'Multiply-adds',
  seconds,
  /** In billions. */
  operations: (/** @type {number} */ count) => `${measured(count / 1e9)} bn`,
  ratio: {
    time: (/** @type {number} */ times) => `${measured(times)} times as fast`,
    work: (/** @type {number} */ times) => `${measured(times)} times fewer`,
  },
  table: {
    caption: 'The race in numbers',
    what: 'What',
    ratio: 'Off : on',
    time: 'From start to end',
    tokens: 'Tokens written',
    computing: 'Of that, computing tokens',
    rows: 'Tokens that ran through the model',
    work: 'Multiply-adds',
    each: 'Time for one of them',
    nanoseconds: (/** @type {number} */ ns) => `${measured(ns)} ns`,
  },
};
