// The switch, Generate, and the race of both ways, which a figure beside another one leaves to that.
import { button, element, onStartStop, put, say } from '../parts/dom.js';
import { modeOf } from '../run.js';
import { rivalBytes } from '../race.js';
import { isApart, isComparing, isWorking } from '../state.js';
import { downloadWords, generateWords } from '../words.js';

/** @import { View } from '../view.js' */

/** @param {{ isWhole: boolean }} options  @returns {View} */
const controlsOf = ({ isWhole }) => ({
  name: 'controls',
  mount(root, { actions, signal, words }) {
    const { controls: said } = words;
    const word = element('span', { class: 'word', part: 'cache-word', 'aria-hidden': 'true' });
    const track = element('span', { class: 'track', part: 'track', 'aria-hidden': 'true' });
    const cache = button({ class: 'switch', part: 'cache', role: 'switch', 'aria-checked': 'true' },
      track, element('span', { class: 'name' }, `${said.cache} `, word));
    const goWords = element('span');
    const size = element('span', { class: 'size' });
    const go = button({ class: 'go', part: 'go', title: said.keys }, goWords, size);
    const both = button({ class: 'both', part: 'both', title: said.compareMeans(0) }, said.compare);
    root.append(element('div', { class: 'hero', role: 'group', 'aria-label': said.group }, cache, go));
    if (isWhole) root.append(both);
    let working = false; // as the reader sees it
    let blocked = false;
    cache.addEventListener('click', () => actions.flip(), { signal });
    onStartStop(go, () => working, () => actions.generate(), () => actions.stop(), signal);
    both.addEventListener('click', () => {
      if (!blocked) actions.compare();
    }, { signal });
    return (state) => {
      working = isWorking(state);
      put(cache, 'aria-checked', String(state.useCache));
      say(word, said.switch[modeOf(state.useCache)]);
      say(goWords, generateWords(words, state));
      const bytes = downloadWords(words, state);
      say(size, bytes && ` ${bytes}`); // one name with what stands above it
      go.disabled = isApart(state);
      blocked = working || isApart(state);
      put(both, 'aria-disabled', String(blocked)); // disabled, it would lose the focus
      put(both, 'title', said.compareMeans(rivalBytes(state)));
      const locked = isComparing(state);
      put(cache, 'aria-disabled', String(locked));
      put(cache, 'title', locked ? said.locked : '');
    };
  },
});

export const controls = controlsOf({ isWhole: true });
export const controlsBeside = controlsOf({ isWhole: false });
