// The text as the cache: what the newest step of a run did with K and V of each token. Pure; what a step says
// of a thousand tokens is a few positions, so that it costs the same however long the text is.
import { stepsFrom } from './steps.js';

/**
 * @import { Config } from '../config/config.js'
 * @import { MemoryUsage } from '../session/inspect.js'
 * @import { Look } from '../worker/messages.js'
 * @import { Mode } from './curves.js'
 * @import { Run } from './run.js'
 * @import { State } from './state.js'
 * @import { Step } from './steps.js'
 */

/**
 * What a step did with K and V of a token. new: computed for the first time; again: computed once more; read:
 * in the cache, not computed again; kept: likewise, but from an earlier run with the same beginning; past:
 * likewise, but not read any more, because each layer has a window and it lies before all of them.
 * @typedef {'new' | 'read' | 'kept' | 'again' | 'past'} Deed
 *
 * @typedef {object} Newest  the newest step, which has kept 0 <= kept <= first <= fresh < total
 * @property {number} step    0: it has read the prompt
 * @property {Mode} mode
 * @property {number} past    tokens before this one, at most first, were not read
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
 * the cache; the run goes on, and nobody has asked for this token.
 * @typedef {{ key: string, vectors: Look['vectors'] } | { none: 'recorded' | 'unkept' | 'running' }} Sight
 */

/** @type {readonly Deed[]} */
export const DEEDS = ['new', 'read', 'kept', 'again', 'past'];

/** As many tokens as some layer sees, itself the last. @param {Readonly<Config>} [config] */
export const reachOf = (config) => (
  config?.window && config.window.layers.length === config.nLayer ? config.window.size : Infinity);

/** Tokens that a step does not read. @param {Step} step  @param {number} reach */
const pastOf = ({ mode, first }, reach) => (mode === 'on' ? Math.max(0, first + 1 - reach) : 0);

/**
 * @param {Run} run  @param {number} [reach]  of its model
 * @returns {Newest | undefined}  nothing was read yet
 */
export function newestOf(run, reach = Infinity) {
  const { prefill, tokens: { length: step } } = run;
  if (!prefill) return undefined;
  const [newest] = stepsFrom(run, step);
  const { mode, first, end } = newest;
  const past = pastOf(newest, reach);
  const fresh = step === 0 ? first : end - 1;
  return { step, mode, past, kept: Math.min(keptOf(run), first), first, fresh, total: end };
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
export function deedOn({ past, kept, first, fresh }, position) {
  if (position >= fresh) return 'new';
  if (position >= first) return 'again';
  if (position < past) return 'past';
  return position < kept ? 'kept' : 'read';
}

/** Tokens by deed. @param {Newest} newest  @returns {Record<Deed, number>} */
export const countsOf = ({ past, kept, first, fresh, total }) => ({
  new: total - fresh, read: first - Math.max(past, kept), kept: Math.max(0, kept - past),
  again: fresh - first, past,
});

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
 * @param {number} [reach]  of its model
 * @returns {Tale}
 */
export function taleOf(run, position, before, reach = Infinity) {
  const isOn = before?.run === run.number && before.position === position
    && before.steps <= run.tokens.length + 1;
  const begun = Math.max(0, position - (run.prefill?.tokens ?? 0) + 1);
  const tale = isOn ? { ...before } : { run: run.number, position, steps: begun, computed: 0, read: 0 };
  if (!run.prefill) return tale;
  for (const step of stepsFrom(run, tale.steps)) {
    if (position >= step.first) tale.computed++;
    else if (position >= pastOf(step, reach)) tale.read++;
    tale.steps++;
  }
  return tale;
}

/** Tokens whose K and V are in the cache. @param {MemoryUsage} [memory] */
export const heldIn = (memory) => (memory ? Math.round(memory.usedBytes / memory.bytesPerToken) : 0);

/**
 * The bytes of one token's K and V, factor by factor. scale: bytes that a vector has besides its numbers.
 * @param {Readonly<Config>} config  @param {MemoryUsage} memory
 */
export function factorsOf({ nLayer: layers, nKvHead: heads, headDim: numbers }, { bytesPerToken }) {
  const vector = bytesPerToken / (2 * layers * heads);
  const each = Math.floor(vector / numbers);
  return { layers, heads, numbers, each, scale: vector - numbers * each, bytes: bytesPerToken };
}

/** @typedef {{ position: number, layer: number, head: number }} Place */

/** @param {Run} run  @param {Place} place */
export const keyOf = ({ number }, { position, layer, head }) => [number, position, layer, head].join();

/**
 * @param {State} state  @param {Place} place
 * @param {boolean} asked  somebody points at it
 * @returns {Sight}
 */
export function sightOf({ model, recorded, run, memory, status }, place, asked) {
  if (!model || recorded) return { none: 'recorded' };
  if (place.position >= heldIn(memory)) return { none: 'unkept' };
  if (!asked && status === 'running') return { none: 'running' };
  const { position: first, layer, head } = place;
  return { key: keyOf(run, place), vectors: { layers: [layer], heads: [head], first, count: 1 } };
}
