// Short messages for screen readers: states, not tokens. Of each subject the last one wins, and never more is
// said than can be spoken.
import { element, say } from '../parts/dom.js';
import { spoken } from '../words.js';

/** @import { View } from '../view.js' */

const PAUSE_MS = 1500; // between two messages

/** @type {View} */
export const announcer = {
  name: 'announcer',
  mount(root, { signal, words }) {
    const message = element('p', { class: 'visually-hidden', part: 'announcer', role: 'status' });
    root.append(message);
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let timer;
    let last = -Infinity;
    /** What is not spoken yet, by subject. @type {Map<string, string>} */
    const waiting = new Map();
    const speak = () => {
      last = performance.now();
      say(message, [...waiting.values()].join(' '));
      waiting.clear();
    };
    /** @param {string} subject  @param {string} said */
    const announce = (subject, said) => {
      waiting.set(subject, said);
      clearTimeout(timer);
      timer = setTimeout(speak, Math.max(0, last + PAUSE_MS - performance.now()));
    };
    signal.addEventListener('abort', () => clearTimeout(timer));
    const heard = { run: '', result: '', benchmark: '' };
    return (state) => {
      const news = spoken(words, state);
      for (const subject of /** @type {const} */ (['run', 'result', 'benchmark'])) {
        const said = news[subject];
        if (said === undefined || said === heard[subject]) continue;
        heard[subject] = said;
        if (said) announce(subject, said);
      }
    };
  },
};
