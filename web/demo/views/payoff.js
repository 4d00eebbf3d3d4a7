// The one number to remember: how many times as fast, at the same place of the same text.
import { element, put, say } from '../parts/dom.js';
import { payoffOf } from '../payoff.js';
import { counted, measured } from '../../measure/numbers.js';

/**
 * @import { Payoff } from '../payoff.js'
 * @import { View } from '../player.js'
 */

/** @type {View} */
export const payoff = {
  name: 'payoff',
  mount(root) {
    const times = element('p', { class: 'times', part: 'times' });
    const words = element('span', { part: 'times-words' });
    const mark = element('strong', { part: 'same' });
    root.append(element('div', { class: 'payoff', part: 'payoff' },
      times, element('p', { class: 'note' }, words, ' ', mark)));
    return (state) => {
      const shown = payoffOf(state);
      const { large, small, verdict } = payoffWords(shown);
      say(times, large);
      say(words, small);
      say(mark, verdict);
      put(mark, 'data-verdict', verdictOf(shown));
    };
  },
};

/** @param {Payoff} payoff */
function verdictOf(payoff) {
  if (payoff.kind !== 'times' || payoff.same === undefined) return 'none';
  return payoff.same ? 'equal' : 'different';
}

/** In large letters, in small ones, and what the proof says of it. @param {Payoff} payoff */
function payoffWords(payoff) {
  const [large, small] = headline(payoff);
  if (payoff.kind !== 'times' || payoff.same === undefined) return { large, small, verdict: '' };
  const verdict = payoff.same ? 'Same text: proved equal.' : 'Not the same: please report it.';
  return { large, small, verdict };
}

/** @param {Payoff} payoff */
function headline(payoff) {
  switch (payoff.kind) {
    case 'none': return ['How much faster?', 'It is measured here, on your machine.'];
    case 'soon': return ['', ''];
    case 'speed': {
      const { speed, mode, position } = payoff;
      return [`${measured(speed)} tokens/s`, `with the cache ${mode}, at position ${counted(position)}.`];
    }
    case 'times': {
      const { position, on, off } = payoff;
      const speeds = `${measured(on)} instead of ${measured(off)} tokens/s`;
      return [`${measured(on / off)} times as fast`, `at position ${counted(position)}: ${speeds}.`];
    }
  }
}
