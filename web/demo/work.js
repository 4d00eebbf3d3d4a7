// The work triangle: in which step K and V of which token were computed. Taken in step by step, so that a
// token costs O(1), and counted on the way. Pure.
import { Log } from './log.js';
import { stepAt, stepsFrom } from './steps.js';

/**
 * @import { Mode } from './curves.js'
 * @import { Run } from './run.js'
 * @import { Step } from './steps.js'
 */

/**
 * @typedef {object} Band  steps of one mode that follow each other
 * @property {Mode} mode
 * @property {number} steps
 * @property {string} path  of SVG: a token is 1 wide, a step 1 high
 *
 * @typedef {object} Triangle
 * @property {number} run       its number
 * @property {number} prompt    tokens that it began with
 * @property {number} steps     so far: reading the prompt, and one for each token
 * @property {number} cells     computed in all of them
 * @property {Mode | 'both' | undefined} mode  of all of them
 * @property {Log<Band>} bands  that do not grow any more
 * @property {Band} [open]      the newest
 * @property {Step} [last]
 * @property {object} origin     the same as long as it only grows
 */

const LONGEST = 64;      // steps of a band: its path is written anew with each of them
const LENGTHS = [32, 48]; // of the sides of the picture, the least; others are twice those before them

/**
 * What has been computed: `before` and what has come since, or all of it where that is not of this run.
 * @param {Run} run  @param {Triangle} [before]
 * @returns {Triangle}
 */
export function triangleOf(run, before) {
  let triangle = before && isOf(run, before) ? before : begun(run);
  if (!run.prefill) return triangle;
  for (const step of stepsFrom(run, triangle.steps)) triangle = withStep(triangle, step);
  return triangle;
}

/** @param {Run} run  @returns {Triangle} */
const begun = ({ number, prefill }) => ({
  run: number, prompt: prefill?.tokens ?? 0, steps: 0, cells: 0, mode: undefined,
  bands: new Log(), origin: {},
});

/**
 * The lanes of a race have one number: the newest step tells them apart.
 * @param {Run} run  @param {Triangle} before
 */
function isOf(run, { run: number, prompt, steps, last }) {
  if (run.number !== number || (run.prefill?.tokens ?? 0) !== prompt) return false;
  if (run.tokens.length < steps - 1) return false;
  return !last || stepAt(run, steps - 1).mode === last.mode;
}

/** @param {Triangle} triangle  @param {Step} step  @returns {Triangle} */
function withStep({ steps, cells, mode, bands, open, ...rest }, step) {
  const path = `M${step.first} ${steps}H${step.end}v1H${step.first}z`;
  const fits = open?.mode === step.mode && open.steps < LONGEST;
  return {
    ...rest, steps: steps + 1, cells: cells + step.end - step.first, last: step,
    mode: mode === undefined || mode === step.mode ? step.mode : 'both',
    bands: open && !fits ? bands.append(open) : bands,
    open: fits ? { ...open, steps: open.steps + 1, path: open.path + path }
      : { mode: step.mode, steps: 1, path },
  };
}

/**
 * The cells of the same steps, had all of them gone one way, from an empty cache; counted, not run.
 * @param {Triangle} triangle
 * @returns {Record<Mode, number>}
 */
export function wouldBe({ prompt, steps }) {
  const written = Math.max(0, steps - 1);
  return { on: prompt + written, off: prompt + written * prompt + (written * (written + 1)) / 2 };
}

/** The outline of these cells. @param {Triangle} triangle  @param {Mode} mode */
export function outline({ prompt, steps }, mode) {
  const written = steps - 1;
  if (written < 1) return '';
  const edge = `M0 0H${prompt}L${prompt + written} ${written}v1`;
  return mode === 'off' ? `${edge}H0z` : `${edge}h-1L${prompt} 2V1H0z`;
}

/**
 * How long the sides of the picture are: it zooms out when it is full, and rarely.
 * @param {Triangle} triangle
 */
export const lengthOf = ({ prompt, steps }) => sideFor(Math.max(steps, prompt + steps - 1));

/** The length of a side that has room for so many. @param {number} most */
export function sideFor(most) {
  let [length, next] = LENGTHS;
  while (length < most) [length, next] = [next, 2 * length];
  return length;
}

/**
 * Steps from the first to the newest, evenly spread, for a table; those in which the cache caught up too.
 * @param {Run} run  @param {number} most  about
 * @returns {(Step & { step: number })[]}
 */
export function someSteps(run, most) {
  const { prefill, tokens: { length }, catchUps } = run;
  if (!prefill) return [];
  const every = Math.max(1, Math.ceil(length / most));
  const missed = new Map([...catchUps].map((each) => [each.position - prefill.tokens + 1, each.tokens]));
  const steps = new Set([length, ...missed.keys()].filter((step) => step <= length));
  for (let step = 0; step < length; step += every) steps.add(step);
  return [...steps].sort((a, b) => a - b).map((step) => ({ step, ...stepAt(run, step, missed.get(step)) }));
}
