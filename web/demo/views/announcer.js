// Short messages for screen readers: states, not tokens. The last one wins, and never more than can be
// spoken.
import { element, say } from '../parts/dom.js';
import { spoken } from '../words.js';

/** @import { View } from '../player.js' */

const PAUSE_MS = 1500; // between two messages

/** @type {View} */
export const announcer = {
  name: 'announcer',
  mount(root, { signal }) {
    const message = element('p', { class: 'visually-hidden', part: 'announcer', role: 'status' });
    root.append(message);
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let timer;
    let last = -Infinity;
    /** @param {string} words */
    const announce = (words) => {
      clearTimeout(timer);
      timer = setTimeout(() => {
        last = performance.now();
        say(message, words);
      }, Math.max(0, last + PAUSE_MS - performance.now()));
    };
    signal.addEventListener('abort', () => clearTimeout(timer));
    const heard = { run: '', result: '', benchmark: '' };
    return (state) => {
      const news = spoken(state);
      for (const subject of /** @type {const} */ (['run', 'result', 'benchmark'])) {
        const words = news[subject];
        if (words === undefined || words === heard[subject]) continue;
        heard[subject] = words;
        if (words) announce(words);
      }
    };
  },
};
