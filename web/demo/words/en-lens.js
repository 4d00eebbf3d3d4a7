// What the attention lens says, in English.
import { numbersIn } from '../../measure/numbers.js';

const { counted, share: percent } = numbersIn('en');
const exact = new Intl.NumberFormat('en', { minimumFractionDigits: 4, maximumFractionDigits: 4 });

/**
 * @typedef {object} LensFacts  what one row says; positions as people count
 * @property {string} text      the token that reads
 * @property {number} position
 * @property {number} seen      how many tokens: fewer where the text is past its context
 * @property {number} reads     how many tokens: fewer than its position where the layer has a window
 * @property {number} layer
 * @property {number} head
 * @property {number} first     the share that the first token gets
 * @property {number} self      that it gets itself
 * @property {{ text: string, position: number, share: number }} [other]  the most read of all others
 * @property {number} sum       of all weights
 */

export const lens = {
  title: 'What a token reads',
  means: 'A token compares its query with the keys in the cache, and takes of their values by these weights. '
    + 'The fuller a word, the more of it is read.',
  heads: 'Layer and head',
  layer: (/** @type {number} */ layer) => `layer ${counted(layer)}`,
  /** share: of the first token; absent if not known */
  head: (/** @type {number} */ layer, /** @type {number} */ head, share = NaN) => (
    `Layer ${counted(layer)}, head ${counted(head)}`
      + `${share >= 0 ? `: ${percent(share)} to the first token` : ''}`),
  headsMean: 'One picture a head. From left to right: the first token, then the others up to the newest. You '
    + 'begin with the head that gives the most to a single token further back; choose any.',
  newest: 'Follow the newest token',
  tokens: 'Token that reads',
  /** What the slider says. */
  token: (/** @type {number} */ position, /** @type {number} */ all, /** @type {string} */ text) => (
    `${counted(position)} of ${counted(all)}: “${text}”`),
  hint: 'Click a token, or move with the arrow keys.',
  scale: 'So full is',
  percent,
  alone: (/** @type {LensFacts} */ { text, layer, head }) => (
    `In layer ${counted(layer)}, head ${counted(head)}, “${text}” is the first token and reads itself alone: `
      + '100%.'),
  reads: (/** @type {LensFacts} */ { text, position, reads, seen, layer, head, first, self, other, sum }) => (
    `In layer ${counted(layer)}, head ${counted(head)}, “${text}” (token ${counted(position)}) reads `
      + `${reads < position ? `the newest ${counted(reads)} tokens: this layer has a window. “${text}” `
        + `itself gets ${percent(self)}` : `${counted(seen)} tokens. The first one gets `
        + `${percent(first)}, “${text}” itself ${percent(self)}`}`
      + `${other ? `, “${other.text}” (token ${counted(other.position)}) ${percent(other.share)}` : ''}. `
      + `All weights together: ${exact.format(sum)}.`),
  sink: 'Such a first token is an attention sink: the weights must add up to 1, and what a head has no other '
    + 'use for goes there.',
  table: {
    caption: 'The ten tokens that are read most',
    position: 'Position',
    token: 'Token',
    weight: 'Weight',
    exact: (/** @type {number} */ weight) => exact.format(weight),
  },
};
