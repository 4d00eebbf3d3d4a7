// One token of the text: where it stands, what its K and V have been through, how large they are, and what
// they are in one layer and head.
import { element, note, put, say, uniqueId } from './dom.js';
import { vectorsPlace } from './vectors.js';

/**
 * @import { Config } from '../../config/config.js'
 * @import { TEXT } from '../words/text.js'
 * @import { Dictionary } from '../words/en.js'
 * @import { Vectors } from './vectors.js'
 *
 * @typedef {(typeof TEXT)[string]['token']} Words
 * @typedef {{ layer: number, head: number }} Place  counted from 0
 *
 * @typedef {object} Card
 * @property {string} text
 * @property {string} lang      of it
 * @property {string} where
 * @property {string} deed
 * @property {string} bytes
 * @property {Vectors} [vectors]
 * @property {string} none      why there are none
 */

/**
 * @param {Words} words  @param {Dictionary} dictionary
 * @param {() => void} change  another place was chosen
 * @param {AbortSignal} signal
 */
export function tokenCard(words, { format: { counted } }, change, signal) {
  const id = uniqueId('token');
  const name = element('q', { translate: 'no', part: 'token-text' });
  const where = element('span', { part: 'token-where' });
  const deed = element('p', { part: 'token-deed' });
  const bytes = note('');
  bytes.setAttribute('part', 'token-bytes');
  const none = element('p', { class: 'note', part: 'token-none' });
  const [layer, head] = [choiceOf('layer', words.layer, counted), choiceOf('head', words.head, counted)];
  const vectors = vectorsPlace((which, numbers) => (
    words.vector(which, numbers.length, Math.min(...numbers), Math.max(...numbers))));
  const about = { class: 'token-card', part: 'token', role: 'group', 'aria-label': words.group };
  const node = element('div', about,
    element('div', { id, class: 'about' }, element('p', {}, name, ' ', where), deed, bytes),
    element('p', { class: 'choices' }, ...layer.nodes, ...head.nodes),
    element('div', { class: 'vectors-room' }, none, vectors.node));
  node.addEventListener('change', change, { signal });
  return {
    id, node,
    /** @returns {Place} */
    get place() { return { layer: layer.index, head: head.index }; },
    /** @param {Readonly<Config>} config */
    setShape({ nLayer, nKvHead }) {
      layer.setCount(nLayer);
      head.setCount(nKvHead);
    },
    /** @param {Card} card */
    show(card) {
      say(name, card.text);
      put(name, 'lang', card.lang);
      say(where, card.where);
      say(deed, card.deed);
      say(bytes, card.bytes);
      say(none, card.vectors ? '' : card.none);
      vectors.show(card.vectors);
    },
  };
}

/**
 * One of so many, counted from 1.
 * @param {string} part  @param {string} label  @param {(count: number) => string} counted
 */
function choiceOf(part, label, counted) {
  const id = uniqueId(part);
  const select = element('select', { id, part: `token-${part}` });
  return {
    nodes: [element('label', { for: id }, label), select],
    get index() { return Math.max(0, select.selectedIndex); },
    /** @param {number} count */
    setCount(count) {
      if (select.length === count) return;
      select.replaceChildren(...Array.from({ length: count }, (_, i) => (
        element('option', { value: i }, counted(i + 1)))));
    },
  };
}
