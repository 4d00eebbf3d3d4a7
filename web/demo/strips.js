// Q, K and V of one head, row by row, as the engine has them: what of them is new in a step, and since when
// the rest has not been touched. Pure.
import { engineOf } from './recorded.js';
import { modeOf } from './run.js';
import { gapAt, slideOf } from './sliding.js';

/**
 * @import { Run } from './run.js'
 * @import { Gap } from './sliding.js'
 * @import { State } from './state.js'
 * @import { StepFacts } from './words/en-strips.js'
 */

const ROOMS = [16, 24]; // for rows, the least; others are twice those before them
const REACH = 2.5;      // of a bar: root mean squares of the numbers

/** How many rows there is room for: it zooms out when it is full, and rarely. @param {number} rows */
export function roomFor(rows) {
  let [room, next] = ROOMS;
  while (room < rows) [room, next] = [next, 2 * room];
  return room;
}

/** Rows of numbers that come one after the other. */
export class Rows {
  /** @param {number} width */
  constructor(width) {
    this.width = width;
    this.length = 0;
    /** What a bar of full length stands for; as of the first rows. */
    this.reach = 1;
    /** Those that have left the cache. @type {Gap} */
    this.gone = { first: 0, end: 0 };
    this.numbers = new Float32Array(width * ROOMS[0]);
  }

  /** @param {Float32Array} numbers  of whole rows */
  append(numbers) {
    const [held, all] = [this.length * this.width, this.length * this.width + numbers.length];
    if (all > this.numbers.length) {
      const larger = new Float32Array(Math.max(all, 2 * this.numbers.length));
      larger.set(this.numbers.subarray(0, held));
      this.numbers = larger;
    }
    this.numbers.set(numbers, held);
    if (held === 0) this.reach = reachOf(numbers);
    this.length = all / this.width;
  }

  /** These are not there any more. @param {Gap} gap */
  forget({ first, end }) {
    if (end <= this.gone.end) return;
    this.gone = { first, end };
    this.numbers.fill(NaN, first * this.width, end * this.width);
  }

  /** @param {number} row */
  has(row) { return row < this.gone.first || row >= this.gone.end; }

  /** @param {number} row */
  at(row) { return this.numbers.subarray(row * this.width, (row + 1) * this.width); }
}

/** @param {Float32Array} numbers */
export function reachOf(numbers) {
  const there = numbers.filter((x) => !Number.isNaN(x)); // the others were given back
  const squares = there.reduce((sum, x) => sum + x * x, 0);
  return REACH * Math.sqrt(squares / there.length) || 1;
}

/** A number as a length, from -1 to 1. @param {number} value  @param {number} reach */
export const lengthOf = (value, reach) => Math.max(-1, Math.min(1, value / reach)) || 0;

/** The step that ends with a token: 0 has read the prompt. @param {Run} run  @param {number} position */
export const stepAt = ({ prefill }, position) => position - (prefill?.tokens ?? 0) + 1;

/** Its way. @param {Run} run  @param {number} position */
export const modeAt = ({ prefill, tokens }, position) => (
  modeOf(tokens.at(position - (prefill?.tokens ?? 0))?.cached ?? prefill?.cached ?? false));

/**
 * The first row that this step has computed, of those up to its token.
 * @param {Run} run  @param {number} position
 */
export function freshAt(run, position) {
  const { prefill, catchUps } = run;
  if (stepAt(run, position) <= 0) return prefill?.reused ?? 0;
  if (modeAt(run, position) === 'off') return 0;
  const missed = [...catchUps].filter((each) => each.position === position).map(({ tokens }) => tokens);
  return position - Math.max(0, ...missed);
}

/**
 * The step that computed a row as it lies in the cache; undefined: it was there before the run began.
 * @param {Run} run  @param {number} row
 */
export function sinceOf({ prefill, tokens, catchUps }, row) {
  const { tokens: prompt = 0, reused = 0, cached = false } = prefill ?? {};
  if (row >= prompt && tokens.at(row - prompt)?.cached) return row - prompt + 1;
  if (row < prompt && cached) return row < reused ? undefined : 0;
  for (const { position, tokens: missed } of catchUps) {
    if (row < position && row >= position - missed) return position - prompt + 1;
  }
  return undefined;
}

/**
 * What a row is once a step is through: new, computed again, or untouched since an earlier step or run.
 * @param {Run} run  @param {number} row  @param {number} position  of the step's token
 * @returns {{ kind: 'new' | 'again' | 'since', step: number } | { kind: 'before' }}
 */
export function rowAfter(run, row, position) {
  const step = stepAt(run, position);
  if (step > 0 && row === position) return { kind: 'new', step };
  if (step > 0 && row >= freshAt(run, position)) return { kind: 'again', step };
  const since = sinceOf(run, row);
  return since === undefined ? { kind: 'before' } : { kind: 'since', step: since };
}

/**
 * What the newest step did in a layer, of so many rows.
 * @param {State} state  @param {number} rows  @param {number} layer
 * @returns {StepFacts}
 */
export function factsOf(state, rows, layer) {
  const { run } = state;
  const window = engineOf(state)?.config.window;
  const met = window?.layers.includes(layer) ? Math.min(rows, window.size) : rows;
  const { first, end } = gapAt(rows, slideOf(state));
  const gone = end - first;
  const there = modeAt(run, rows - 1) === 'on' ? rows - gone : rows;
  return { step: stepAt(run, rows - 1), rows: there, met: met - gone, sinks: gone > 0 ? first : 0 };
}

/**
 * A row of numbers as bars in a box of its width and height 2: up where they are positive.
 * @param {ArrayLike<number>} numbers  @param {number} reach
 */
export function barsPath(numbers, reach) {
  let path = '';
  for (let i = 0; i < numbers.length; i++) {
    path += `M${i} 1v${(-lengthOf(numbers[i], reach)).toFixed(3)}h.8V1z`;
  }
  return path;
}
