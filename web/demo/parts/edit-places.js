// Two prompts, token under token: which of the lower one were reused, and which computed again.
import { element, put } from './dom.js';
import { visible } from './story-text.js';

/**
 * @import { Place } from '../edit.js'
 *
 * @typedef {{ rows: string, reused: string, computed: string }} Legend
 */

/** @param {Legend} words */
export function placesOn({ rows, reused, computed }) {
  const sample = (/** @type {string} */ how, /** @type {string} */ name) => (
    element('span', { class: `edit-token legend ${how}` }, name));
  const legend = element('p', { class: 'edit-legend note', hidden: true },
    sample('rows', rows), ' ', sample('reused', reused), ' ', sample('computed', computed));
  const list = element('div', { class: 'edit-places', translate: 'no' });
  const node = element('div', { class: 'edit-prompts' }, legend, list);
  /** @param {readonly Place[]} places  @param {string} lang  of their text */
  const show = (places, lang) => {
    put(list, 'lang', lang);
    legend.hidden = places.length === 0;
    list.replaceChildren(...places.map(placeOf));
  };
  return { node, show };
}

/** @param {Place} place */
function placeOf({ before = '', after = '', changed, how }) {
  const token = (/** @type {string} */ text, /** @type {string} */ kind) => (
    element('span', { class: `edit-token ${kind}${changed ? ' changed' : ''}` }, visible(text)));
  return element('span', { class: 'edit-place' }, token(before, 'old'), token(after, how ?? 'none'));
}
