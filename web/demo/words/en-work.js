// What the work triangle says, in English.
import { numbersIn } from '../../measure/numbers.js';

const { counted, measured } = numbersIn('en');
const WITH = { on: 'with the cache', off: 'without the cache' };
const tokens = (/** @type {number} */ count) => `${counted(count)} token${count === 1 ? '' : 's'}`;

/** @typedef {'on' | 'off'} Mode */

export const work = {
  title: 'Work, step by step',
  means: 'Each row is a step, each column a token of the text. A cell: K and V of this token were computed '
    + 'in this step.',
  empty: 'A run draws its steps here.',
  axis: 'position in the text',
  /** Beside the cells. */
  run: (/** @type {number} */ cells) => `${counted(cells)} computed`,
  wouldBe: (/** @type {number} */ cells) => `${counted(cells)} it would be (counted)`,
  prompt: (/** @type {number} */ count) => `Reading the prompt computed K and V of ${tokens(count)}.`,
  /** Of a model with an encoder. source: its tokens; kept: it was read in an earlier run */
  source: (/** @type {number} */ source, /** @type {boolean} */ kept, /** @type {number} */ count) => (
    `The encoder ${kept ? 'has read this source before' : 'read the source, once'}: ${tokens(source)}. `
      + `Step 0 computed K and V of ${tokens(count)}, with which the text begins.`),
  step: (/** @type {Mode} */ mode, /** @type {number} */ step, /** @type {number} */ count) => (
    `Step ${counted(step)}, ${WITH[mode]}: K and V of ${tokens(count)}.`),
  /** cells: of this run; other: what the other way would take. */
  off: (/** @type {number} */ cells, /** @type {number} */ other) => (
    `In all steps ${counted(cells)} cells; with the cache it would be ${counted(other)}, `
      + `${measured(cells / other)} times fewer.`),
  on: (/** @type {number} */ cells, /** @type {number} */ other) => (
    `In all steps ${counted(cells)} cells; without the cache it would be ${counted(other)}, `
      + `${measured(other / cells)} times as many.`),
  both: (/** @type {number} */ cells, /** @type {number} */ on, /** @type {number} */ off) => (
    `In all steps ${counted(cells)} cells; with the cache all along it would be ${counted(on)}, without it `
      + `${counted(off)}.`),
  race: (/** @type {number} */ on, /** @type {number} */ off) => (
    `Both were computed: ${counted(on)} cells with the cache, ${counted(off)} without.`),
  table: {
    caption: 'Tokens whose K and V were computed, by step',
    step: 'Step',
    way: 'Cache',
    computed: 'Computed',
    from: 'Positions',
    positions: (/** @type {number} */ first, /** @type {number} */ last) => (
      first === last ? counted(first) : `${counted(first)} to ${counted(last)}`),
  },
};
