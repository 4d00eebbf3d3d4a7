// All heads of all layers, each as a small picture of what it reads, to choose one from: radio buttons, so
// that the arrow keys go from head to head.
import { barsOf, rowOf } from '../lens.js';
import { element, put, svg, uniqueId } from './dom.js';

/**
 * @import { Attention, Head } from '../lens.js'
 *
 * @typedef {object} Words
 * @property {string} heads
 * @property {(layer: number) => string} layer
 * @property {(layer: number, head: number, share?: number) => string} head  counted from 1
 *
 * @typedef {{ radio: HTMLInputElement, bars: SVGElement, head: Head }} Choice
 */

/** @param {Words} words  @param {AbortSignal} signal  @param {(head: Head) => void} onChoose */
export function headsGrid(words, signal, onChoose) {
  const name = uniqueId('head');
  const node = element('div', { class: 'heads', role: 'radiogroup', 'aria-label': words.heads });
  /** @type {Choice[]} */
  let choices = [];
  let shape = '';
  node.addEventListener('change', () => {
    const chosen = choices.find(({ radio }) => radio.checked);
    if (chosen) onChoose(chosen.head);
  }, { signal });
  /** @param {number} layer  @param {number} heads */
  const rowFor = (layer, heads) => {
    const made = Array.from({ length: heads }, (_, head) => choiceOf(name, { layer, head }));
    choices.push(...made.map(({ choice }) => choice));
    const title = element('span', { class: 'note' }, words.layer(layer + 1));
    return element('div', { class: 'heads-row' }, title, ...made.map(({ label }) => label));
  };
  /** @param {{ layer: number, head: number }} counts  of them  @param {Head} chosen */
  const show = (counts, chosen) => {
    const now = `${counts.layer} ${counts.head}`;
    if (now !== shape) {
      shape = now;
      choices = [];
      const rows = Array.from({ length: counts.layer }, (_, layer) => rowFor(layer, counts.head));
      node.replaceChildren(...rows);
      for (const { radio, head: { layer, head } } of choices) {
        put(radio, 'aria-label', words.head(layer + 1, head + 1));
      }
    }
    for (const { radio, head } of choices) {
      radio.checked = head.layer === chosen.layer && head.head === chosen.head;
    }
  };
  /** What each of them reads. @param {Attention} attention */
  const paint = (attention) => {
    for (const { radio, bars, head } of choices) {
      const row = rowOf(attention, head);
      put(bars, 'd', row ? pathOf(barsOf(row)) : '');
      put(radio, 'aria-label', words.head(head.layer + 1, head.head + 1, row?.[0]));
    }
  };
  return { node, show, paint };
}

/** @param {string} name  @param {Head} head */
function choiceOf(name, head) {
  const bars = svg('path');
  const radio = element('input', { type: 'radio', name, class: 'visually-hidden' });
  const picture = svg('svg',
    { viewBox: '0 0 12 10', preserveAspectRatio: 'none', 'aria-hidden': 'true' }, bars);
  const label = element('label', { class: 'head', part: 'head' }, radio, picture);
  return { label, choice: { radio, bars, head } };
}

/** Bars as high as the fill of a token. @param {readonly number[]} bars */
const pathOf = (bars) => bars.map((share, i) => (
  share > 0 ? `M${i} 10V${(10 - 10 * Math.sqrt(Math.min(1, share))).toFixed(2)}h.8V10z` : '')).join('');
