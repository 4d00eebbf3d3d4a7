// A story that is longer than its cache: what the cache holds of it, page by page, what that takes, and what
// forgetting costs. Pure.
import { PAGE } from '../engine/page.js';

/**
 * @import { Again, Bits, Held, Span } from '../worker/windowed.js'
 *
 * @typedef {'sink' | 'held' | 'gone'} Kind  of a page of the text
 *
 * @typedef {object} Speed  of a burst
 * @property {number} end  tokens of the text behind it
 * @property {number} tokens
 * @property {number} ms
 *
 * @typedef {object} Story  so far
 * @property {readonly string[]} pages   the text, by pages of 16 tokens
 * @property {number} tokens
 * @property {number} prompt     of them
 * @property {readonly Span[]} spans  that the cache holds
 * @property {number} sinks      tokens that stay, as the engine has them
 * @property {number} capacity
 * @property {number} usedBytes  of the cache
 * @property {number} cacheBytes  of all its places
 * @property {number} perToken   bytes
 * @property {readonly Speed[]} speeds
 */

export const PROMPT = 'Once upon a time there was a king who had three daughters.';
export const TOKENS = 3072;     // of the story
export const TRAINED = 1024;    // tokens that the model was trained on
export const POSITIONS = 4096;  // that it is given here, so that a cache without a window can be shown too
export const SINKS = 4;         // that are asked for; the engine keeps whole pages

const STRETCH = 256;  // tokens of a figure of speed
const BUCKET = 128;   // tokens of a point of the curves

/** @type {Story} */
export const NO_STORY = Object.freeze({
  pages: [], tokens: 0, prompt: 0, spans: [], sinks: 0, capacity: 0, usedBytes: 0, cacheBytes: 0,
  perToken: 0, speeds: [],
});

/**
 * With what was written since. Costs what is new, and the list of pages.
 * @param {Story} story  @param {Held} held  @returns {Story}
 */
export function grown(story, { written, ms, spans, memory, sinks, capacity }) {
  const pages = [...story.pages];
  let { tokens } = story;
  for (const { text } of written) {
    if (tokens % PAGE === 0) pages.push('');
    pages[pages.length - 1] += text;
    tokens++;
  }
  const first = story.tokens === 0;
  const speed = { end: tokens, tokens: written.length, ms };
  return {
    pages, tokens, prompt: first ? tokens : story.prompt, spans, sinks, capacity,
    usedBytes: memory.usedBytes, cacheBytes: memory.cacheBytes, perToken: memory.bytesPerToken,
    speeds: first ? [] : [...story.speeds, speed],
  };
}

/** Tokens of the text that the cache has let go: side by side. @param {Pick<Story, 'spans'>} story */
export function goneOf({ spans }) {
  let first = 0;
  for (const { token, count } of spans) {
    if (token > first) return { first, count: token - first };
    first = token + count;
  }
  return { first, count: 0 };
}

/** @param {Story} story  @param {number} page  of the text  @returns {Kind} */
export function kindOf({ spans, sinks }, page) {
  const token = page * PAGE;
  const isHeld = spans.some((span) => token < span.token + span.count && token + PAGE > span.token);
  if (!isHeld) return 'gone';
  return token < sinks ? 'sink' : 'held';
}

/**
 * Where a page of the text lies in the cache, and by which place its keys were turned.
 * @param {Story} story  @param {number} page
 */
export function placeOf({ spans, tokens }, page) {
  const token = page * PAGE;
  const span = spans.find((each) => token >= each.token && token < each.token + each.count);
  const last = Math.min(tokens, token + PAGE) - 1;
  if (!span) return { token, last };
  return { token, last, place: span.place + token - span.token, turned: span.turned + token - span.token };
}

/** Where a key leads to among the pages. @param {number} page  @param {string} key  @param {Story} story */
export function pageBy(page, key, { pages: { length } }) {
  /** @type {Readonly<Record<string, number>>} */
  const keys = {
    ArrowLeft: page - 1, ArrowRight: page + 1, PageUp: page - 8, PageDown: page + 8, Home: 0, End: length - 1,
  };
  const to = keys[key];
  return to === undefined ? undefined : Math.max(0, Math.min(length - 1, to));
}

/** @param {readonly Speed[]} speeds  @param {'tokens' | 'ms'} name */
const sumOf = (speeds, name) => speeds.reduce((sum, each) => sum + each[name], 0);

/**
 * Tokens per second of every stretch of the text that was written whole.
 * @param {Story} story
 * @returns {{ end: number, rate: number }[]}
 */
export function ratesOf({ speeds, tokens }) {
  const rates = [];
  for (let end = STRETCH; end <= tokens; end += STRETCH) {
    const within = speeds.filter((speed) => speed.end > end - STRETCH && speed.end <= end);
    const rate = 1e3 * sumOf(within, 'tokens') / sumOf(within, 'ms');
    if (within.length > 0) rates.push({ end, rate });
  }
  return rates;
}

/**
 * A row of the table for each of these stretches.
 * @param {{ number: (value: number) => string, speed: (rate: number) => string }} words  @param {Story} story
 */
export const rowsOf = ({ number, speed }, story) => ratesOf(story).map(({ end, rate }) => [
  end, heldAt(story, end), bytesAt(story, end), wholeBytes(story, end)].map(number).concat(speed(rate)));

/**
 * Tokens per second of both halves of what was written, once there is enough of it.
 * @param {Story} story
 */
export function halvesOf({ speeds, prompt, tokens }) {
  const middle = (prompt + tokens) / 2;
  if (tokens < 2 * STRETCH) return undefined;
  const rate = (/** @type {(end: number) => boolean} */ isIn) => {
    const those = speeds.filter(({ end }) => isIn(end));
    return 1e3 * sumOf(those, 'tokens') / sumOf(those, 'ms');
  };
  return { first: rate((end) => end <= middle), second: rate((end) => end > middle) };
}

/** Bytes of a cache that keeps all. @param {Story} story  @param {number} tokens */
export const wholeBytes = ({ perToken }, tokens) => perToken * tokens;

/** Bytes of this one after so many tokens. @param {Story} story  @param {number} tokens */
export const bytesAt = (story, tokens) => story.perToken * heldAt(story, tokens);

/** Tokens that it holds then: whole pages go. @param {Story} story  @param {number} tokens */
export function heldAt({ capacity }, tokens) {
  return tokens - PAGE * Math.max(0, Math.ceil((tokens - capacity) / PAGE));
}

// ---- what forgetting costs ------------------------------------------------------------------------

/**
 * Averages of stretches of a text.
 * @param {Float32Array} bits  of each token but the first
 * @returns {{ end: number, bits: number }[]}
 */
export function curveOf(bits) {
  const points = [];
  for (let first = 0; first + BUCKET <= bits.length; first += BUCKET) {
    points.push({ end: first + BUCKET, bits: meanOf(bits, first, first + BUCKET) });
  }
  return points;
}

/** @param {Float32Array} bits  @param {number} [first]  @param {number} [end] */
export const meanOf = (bits, first = 0, end = bits.length) => (
  bits.subarray(first, end).reduce((sum, each) => sum + each, 0) / (end - first));

/**
 * What there is to say of them.
 * @param {{ bits: Bits, again?: Again }} losses  @param {number} capacity
 */
export function findings({ bits, again }, capacity) {
  const end = bits.sinks.length;
  const behind = Math.min(capacity, end - 1);
  const within = (/** @type {number} */ first, /** @type {number} */ last) => (
    { sinks: meanOf(bits.sinks, first, last), whole: meanOf(bits.whole, first, last) });
  return {
    sinks: meanOf(bits.sinks, behind), plain: meanOf(bits.plain, behind),
    near: within(0, Math.min(TRAINED - 1, end)),
    far: end > TRAINED - 1 ? within(TRAINED - 1, end) : undefined, // longer than what it was trained on
    again,
  };
}
