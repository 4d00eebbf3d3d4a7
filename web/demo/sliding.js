// A text that goes on past its context: which of its tokens the cache has let go of. A pure function of the
// length of the text, the room of the cache and the sinks, the first tokens, which always stay.
import { PAGE } from '../engine/page.js';
import { filledIn } from '../measure/analysis.js';
import { SHIPPED } from './attributes.js';
import { heldIn } from './held.js';

/**
 * @import { Config } from '../config/config.js'
 * @import { State } from './state.js'
 *
 * @typedef {object} Slide
 * @property {number} slots  tokens that the cache has room for, whole pages
 * @property {number} sinks  likewise
 *
 * @typedef {{ first: number, end: number }} Gap  tokens that are gone: from `first` to `end` - 1
 */

/**
 * Whether a cache of its model can slide: positions are rotations there, and no layer has a window.
 * @param {Pick<State, 'other' | 'shipped' | 'model'>} state
 */
export function canSlide({ other, shipped, model }) {
  const config = other?.weighed.config ?? model?.config;
  return config ? Boolean(config.rotary) && !config.window && !config.encoder : shipped !== SHIPPED[0];
}

/** How the caches of a run slide, if they do. @param {Pick<State, 'model' | 'memory'>} state */
export const slideOf = ({ model, memory }) => (
  model?.sinks !== undefined && memory ? { slots: memory.slots, sinks: model.sinks } : undefined);

/**
 * Tokens that the newest of a text does not see any more.
 * @param {number} length  of the text, that one included  @param {Slide} [slide]
 * @returns {Gap}
 */
export function gapAt(length, slide) {
  if (!slide) return { first: 0, end: 0 };
  const { slots, sinks } = slide;
  return { first: sinks, end: sinks + PAGE * Math.max(0, Math.ceil((length - slots) / PAGE)) };
}

/**
 * Where the tokens stand in the text that a cache holds which has taken in so many.
 * @param {number} taken  @param {Slide} [slide]
 * @returns {Gap[]}  what lies between the gaps
 */
export function spansAt(taken, slide) {
  const { first, end } = gapAt(taken, slide);
  if (end > first) return [{ first: 0, end: first }, { first: end, end: taken }];
  return taken > 0 ? [{ first: 0, end: taken }] : [];
}

/**
 * Tokens of the text that the cache has taken in, also those that it has let go of again.
 * @param {Pick<State, 'model' | 'memory' | 'run'>} state
 */
export function heldTo(state) {
  const held = heldIn(state.memory);
  const slide = slideOf(state);
  const { prefill, tokens } = state.run;
  if (!slide || !prefill || held <= slide.slots - PAGE) return held; // nothing has gone yet
  let written = tokens.length; // since the cache was switched off, it has taken in none
  while (written > 0 && !tokens.at(written - 1)?.cached) written--;
  return prefill.tokens + written;
}

/**
 * The tokens, all of them counted, that the first n of a text did not see: the sum over each.
 * @param {number} n  @param {Slide} slide
 */
function unseenBefore(n, { slots }) {
  const past = Math.max(0, n - slots);
  const [pages, rest] = [Math.floor(past / PAGE), past % PAGE];
  return PAGE * (PAGE * (pages * (pages + 1)) / 2 + rest * (pages + 1));
}

/**
 * Multiply-adds that a pass over the rows from `first` to `end` - 1 is spared, since queries see fewer keys.
 * @param {Readonly<Config>} config  @param {number} first  @param {number} end  @param {Slide} [slide]
 */
export function sparedBy(config, first, end, slide) {
  if (!slide) return 0;
  const [before, last] = [unseenBefore(end, slide) - unseenBefore(first, slide), gapAt(end, slide)];
  const pairs = (config.nLayer - 1) * before + last.end - last.first; // the last layer: the last row alone
  return 2 * pairs * filledIn(config).queryWidth;
}
