// The one number to remember: how many times as fast, at the same place of the same text.
import { element, put, say } from '../parts/dom.js';
import { payoffOf } from '../payoff.js';
import { payoffWords } from '../words.js';

/**
 * @import { Payoff } from '../payoff.js'
 * @import { View } from '../view.js'
 */

/** @type {View} */
export const payoff = {
  name: 'payoff',
  mount(root, { words }) {
    const ofRecorded = { ...words, payoff: { ...words.payoff, ...words.recorded.payoff } };
    const times = element('p', { class: 'times', part: 'times' });
    const small = element('span', { part: 'times-words' });
    const mark = element('strong', { part: 'same' });
    root.append(element('div', { class: 'payoff', part: 'payoff' },
      times, element('p', { class: 'note' }, small, ' ', mark)));
    return (state) => {
      const shown = payoffOf(state);
      const said = payoffWords(state.recorded ? ofRecorded : words, shown);
      say(times, said.large);
      say(small, said.small);
      say(mark, said.verdict);
      put(mark, 'data-verdict', verdictOf(shown));
    };
  },
};

/** @param {Payoff} payoff */
function verdictOf(payoff) {
  if (!('same' in payoff) || payoff.same === undefined) return 'none';
  return payoff.same ? 'equal' : 'different';
}
