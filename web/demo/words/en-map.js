// What the cache map says, in English.
import { numbersIn } from '../../measure/numbers.js';

const { counted, measured, size } = numbersIn('en');
const some = (/** @type {number} */ count, /** @type {string} */ name) => (
  `${counted(count)} ${name}${count === 1 ? '' : 's'}`);

/**
 * @typedef {object} Formula  with the numbers of a run
 * @property {number} layers
 * @property {number} heads
 * @property {number} numbers  of a key or value
 * @property {number} each     bytes of one of them
 * @property {number} scale    bytes of what they have in common, 0 for none
 * @property {number} tokens
 * @property {number} bytes
 *
 * @typedef {object} Rooms  what is allocated
 * @property {number} allocated  bytes of all places
 * @property {number} slots      the places
 * @property {number} pages
 * @property {number} session    bytes of all that the session has
 *
 * @typedef {object} Forked  pages, and bytes as the engine counts them
 * @property {number} both     pages that both hold
 * @property {number} copied
 * @property {number} own
 * @property {number} pages    that the fork holds alone
 * @property {number} used     bytes of both
 * @property {number} apart    if they shared none
 * @property {number} dropped  without the fork
 * @property {boolean} slid    the text has gone on past its context
 *
 * @typedef {{ type: string, error: number }} TypeCost  of a cache of that type: the greatest of a logit
 *
 * @typedef {object} Spot  counted from 1
 * @property {number} position
 * @property {string} [text]     of the token, if it is known
 * @property {number} layer
 * @property {number} head
 */

/**
 * @typedef {{ tokens: number, freed: number, layers: number }} Unread  before the windows of so many layers;
 *   freed: of which these have given back
 */

/** @param {Spot} spot */
const spot = ({ position, text, layer, head }) => (
  `Token ${counted(position)}${text === undefined ? '' : ` “${text}”`}, layer ${layer}, head ${head}`);

/** @param {readonly TypeCost[]} costs */
const costsOf = (costs) => costs.map(({ type, error }) => `${measured(error)} with ${type}`).join(', ');

export const map = {
  title: 'The cache, cell by cell',
  means: 'A cell is what one head of one layer keeps of one token: a key and a value. Each new token adds a '
    + 'column; the columns before it never change.',
  empty: 'A run fills the map.',
  axis: 'position in the text',
  layer: (/** @type {number} */ layer) => `layer ${layer}`,
  page: (/** @type {number} */ page) => `page ${counted(page)}`,
  keys: 'Map of the cache. Arrow keys move the chosen cell.',
  /** What the newest step did with it. */
  on: (/** @type {number} */ tokens, /** @type {number} */ cells, /** @type {number} */ pages,
    /** @type {Unread} */ unread) => (
    `${some(tokens, 'token')} kept: ${counted(cells)} cells in ${some(pages, 'page')}. The newest step read `
      + `all of them${unread.tokens > 0 ? `, but for the first ${some(unread.tokens, 'token')} in `
        + `${some(unread.layers, 'layer')} with a window,` : ''} and wrote one column.`
      + (unread.freed > 0 ? ` Of the first ${some(unread.freed, 'token')} these layers have given the pages `
        + 'back: no window reaches them any more.' : '')),
  wrote: (/** @type {number} */ tokens, /** @type {number} */ cells, /** @type {number} */ pages,
    /** @type {number} */ written) => (
    `${some(tokens, 'token')} kept: ${counted(cells)} cells in ${some(pages, 'page')}. The newest step `
      + `wrote ${counted(written)} columns.`),
  off: (/** @type {number} */ text) => (
    `The cache is off: nothing is kept. Each step computes the keys and values of all ${some(text, 'token')} `
      + 'again, and drops them.'),
  left: (/** @type {number} */ tokens, /** @type {number} */ text) => (
    `The cache is off: ${some(tokens, 'token')} from before ${tokens === 1 ? 'is' : 'are'} still there, `
      + `unread. Each step computes all ${some(text, 'token')} again.`),
  before: (/** @type {number} */ tokens) => `${some(tokens, 'token')} are there from the run before.`,
  raced: '(of the race, the writer with the cache)',
  legend: {
    written: 'written in the newest step',
    read: 'kept, and read in it',
    kept: 'kept, not read',
    freed: 'gone: no token to come sees it',
    missing: 'not kept: computed again in each step',
    free: 'free',
  },
  table: {
    caption: 'The places of the cache, by what the newest step did with them',
    kind: 'State',
    positions: 'Positions',
    cells: 'Cells',
    range: (/** @type {number} */ first, /** @type {number} */ last) => (
      first === last ? counted(first) : `${counted(first)} to ${counted(last)}`),
  },
  pages: (/** @type {number} */ slots, /** @type {number} */ all, /** @type {number} */ used,
    /** @type {boolean} */ windows) => (
    `A page is ${some(slots, 'place')} in every ${windows ? 'head of the layers without a window'
      : 'layer and head'}. ${counted(used)} of ${some(all, 'page')} in `
      + 'use:'),

  cell: {
    title: 'One cell',
    layer: 'Layer',
    head: 'Head',
    token: 'Token',
    follow: 'Follow the newest',
    /** page: counted from 1, if it is known. */
    there: (/** @type {Spot} */ at, /** @type {number} */ place, /** @type {number | undefined} */ page) => (
      `${spot(at)}: place ${place} of ${page === undefined ? 'its page' : `page ${counted(page)}`}.`),
    missing: (/** @type {Spot} */ at) => (
      `${spot(at)}: not kept. With the cache off, each step computes its key and value again.`),
    freed: (/** @type {Spot} */ at) => (
      `${spot(at)}: gone. No token to come sees it in this layer, and its page is free.`),
    free: (/** @type {Spot} */ at) => `${spot(at)}: free. The text has not come to it yet.`,
    recorded: (/** @type {string} */ bytes) => (
      'This is a recorded run, and it holds no keys and values. Generate once to see them: the model has '
        + `${bytes}.`),
    unseen: 'Its numbers are not there now: the engine is at another task. Generate again to see them.',
    key: 'Key',
    value: 'Value',
    vector: (/** @type {'K' | 'V'} */ name, /** @type {number} */ count, /** @type {number} */ least,
      /** @type {number} */ most) => (
      `${{ K: 'Key', V: 'Value' }[name]}: ${counted(count)} numbers from ${measured(least)} to `
        + `${measured(most)}`),
    show: 'Show the numbers in a table',
    group: 'Numbers of the cell',
    caption: 'Key and value of the chosen cell',
    number: 'Number',
  },

  ask: {
    later: 'possible when the run has ended',
    first: 'possible once you have generated a story',
    failed: (/** @type {string} */ reason) => `This did not work. (${reason})`,
  },

  fork: {
    title: 'Fork the story',
    means: 'Two stories with the same beginning need its keys and values once: both hold the same pages, and '
      + 'each takes new ones for its own words. Try it in a session apart: the run stays as it is.',
    go: (/** @type {number} */ position) => `Fork after token ${counted(position)}`,
    story: 'story',
    fork: 'fork',
    more: (/** @type {number} */ pages) => `+${counted(pages)}`,
    legend: { both: 'held by both: stored once', copied: 'copied, then written', own: 'held by one' },
    wrote: (/** @type {number} */ position, /** @type {number} */ count) => (
      `After token ${counted(position)} the fork wrote ${some(count, 'token')}:`),
    said: (/** @type {Forked} */ { both, copied, pages, used, apart, dropped, slid }) => {
      const none = slid ? 'No page that both had is still in both caches.'
        : 'No page is full of what both have: none is held by both.';
      const shared = both === 0 ? none
        : `${some(both, 'page')} ${both === 1 ? 'is' : 'are'} held by both, with two references each.`;
      const copy = copied > 0 ? ' The page in which they part was copied before the fork wrote into it.' : '';
      const gone = slid ? ' Past the context, each lets go of its own oldest pages.' : '';
      return `${shared}${copy}${gone} The fork has ${some(pages, 'page')} of its own. The engine counts `
        + `${size(used)} for both; stored apart they would take ${size(apart)}. Then the fork was dropped: `
        + `${size(dropped)} again.`;
    },
  },

  memory: {
    title: 'What it takes',
    formula: (/** @type {Formula} */ { layers, heads, numbers, each, scale, tokens, bytes }) => {
      const plain = `${counted(numbers)} numbers × ${some(each, 'byte')}`;
      const vector = scale > 0 ? `(${plain} + ${counted(scale)} bytes)` : plain;
      return `2 (K and V) × ${some(layers, 'layer')} × ${some(heads, 'head')} × ${vector} × `
        + `${some(tokens, 'token')} = ${counted(bytes)} bytes`;
    },
    same: 'The engine counts the same.',
    given: (/** @type {number} */ freed, /** @type {number} */ used) => (
      `Of that, layers with a window have given back ${counted(freed)} bytes: ${counted(used)} are left.`),
    fewer: 'Layers with a window have room for two windows and a little.',
    other: (/** @type {number} */ bytes) => `The engine counts ${counted(bytes)} bytes.`,
    rooms: (/** @type {Rooms} */ { allocated, slots, pages, session }) => (
      `Allocated are ${size(allocated)}, for ${some(slots, 'token')} in ${some(pages, 'page')}: laid out `
        + 'once, so that nothing moves while the model writes. With the space to compute in, the session '
        + `takes ${size(session)}.`),
    /** Places of the newest page. */
    open: (/** @type {number} */ open) => (
      `${some(open, 'place')} of the newest page ${open === 1 ? 'is' : 'are'} still free.`),
    bar: (/** @type {number} */ used, /** @type {number} */ allocated) => (
      `${size(used)} of ${size(allocated)} in use`),
    caption: 'The same cache, stored as',
    type: 'Numbers as',
    own: 'here',
    now: 'Now',
    full: 'Full',
    same1: 'Same next token',
    share: (/** @type {number} */ share) => `${measured(100 * share)} %`,
    exact: 'always',
    measure: 'Measure it on this story',
    here: (/** @type {number} */ tokens, /** @type {readonly TypeCost[]} */ costs) => (
      `On this story of ${some(tokens, 'token')}, just read with each of them, a logit is off by at most `
        + `${costsOf(costs)}. The last column says how often the likeliest next token stayed the same.`),
    only: 'Only f32 keeps every bit, so this page uses it.',
    cost: (/** @type {readonly TypeCost[]} */ costs) => (
      `A logit of this model is off by at most ${costsOf(costs)}; the last column says how often `
        + 'the likeliest next token stayed the same, measured on 1,000 tokens.'),
  },
};
