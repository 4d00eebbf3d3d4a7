// The state of a figure as a query string, and back: "p=Once+upon+a+time&seed=7&cache=off". Anybody may have
// written what an address says: it is checked and clamped as attributes are, and never starts anything.
import { ATTRIBUTES, TAG, parsed, textOf, viewsIn } from './attributes.js';

/**
 * @import { Attribute, Properties, Value } from './attributes.js'
 *
 * What of a figure travels.
 * @typedef {Pick<Properties, 'prompt' | 'cache' | 'maxTokens' | 'seed' | 'temperature' | 'topK' | 'topP'
 *   | 'minP' | 'repetitionPenalty' | 'model' | 'whenFull' | 'views' | 'pace' | 'lesson' | 'word'
 *   | 'caches' | 'places' | 'sinks'>} Linked
 *
 * @typedef {'tag' | 'iframe' | 'file'} EmbedKind
 *
 * @typedef {object} Share  what a reader takes along to come back to a figure, and to say what it is of
 * @property {'link' | 'tag'} kind  a link where the page restores what it says, else the tag
 * @property {(view: string) => string} textFor  of one view, in the state that it is in
 * @property {string} own    the name of the figure's own model, as it is now
 * @property {string} [absent]  of the one that was meant, but is not in this build
 * @property {string} model  of the one in use
 */

const LONGEST = 65536; // characters of a query string that are read
const HEIGHT = 720;    // px of a frame, until its figure has said how high it is

export const LINKED = ATTRIBUTES.filter(({ link }) => link !== undefined);

/** @param {Attribute} attribute */
const linkOf = ({ link }) => /** @type {string} */ (link);

/**
 * All that is said is written, because attributes may say otherwise where it is read.
 * @param {Partial<Linked>} state
 * @returns {string} a query string without its question mark
 */
export function encodeState(state) {
  const said = new URLSearchParams();
  for (const attribute of LINKED) {
    const value = /** @type {Partial<Record<string, Value>>} */ (state)[attribute.property];
    const text = value === undefined ? null : textOf(attribute, value);
    if (text !== null) said.set(linkOf(attribute), text);
  }
  return said.toString();
}

/**
 * The values that a query string gives, those that make sense.
 * @param {string} query  with or without a question mark or a #
 * @returns {Partial<Linked>}
 */
export function parseState(query) {
  const said = new URLSearchParams(String(query).slice(0, LONGEST).replace(/^[?#]/, ''));
  /** @type {Record<string, Value>} */
  const state = {};
  for (const attribute of LINKED) {
    const text = said.get(linkOf(attribute));
    if (text === null) continue;
    const value = parsed(attribute, attribute.kind === 'names' ? viewsIn(text).views.join(' ') : text);
    if (value !== undefined) state[attribute.property] = value;
  }
  return /** @type {Partial<Linked>} */ (state);
}

/** @param {string} address  of a page that restores the state  @param {Partial<Linked>} state */
export function linkTo(address, state) {
  const link = new URL(address);
  link.hash = encodeState(state);
  return link.href;
}

/** @param {string} text */
const escaped = (text) => text.replace(/[&<>"\n]/g, (character) => `&#${character.charCodeAt(0)};`);

/**
 * What an author pastes to have this figure.
 * @param {EmbedKind} kind  the tag, a frame of this site, or a frame of the single file beside the article
 * @param {Partial<Linked>} state
 * @param {string} base  address of the folder that has the script, ending in a slash; '' where the article
 *   has it already, and the tag will do
 */
export function embedCode(kind, state, base) {
  if (kind === 'tag') {
    const script = base && `<script type="module" src="${escaped(`${base}${TAG}.js`)}"></script>\n`;
    return `${script}<${TAG}${attributesFor(state)}></${TAG}>\n`;
  }
  const query = encodeState(state);
  const page = kind === 'file' ? `${TAG}.html` : `${base}embed.html`;
  const address = escaped(query ? `${page}?${query}` : page);
  return `<iframe src="${address}" title="The KV cache, on and off" width="100%" height="${HEIGHT}"`
    + ' loading="lazy" allow="clipboard-write" frameborder="0"></iframe>\n';
}

/** @param {Partial<Linked>} state */
const attributesFor = (state) => LINKED.map((attribute) => {
  const value = /** @type {Partial<Record<string, Value>>} */ (state)[attribute.property];
  const text = value === undefined || value === attribute.preset ? null : textOf(attribute, value);
  return text === null ? '' : ` ${attribute.name}="${escaped(text)}"`;
}).join('');
