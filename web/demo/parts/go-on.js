// Whether a text goes on when its context is full.
import { canSlide } from '../sliding.js';
import { element, say, uniqueId } from './dom.js';

/**
 * @import { Context } from '../view.js'
 * @import { State } from '../state.js'
 * @import { CHOICE } from '../words/choice.js'
 */

/** @param {(typeof CHOICE)[string]} words  @param {Context} context */
export function goOnChoice({ goOn: words }, { actions, signal }) {
  const id = uniqueId('go-on');
  const input = element('input', { type: 'checkbox', part: 'model-go-on', 'aria-describedby': id });
  const help = element('span', { id, class: 'note', part: 'model-go-on-help' });
  input.addEventListener('change', () => actions.setWhenFull(input.checked ? 'slide' : 'stop'), { signal });
  const node = element('div', { class: 'keep' }, element('label', {}, input, words.label), help);
  /** @param {State} state */
  const show = (state) => {
    const [can, isOn] = [canSlide(state), state.whenFull === 'slide'];
    input.checked = isOn;
    input.disabled = !can && !isOn; // what is on can be switched off
    say(help, can ? words.help : words.cannot);
  };
  return { node, show };
}
