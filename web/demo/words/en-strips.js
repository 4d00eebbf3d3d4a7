// What the strips say, in English.
import { numbersIn } from '../../measure/numbers.js';

const { counted, share: percent } = numbersIn('en');

/**
 * @typedef {object} StepFacts
 * @property {number} step
 * @property {number} rows   of K, of V
 * @property {number} met    by Q
 * @property {number} sinks  of these the first of the text, once it has gone on past its context; else 0
 */

const metOf = (/** @type {StepFacts} */ { rows, met, sinks }) => {
  if (met >= rows) return 'every row of K once';
  if (sinks === 0) return `the newest ${counted(met)} rows of K once (this layer has a window)`;
  return `the first ${counted(sinks)} and the newest ${counted(met - sinks)} rows of K once (the text has `
    + 'gone on past its context)';
};
const used = (/** @type {StepFacts} */ facts) => (
  `Its Q has met ${metOf(facts)} and is not needed again: the next token brings its own.`);

export const strips = {
  title: 'Q, K and V, row by row',
  means: 'A step computes one row of each for its new token. K and V are kept, row under row, for all steps '
    + 'to come; Q serves its own step alone.',
  layer: 'Layer',
  head: 'Head',
  rows: 'Row',
  /** What the slider says. */
  row: (/** @type {number} */ row, /** @type {number} */ all, /** @type {string} */ text) => (
    `${counted(row)} of ${counted(all)}: “${text}”`),
  query: (/** @type {number} */ step, /** @type {boolean} */ sourced) => {
    if (step > 0 || sourced) return `Q of step ${counted(step)}, used once`;
    return 'Q of the last token of the prompt';
  },
  compared: '↓ Q meets K, row by row',
  /** rows x numbers */
  keys: (/** @type {number} */ rows, /** @type {number} */ width) => (
    `K: ${counted(rows)} × ${counted(width)}`),
  values: (/** @type {number} */ rows, /** @type {number} */ width) => (
    `V: ${counted(rows)} × ${counted(width)}`),
  weights: 'weights',
  /** Over the rows that the step has not computed. */
  untouched: (/** @type {number} */ step) => `untouched in step ${counted(step)}`,
  /** The row that is looked at. */
  rowOf: (/** @type {number} */ row, /** @type {string} */ text) => `Row ${counted(row)}, “${text}”`,
  isNew: (/** @type {number} */ step) => `new in step ${counted(step)}`,
  again: (/** @type {number} */ step) => `computed again in step ${counted(step)}`,
  since: (/** @type {number} */ step, /** @type {boolean} */ sourced) => (
    step === 0 && !sourced ? 'untouched since the prompt was read' : `untouched since step ${counted(step)}`),
  before: 'untouched since before this run',
  gone: 'gone: no token to come sees it',
  weight: percent,
  prompt: (/** @type {StepFacts} */ { rows }) => (
    `Reading the prompt computed ${counted(rows)} rows of Q, K and V at once. K and V stay.`),
  /** Of a model with an encoder. source: its tokens; kept: it was read in an earlier run */
  source: (/** @type {number} */ source, /** @type {boolean} */ kept, /** @type {StepFacts} */ { rows }) => (
    `The encoder ${kept ? 'has read this source before' : 'read the source, once'}: ${counted(source)} `
      + `tokens. Step 0 computed ${counted(rows)} ${rows === 1 ? 'row' : 'rows'} of Q, K and V, with which `
      + 'the text begins. K and V stay.'),
  on: (/** @type {StepFacts} */ facts) => (
    `Step ${counted(facts.step)}, with the cache: one new row of K and V. The ${counted(facts.rows - 1)} `
      + `rows above it stay as they are. ${used(facts)}`),
  off: (/** @type {StepFacts} */ facts) => (
    `Step ${counted(facts.step)}, without the cache: all ${counted(facts.rows)} rows of K and V are computed `
      + `again, the same numbers as before, and thrown away. ${used(facts)}`),
  hint: 'Up is positive, down is negative. Click a row, or move with the arrow keys.',
  table: {
    caption: 'The newest rows',
    row: 'Row',
    token: 'Token',
    state: 'K and V',
    weight: 'Weight',
  },
};
