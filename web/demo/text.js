// The text as the cache: what the newest step of a run did with K and V of each token. Pure; what a step says
// of a thousand tokens is a few positions, so that it costs the same however long the text is.
import { freedIn } from './held.js';
import { engineOf } from './recorded.js';
import { gapAt, heldTo, slideOf } from './sliding.js';
import { stepsFrom } from './steps.js';

/**
 * @import { Config } from '../config/config.js'
 * @import { MemoryUsage } from '../session/inspect.js'
 * @import { Look } from '../worker/messages.js'
 * @import { Mode } from './curves.js'
 * @import { Run } from './run.js'
 * @import { Gap, Slide } from './sliding.js'
 * @import { State } from './state.js'
 * @import { Step } from './steps.js'
 */

/**
 * What a step did with K and V of a token. new: computed for the first time; again: computed once more; read:
 * in the cache, not computed again; kept: likewise, but from an earlier run with the same beginning; past:
 * likewise, but not read any more, because each layer has a window and it lies before all of them, or because
 * the text has gone on past its context.
 * @typedef {'new' | 'read' | 'kept' | 'again' | 'past'} Deed
 *
 * @typedef {object} Newest  the newest step, which has kept 0 <= kept <= first <= fresh < total
 * @property {number} step    0: it has read the prompt
 * @property {Mode} mode
 * @property {number} past    tokens before this one, at most first, were not read, but for the sinks
 * @property {number} sinks   the first of a text that goes on past its context
 * @property {number} kept    tokens before this one were in the cache when the run began
 * @property {number} first   from this one on, tokens were computed
 * @property {number} fresh   from this one on, for the first time
 * @property {number} total   tokens in the text
 *
 * @typedef {object} Tale  of one token
 * @property {number} run
 * @property {number} position
 * @property {number} steps     told so far
 * @property {number} computed  how often
 * @property {number} read      from the cache
 *
 * Where K and V of a token can be looked at, or why they cannot: only a recording is here; they are not in
 * the cache; a layer with a window has given them back; the run goes on, and nobody has asked for this token.
 * @typedef {'recorded' | 'unkept' | 'freed' | 'running'} Unseen
 * @typedef {{ key: string, vectors: Look['vectors'] } | { none: Unseen }} Sight
 */

/** @type {readonly Deed[]} */
export const DEEDS = ['new', 'read', 'kept', 'again', 'past'];

/** As many tokens as some layer sees, itself the last. @param {Readonly<Config>} [config] */
export const reachOf = (config) => (
  config?.window && config.window.layers.length === config.nLayer ? config.window.size : Infinity);

/**
 * How far back a model looks: as many tokens as some layer sees; or as its cache slides.
 * @typedef {{ reach: number, slide?: Slide }} Reach
 */

/** @param {State} state  @returns {Reach} */
export const reachIn = (state) => ({ reach: reachOf(engineOf(state)?.config), slide: slideOf(state) });

/** @type {Reach} */
const ALL = { reach: Infinity };

/** Tokens that a step does not read. @param {Step} step  @param {Reach} reach  @returns {Gap} */
function pastOf({ mode, first, end }, { reach, slide }) {
  if (mode === 'off') return { first: 0, end: 0 };
  return slide ? gapAt(end, slide) : { first: 0, end: Math.max(0, first + 1 - reach) };
}

/**
 * @param {Run} run  @param {Reach} [reach]  of its model
 * @returns {Newest | undefined}  nothing was read yet
 */
export function newestOf(run, reach = ALL) {
  const { prefill, tokens: { length: step } } = run;
  if (!prefill) return undefined;
  const [newest] = stepsFrom(run, step);
  const { mode, first, end } = newest;
  const gone = pastOf(newest, reach);
  const past = Math.min(gone.end, first); // those that had gone were computed again, where they were needed
  const sinks = Math.min(gone.first, past);
  const fresh = step === 0 ? first : end - 1;
  return { step, mode, past, sinks, kept: Math.min(keptOf(run), first), first, fresh, total: end };
}

/**
 * Tokens, of the prompt alone, that the cache has had since before the run. Where the prompt was read without
 * it, that shows when the switch is flipped for the first time.
 * @param {Run} run
 */
function keptOf({ prefill, tokens, catchUps }) {
  if (!prefill) return 0;
  if (prefill.cached) return prefill.reused;
  const flip = catchUps.at(0);
  if (flip) return Math.min(prefill.tokens, flip.position - flip.tokens);
  return tokens.at(0)?.cached ? prefill.tokens : 0; // it missed nothing
}

/** @param {Newest} newest  @param {number} position  @returns {Deed} */
export function deedOn({ past, sinks, kept, first, fresh }, position) {
  if (position >= fresh) return 'new';
  if (position >= first) return 'again';
  if (position >= sinks && position < past) return 'past';
  return position < kept ? 'kept' : 'read';
}

/** Tokens by deed. @param {Newest} newest  @returns {Record<Deed, number>} */
export function countsOf({ past, sinks, kept, first, fresh, total }) {
  const keptPast = Math.max(0, Math.min(kept, past) - sinks); // of those that were kept, not read any more
  const gone = Math.max(0, past - sinks);
  return {
    new: total - fresh, read: first - kept - gone + keptPast, kept: kept - keptPast,
    again: fresh - first, past: gone,
  };
}

/**
 * Where one deed may end and another begin, but for the newest token: that alone changes with each step.
 * @param {Run} run  @returns {number[]}  in order, from 0
 */
export function cutsOf(run) {
  const caught = [...run.catchUps].map(({ position, tokens }) => position - tokens);
  return [...new Set([0, keptOf(run), run.prefill?.tokens ?? 0, ...caught])].sort((a, b) => a - b);
}

/**
 * How often K and V of a token were computed in its run, and read from the cache.
 * @param {Run} run  @param {number} position
 * @param {Tale} [before]  which it goes on from, if it is of this token
 * @param {Reach} [reach]  of its model
 * @returns {Tale}
 */
export function taleOf(run, position, before, reach = ALL) {
  const isOn = before?.run === run.number && before.position === position
    && before.steps <= run.tokens.length + 1;
  const begun = Math.max(0, position - (run.prefill?.tokens ?? 0) + 1);
  const tale = isOn ? { ...before } : { run: run.number, position, steps: begun, computed: 0, read: 0 };
  if (!run.prefill) return tale;
  for (const step of stepsFrom(run, tale.steps)) {
    if (position >= step.first) tale.computed++;
    else if (!isIn(pastOf(step, reach), position)) tale.read++;
    tale.steps++;
  }
  return tale;
}

/**
 * The bytes of one token's K and V, factor by factor. scale: bytes that a vector has besides its numbers.
 * @param {Readonly<Config>} config  @param {MemoryUsage} memory
 */
export function factorsOf({ nLayer: layers, nKvHead: heads, headDim: numbers }, { bytesPerToken }) {
  const vector = bytesPerToken / (2 * layers * heads);
  const each = Math.floor(vector / numbers);
  return { layers, heads, numbers, each, scale: vector - numbers * each, bytes: bytesPerToken };
}

/** @param {Gap} gap  @param {number} position */
const isIn = ({ first, end }, position) => position >= first && position < end;

/** @typedef {{ position: number, layer: number, head: number }} Place */

/** @param {Run} run  @param {Place} place */
export const keyOf = ({ number }, { position, layer, head }) => [number, position, layer, head].join();

/**
 * @param {State} state  @param {Place} place
 * @param {boolean} asked  somebody points at it
 * @returns {Sight}
 */
export function sightOf(state, place, asked) {
  const { model, recorded, run, memory, status } = state;
  if (!model || recorded) return { none: 'recorded' };
  if (place.position >= heldTo(state)) return { none: 'unkept' };
  if (isIn(gapAt(heldTo(state), slideOf(state)), place.position)) return { none: 'freed' };
  const config = engineOf(state)?.config;
  const isWindowed = config?.window?.layers.includes(place.layer);
  if (isWindowed && place.position < freedIn(memory, config)) return { none: 'freed' };
  if (!asked && status === 'running') return { none: 'running' };
  const { position: first, layer, head } = place;
  return { key: keyOf(run, place), vectors: { layers: [layer], heads: [head], first, count: 1 } };
}
