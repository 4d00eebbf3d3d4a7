// What the view of sounds says, in English.
import { numbersIn } from '../../measure/numbers.js';

/** @import { Problem } from '../sounds.js' */

const { counted, day, measured, megabytes, share: percent, size } = numbersIn('en');

/** @typedef {'both' | 'self' | 'cross' | 'none'} WayKey  the caches that are on */

/**
 * @typedef {object} LookFacts  where a step looked
 * @property {string} [sound]  that came of it; absent: the end
 * @property {{ letter?: string, share: number }[]} letters  the most first; without a letter: the end
 * @property {number} layer
 * @property {number} head
 *
 * @typedef {object} SameFacts
 * @property {number} steps
 * @property {number} ways  that were tried
 * @property {string} hash  of the last logits
 */

const times = (/** @type {number} */ factor) => `${measured(factor, 0.05)} times`;
const plural = (/** @type {number} */ n, /** @type {string} */ one, many = `${one}s`) => (
  `${counted(n)} ${n === 1 ? one : many}`);
const million = (/** @type {number} */ macs) => `${measured(macs / 1e6)} million`;
const milliseconds = (/** @type {number} */ ms) => `${measured(ms, 0.05)}\u00a0ms`;
/** @type {Record<WayKey, string>} */
const without = {
  both: '', self: 'Without the cross cache', cross: 'Without the self cache', none: 'With neither',
};

export const sounds = {
  title: 'A second cache: from letters to sounds',
  means: 'This model has two stacks. The encoder reads the letters once; the decoder says one sound after '
    + 'the other, and for each looks back at the sounds so far and at all letters. So there are two caches.',
  word: 'An English word',
  go: 'Pronounce',
  stop: 'Stop',
  skip: 'Show all of it',
  downloads: (/** @type {number} */ bytes) => `downloads ${megabytes(bytes)}`,
  examples: 'Words to try',
  switches: 'Caches',
  cross: 'Cross cache',
  self: 'Self cache',
  on: 'on',
  off: 'off',

  // What it is doing, and what to do next.
  /** day: as in 2026-11-25; machine: as in "laptop of 2024, 8 cores" */
  recorded: (/** @type {string} */ date, /** @type {string} */ machine) => (
    `Recorded ${day(date)}: ${machine}. Press Pronounce to run it here, with this word or another: the model `
      + 'comes from this site then. It is small: of words that it has never seen, about one in four gets a '
      + 'wrong sound.'),
  loading: (/** @type {number} */ bytes, /** @type {number} */ total) => (
    total > 0 ? `Loading: ${megabytes(bytes)} of ${megabytes(total)}.` : `Loading: ${megabytes(bytes)}.`),
  measuring: 'Computing each sound many times, until the clock can tell how long one takes.',
  /** isReading: the letters */
  slow: (/** @type {number} */ slowness, /** @type {boolean} */ isReading) => (
    `${isReading ? 'The encoder reads the letters. ' : ''}In slow motion: ${counted(slowness)} times slower `
      + 'than your machine computes it.'),
  next: 'Now switch the cross cache off: the same word, with K and V of all letters computed again for each '
    + 'sound.',
  best: 'With both caches. Try a longer word: the longer it is, the more they spare.',
  payoff: (/** @type {WayKey} */ way, /** @type {number} */ ms, /** @type {number} */ macs) => (
    `${without[way]}, the sounds take ${times(macs)} the multiply-adds and ${times(ms)} the time, and are `
      + `the `
      + 'same.'),
  differs: 'The sounds are not the same. Please report this.',
  problems: /** @type {Record<Problem['what'], (letter: string) => string>} */ ({
    empty: () => 'Type a word first.',
    words: () => 'One word at a time, please.',
    long: () => 'This word is too long: 28 letters at most.',
    letters: (letter) => `The model knows a to z, ' . and -, but not “${letter}”.`,
  }),

  // The drawing.
  start: 'start',
  end: 'end',
  crossLabel: 'cross cache',
  selfLabel: 'self cache',
  steps: 'Sound whose look is shown',
  step: (/** @type {number} */ step, /** @type {number} */ steps, /** @type {string} */ sound) => (
    `${counted(step)} of ${counted(steps)}: ${sound}`),
  ms: milliseconds,
  looks: (/** @type {LookFacts} */ { sound, letters, layer, head }) => {
    const read = letters.map(({ letter, share }) => (
      `${letter ? `“${letter}”` : 'the mark of the end'} (${percent(share)})`)).join(', ');
    const who = sound ? `For /${sound}/` : 'To find that the word has ended';
    return `${who}, head ${counted(head)} of layer ${counted(layer)} looks at ${read || 'no letter much'}.`;
  },
  heads: 'Look through another of its heads',
  headsMean: 'One picture a head: what it reads for this sound, letter by letter. You begin with the head '
    + 'that goes through the letters most clearly.',
  headGroup: 'Layer and head',
  layer: (/** @type {number} */ layer) => `layer ${counted(layer)}`,
  head: (/** @type {number} */ layer, /** @type {number} */ head) => (
    `Layer ${counted(layer)}, head ${counted(head)}`),

  // What the caches do.
  crossOn: (/** @type {number} */ letters, /** @type {number} */ bytes, /** @type {number} */ read) => (
    `Cross cache: K and V of ${plural(letters, 'letter')} and the end, ${size(bytes)}. Filled once`
      + `${read > 0 ? `, read ${plural(read, 'time')}` : ''}.`),
  crossOff: (/** @type {number} */ letters, /** @type {number} */ projected) => (
    `Cross cache off: K and V of ${plural(letters, 'letter')} and the end, `
      + `${projected > 0 ? `computed ${plural(projected, 'time')}` : 'not computed yet'}.`),
  selfOn: (/** @type {number} */ rows, /** @type {number} */ bytes) => (
    rows === 0 ? 'Self cache: empty, since nothing was said yet.'
      : `Self cache: K and V of what was said, ${size(bytes)}. ${plural(rows, 'row')}, each computed once.`),
  selfOff: (/** @type {number} */ rows, /** @type {number} */ steps) => (
    `Self cache off: K and V of what was said, computed ${plural(rows, 'time')} for `
      + `${plural(steps, 'row')}.`),

  // What it costs.
  costs: 'What all sounds together cost',
  ways: /** @type {Record<WayKey, string>} */ ({
    both: 'both caches', self: 'cross cache off', cross: 'self cache off', none: 'both off',
  }),
  caches: 'Caches',
  time: 'Time',
  macs: 'Multiply-adds',
  factor: (/** @type {number} */ factor) => `×\u00a0${measured(factor, 0.05)}`,
  million,
  /** fill: of the multiply-adds, those for the cross cache */
  reading: (/** @type {number} */ ms, /** @type {number} */ macs, /** @type {number} */ fill) => (
    `Before the first sound, once: reading the letters, ${milliseconds(ms)} and ${million(macs)} `
      + `multiply-adds, of which ${million(fill)} fill the cross cache. Times are those of the fastest of `
      + `three `
      + 'bursts.'),
  same: (/** @type {SameFacts} */ { steps, ways, hash }) => (
    `Equal: in ${plural(steps, 'step')} and ${plural(ways, 'way')}, not one bit of the output numbers `
      + `differs (last hash ${hash}).`),
  once: 'Flip a switch, and the same word is computed again: here stands whether a bit has changed.',
  different: 'Different output numbers. Please report this.',
  table: {
    caption: 'Each sound, the letters it was taken from, and its cost with the caches as they stand',
    sound: 'Sound',
    letters: 'Letters',
    time: 'Time',
    macs: 'Multiply-adds',
    share: (/** @type {string} */ letter, /** @type {number} */ share) => `${letter} ${percent(share)}`,
  },
};
