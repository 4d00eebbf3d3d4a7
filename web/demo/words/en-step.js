// What the view says in which one goes back and on, in English.
import { numbersIn } from '../../measure/numbers.js';

const { counted, megabytes, size, share: percent } = numbersIn('en');
const tokens = (/** @type {number} */ count) => `${counted(count)} token${count === 1 ? '' : 's'}`;

export const step = {
  title: 'Back in the story, and on',
  means: 'Go back to any token: the cache is cut off there, and K and V of all later tokens are gone. Go on, '
    + 'and the same words come again. Choose another token, and the story forks.',
  /** bytes: to be downloaded; 0 if nothing, or if it is not known */
  empty: (/** @type {number} */ bytes) => (
    `Press Generate once${bytes > 0 ? ` (${megabytes(bytes)})` : ''}; then you can go back in your story `
      + 'here.'),
  busy: 'Another task is under way. When it has ended, you can go back in your story here.',
  group: 'Back and on',
  pause: 'Pause',
  goOn: 'Go on',
  back: '−1 token',
  more: '+1 token',
  slider: 'Position',
  at: (/** @type {number} */ position, /** @type {number} */ end) => (
    `${counted(position)} of ${tokens(end)}`),
  rows: { text: 'Text', cache: 'Cache' },
  picture: (/** @type {number} */ position, /** @type {number} */ end, /** @type {number} */ held) => (
    `The text: ${tokens(position)}${end > position ? ` of the ${counted(end)} that it had` : ''}. `
      + `The cache: K and V of ${counted(held)}.`),

  // ---- what happened ----------------------------------------------------------------------------
  writing: 'It is being written. Pause it, or move the slider.',
  /** bytes: that they take */
  holds: (/** @type {number} */ held, /** @type {number} */ bytes) => (
    held > 0 ? `The cache holds K and V of ${tokens(held)}, ${size(bytes)}.` : 'The cache holds nothing.'),
  backTo: (/** @type {number} */ from, /** @type {number} */ to) => (
    `Back from token ${counted(from)} to ${counted(to)}.`),
  onTo: (/** @type {number} */ from, /** @type {number} */ to) => (
    `On from token ${counted(from)} to ${counted(to)}, as it was written before.`),
  recalled: (/** @type {number} */ kept, /** @type {number} */ to) => (
    `Back to token ${counted(kept)}, and on to ${counted(to)}, as it was written before.`),
  forked: (/** @type {number} */ at) => `At token ${counted(at)} the story forks.`,
  dropped: (/** @type {number} */ count, /** @type {number} */ bytes) => (
    count > 0 ? `The cache let go of K and V of ${tokens(count)}, ${size(bytes)}.`
      : 'There was nothing to drop from the cache.'),
  paused: (/** @type {number} */ position) => `Paused at token ${counted(position)}.`,

  // ---- is it the same ---------------------------------------------------------------------------
  same: 'The same',
  different: 'Not the same',
  again: (/** @type {number} */ count) => ` as before: ${tokens(count)} came again.`,
  equal: (/** @type {number} */ count) => (
    ` as before: ${count > 0 ? `${tokens(count)} came again, and ` : ''}the model’s numbers at the end are `
      + 'equal to the last bit, hash '),
  parted: (/** @type {number} */ at) => (
    ` as before, from token ${counted(at)} on. This should not be: please report it.`),
  unequal: ' as before: the model’s numbers at the end differ. This should not be: please report it.',

  // ---- candidates -------------------------------------------------------------------------------
  candidates: (/** @type {number} */ position) => `What can be token ${counted(position)}`,
  inDraw: (/** @type {number} */ count) => (
    `Probabilities in the draw, among ${tokens(count)}. Choose one.`),
  pauseFirst: 'Pause to see the likeliest tokens, and to choose one.',
  unavailable: 'The engine has another text at the moment. Go one token back, and they are here.',
  chosen: 'in the story',
  other: (/** @type {string} */ text) => `The story has ${text} here.`,
  quoted: (/** @type {string} */ text) => `“${text}”`,
  percent: (/** @type {number} */ share) => (share > 0 ? percent(share) : 'left out'),

  // ---- stories ----------------------------------------------------------------------------------
  stories: 'Stories',
  story: (/** @type {number} */ number) => `Story ${counted(number)}`,
  first: (/** @type {number} */ count) => tokens(count),
  /** story: that it leaves; position: of its own first token */
  fork: (/** @type {number} */ story, /** @type {number} */ position, /** @type {number} */ count) => (
    `from story ${counted(story)} at token ${counted(position)}, ${tokens(count)}`),
};
