// Which of the shipped storytellers the figure has.
import { element, note, say, uniqueId } from './dom.js';
import { SHIPPED } from '../attributes.js';
import { shippedHere } from '../shipped.js';
import { shippedOf } from '../state.js';

/**
 * @import { Context } from '../view.js'
 * @import { State } from '../state.js'
 * @import { CHOICE } from '../words/choice.js'
 */

/** @param {(typeof CHOICE)[string]} words  @param {Context} context */
export function shippedChoice(words, { actions, signal }) {
  const group = uniqueId('shipped');
  const here = shippedHere();
  const radios = SHIPPED.map((name) => {
    const input = element('input', {
      type: 'radio', name: group, part: `model-${name}`, disabled: !here.includes(name) });
    const size = note('');
    input.addEventListener('change', () => actions.useShipped(name), { signal });
    const label = element('span', {}, words.each[name], ' ', size);
    return { name, input, size, node: element('label', {}, input, label) };
  });
  const node = element('fieldset', { part: 'model-shipped', hidden: true },
    element('legend', {}, words.shipped), ...radios.map((radio) => radio.node),
    here.length < SHIPPED.length ? note(words.absent) : '');
  const weigh = async () => {
    for (const { name, size } of radios.filter((radio) => here.includes(radio.name))) {
      const bytes = await actions.sizeOf(name).catch(() => 0); // loading it says what is wrong
      say(size, bytes > 0 ? `(${words.downloads(bytes)})` : '');
    }
  };
  /** @type {State['model'] | null} */
  let loaded = null;
  /** @param {State} state */
  const show = (state) => {
    node.hidden = state.shipped === undefined;
    if (node.hidden) return;
    for (const { name, input } of radios) input.checked = shippedOf(state) === name;
    if (state.model !== loaded) weigh(); // what is there is not downloaded again
    loaded = state.model;
  };
  return { node, show };
}
