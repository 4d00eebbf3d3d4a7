// What the view "window" says, in English.
import { numbersIn } from '../../measure/numbers.js';
import { WINDOW_ABSENT } from './window-absent.js';

/** @import { findings } from '../window.js' */

const { counted, measured, megabytes, share: percent, size } = numbersIn('en');

/**
 * @typedef {ReturnType<typeof findings>} Found
 *
 * @typedef {object} StoryFacts
 * @property {number} tokens
 * @property {number} place     where the newest one lies, counted from 1
 * @property {number} capacity
 * @property {number} sinks     0 before anything had to go
 * @property {{ first: number, count: number }} gone
 * @property {number} bytes     of the cache
 * @property {number} whole     of one that keeps all
 *
 * @typedef {{ token: number, last: number, place?: number, turned?: number }} Spot  of a page, from 0
 */

const tokens = (/** @type {number} */ n) => `${counted(n)} token${n === 1 ? '' : 's'}`;
const range = (/** @type {number} */ first, /** @type {number} */ last) => (
  `${counted(first + 1)} to ${counted(last + 1)}`);
const bits = (/** @type {number} */ value) => `${value.toFixed(2)} bits`;

export const window = {
  title: WINDOW_ABSENT.en.title,
  means: 'The cache has few places. When they are full, the oldest page of 16 tokens goes, and the story '
    + 'goes '
    + 'on: memory and speed stand still. The text does not go: only its keys and values do.',
  capacity: 'Places in the cache',
  sinks: 'Keep the first page (sinks)',
  go: 'Write',
  stop: 'Stop',
  downloads: (/** @type {number} */ bytes) => `downloads ${megabytes(bytes)}`,
  text: 'The story. The arrow keys choose a page of it.',

  idle: (/** @type {number} */ count) => (
    `The second storyteller writes ${tokens(count)}, three times as many as it was trained on. `
      + 'It comes from this site once you ask for it.'),
  loading: (/** @type {number} */ bytes, /** @type {number} */ total) => (
    total > 0 ? `Loading: ${megabytes(bytes)} of ${megabytes(total)}.` : `Loading: ${megabytes(bytes)}.`),
  writing: (/** @type {number} */ count, /** @type {number} */ total) => (
    `Writing: ${counted(count)} of ${tokens(total)}.`),
  proving: (/** @type {number} */ count) => (
    `Computing the logits after all ${tokens(count)} once more, without the cache.`),
  stopped: 'Stopped.',
  done: 'Written. Choose another number of places: memory and speed go with it, and so does what is '
    + 'forgotten.',
  empty: 'The text grows, the cache does not.',

  textRail: (/** @type {number} */ count) => `Text: ${tokens(count)}`,
  cacheRail: (/** @type {number} */ places) => `Cache: ${counted(places)} places, in pages of 16`,
  legend: { sink: 'stays: the sinks', held: 'in the cache', gone: 'gone from the cache' },
  says: (/** @type {StoryFacts} */ { tokens: count, place, capacity, sinks, gone, bytes, whole }) => {
    const newest = `Token ${counted(count)} lies at place ${counted(place)} of ${counted(capacity)}.`;
    const took = `The cache holds ${counted(bytes)} bytes`;
    if (gone.count === 0) return `${newest} Nothing had to go yet. ${took}.`;
    const stay = sinks > 0 ? `Tokens 1 to ${counted(sinks)} stay; tokens` : 'Tokens';
    return `${newest} ${stay} ${range(gone.first, gone.first + gone.count - 1)} are gone. ${took}; `
      + `with all tokens it would be ${counted(whole)}, ${measured(whole / bytes)} times as many.`;
  },
  /** A page that is looked at. */
  spot: (/** @type {Spot} */ { token, last, place, turned }) => {
    const which = `Tokens ${range(token, last)} of the text`;
    if (place === undefined || turned === undefined) {
      return `${which} are gone: no key and no value of them is left. What was read while they were there `
        + 'still carries their trace.';
    }
    const moved = turned === place ? 'where they were written'
      : `written at ${range(turned, turned + last - token)}`;
    return `${which} lie at the places ${range(place, place + last - token)}, ${moved}.`;
  },
  speed: (/** @type {number} */ first, /** @type {number} */ second) => (
    `Measured: ${measured(first, 0.05)} tokens per second in the first half of the text, `
      + `${measured(second, 0.05)} in the second.`),
  equal: 'Equal',
  equalRest: (/** @type {number} */ count, /** @type {string} */ hash) => (
    `: after all ${tokens(count)} the logits with the cache and without it are the same to the last bit `
      + `(${hash}).`),
  different: 'Different',
  differentRest: ': the logits with the cache and without it are not the same. Please report this.',
  charts: {
    memory: 'Bytes of the cache', speed: 'Tokens per second',
    window: 'this cache', whole: 'all tokens', here: 'cache full',
    trained: 'trained length', fast: 'measured, each over 256 tokens',
    size,
    memorySaid: (/** @type {number} */ most, /** @type {number} */ whole) => (
      `The bytes of this cache rise to ${size(most)} and stay there; with all tokens it would be `
        + `${size(whole)}.`),
    speedSaid: (/** @type {number} */ least, /** @type {number} */ most) => (
      `Between ${measured(least, 0.05)} and ${measured(most, 0.05)} tokens per second in every stretch.`),
  },
  table: {
    caption: 'The story so far', tokens: 'Tokens', held: 'In the cache', bytes: 'Bytes',
    whole: 'Bytes with all tokens', rate: 'Tokens per second',
    number: counted,
    speed: (/** @type {number} */ rate) => measured(rate, 0.05),
  },

  losses: {
    title: 'What does it forget?',
    means: 'The same model reads a chapter that it has never seen (Anne of Green Gables, III), with sinks, '
      + 'without, and with a cache that keeps all. How many bits does it take, on average, to guess the next '
      + 'token? Fewer is better.',
    measure: 'Measure on a chapter',
    stop: 'Stop',
    ways: { sinks: 'window with sinks', plain: 'window without sinks', whole: 'all tokens kept' },
    reading: (/** @type {string} */ way, /** @type {number} */ share) => (
      `Reading: ${way}, ${percent(share)} of it all done.`),
    axis: 'Bits per token, each point over 128 tokens',
    bits: (/** @type {number} */ value) => value.toFixed(1),
    table: 'Bits per token',
    stretch: 'Up to token',
    upTo: counted,
    two: (/** @type {number} */ value) => value.toFixed(2),
    full: 'window full',
    trained: 'trained length',
    said: (/** @type {Found} */ { sinks, plain, near, far }, /** @type {number} */ capacity) => {
      const more = plain - sinks;
      const part = `${measured(100 * Math.abs(more) / sinks, 0.05)} % ${more > 0 ? 'more' : 'less'}`;
      const without = Math.abs(more) < 0.005 ? 'without sinks it is the same'
        : `without sinks ${bits(plain)}, ${part}`;
      const cost = near.sinks - near.whole;
      const forgets = cost < 0.005 ? 'Within the length that it was trained on, the window costs nothing.'
        : `Within the ${counted(1024)} tokens that it was trained on, the window of ${counted(capacity)} `
          + `costs `
          + `${bits(cost)} a token.`;
      const beyond = !far ? '' : far.whole > far.sinks
        ? `Beyond, the cache that keeps all comes to ${bits(far.whole)}, because the model has never seen `
          + `such `
          + `positions; the window has ${bits(far.sinks)}, because its places never go beyond its size.`
        : `Beyond, the cache that keeps all has ${bits(far.whole)} and the window ${bits(far.sinks)}.`;
      const full = `Once it is full, the window with sinks needs ${bits(sinks)} a token; ${without}.`;
      return [full, forgets, beyond].filter(Boolean).join(' ');
    },
    small: 'In large models a window without sinks breaks down: much of their attention rests on the first '
      + 'tokens '
      + '(Xiao et al. 2023). Whether this small one depends on them is what you see here.',
    again: (/** @type {NonNullable<Found['again']>} */ { times, same, kl, slower, bits: read, slid }) => (
      `This is not the same as reading the kept tokens again. At ${counted(times)} places that was done as `
        + `well: `
        + `the likeliest next token was the same in ${percent(same)} of them, the KL divergence `
        + `${measured(kl, 0.05)} nats, ${bits(read)} a token in place of ${bits(slid)}; and it took `
        + `${measured(slower, 0.05)} times as long as a step. What stays in the cache was computed while the `
        + 'gone tokens were there, and remembers them.'),
  },
};
