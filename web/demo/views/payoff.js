// The one number to remember: how many times as fast, at the same place of the same text.
import { element, put, say } from '../parts/dom.js';
import { payoffOf } from '../payoff.js';
import { payoffWords } from '../words.js';

/**
 * @import { Payoff } from '../payoff.js'
 * @import { View } from '../player.js'
 */

/** @type {View} */
export const payoff = {
  name: 'payoff',
  mount(root, { words }) {
    const times = element('p', { class: 'times', part: 'times' });
    const details = element('span', { part: 'times-words' });
    const mark = element('strong', { part: 'same' });
    root.append(element('div', { class: 'payoff', part: 'payoff' },
      times, element('p', { class: 'note' }, details, ' ', mark)));
    return (state) => {
      const { large, small, verdict } = payoffWords(words, state);
      say(times, large);
      say(details, small);
      say(mark, verdict);
      put(mark, 'data-verdict', verdictOf(payoffOf(state)));
    };
  },
};

/** @param {Payoff} payoff */
function verdictOf(payoff) {
  if (payoff.kind !== 'times' || payoff.same === undefined) return 'none';
  return payoff.same ? 'equal' : 'different';
}
