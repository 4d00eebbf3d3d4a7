// What the strips say, in English.
import { numbersIn } from '../../measure/numbers.js';

const { counted, share: percent } = numbersIn('en');

/** @typedef {{ step: number, rows: number, met: number }} StepFacts  rows: of K, of V; met: by Q */

const used = (/** @type {StepFacts} */ { rows, met }) => (
  `Its Q has met ${met < rows ? `the newest ${counted(met)} rows of K once (this layer has a window)`
    : 'every row of K once'} and is not needed again: the next token brings its own.`);

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
  on: (/** @type {StepFacts} */ { step, rows, met }) => (
    `Step ${counted(step)}, with the cache: one new row of K and V. The ${counted(rows - 1)} rows above it `
      + `stay as they are. ${used({ step, rows, met })}`),
  off: (/** @type {StepFacts} */ { step, rows, met }) => (
    `Step ${counted(step)}, without the cache: all ${counted(rows)} rows of K and V are computed again, the `
      + `same numbers as before, and thrown away. ${used({ step, rows, met })}`),
  hint: 'Up is positive, down is negative. Click a row, or move with the arrow keys.',
  table: {
    caption: 'The newest rows',
    row: 'Row',
    token: 'Token',
    state: 'K and V',
    weight: 'Weight',
  },
};
