// The story: the prompt, the tokens as they come, the flips of the switch, and a remark; of a race, both.
import { button, element, put, say } from '../parts/dom.js';
import { lanesPlace } from '../parts/lanes.js';
import { StoryText, follower } from '../parts/story-text.js';
import { readsSource } from '../recorded.js';
import { isWorking, languageOf } from '../state.js';
import { remarkWords } from '../words.js';

/** @import { View } from '../view.js' */

/** @type {View} */
export const story = {
  name: 'story',
  mount(root, { actions, signal, words }) {
    const attributes = { class: 'story', part: 'story', dir: 'auto', translate: 'no' };
    const text = element('p', attributes);
    const empty = element('p', { class: 'note story-empty' }, words.story.empty);
    const box = element('div', {
      class: 'story-box', part: 'story-box', role: 'group', 'aria-label': words.story.group, tabindex: 0,
    }, text, empty);
    const lanes = lanesPlace(words, signal);
    const remark = element('p', { class: 'note', part: 'remark' });
    const again = button({ class: 'quiet', part: 'replay' });
    root.append(element('div', { class: 'story-part' }, box, lanes.node,
      element('div', { class: 'remark' }, remark, again)));
    const follow = follower(new StoryText(box, text, words, signal));
    let playing = false; // as the reader sees it
    again.addEventListener('click', () => (playing ? actions.skipReplay() : actions.replay()), { signal });
    return (state) => {
      const { recorded, run } = state;
      follow(run, readsSource(state));
      put(text, 'lang', languageOf(state));
      put(text, 'aria-busy', String(isWorking(state))); // it is not final yet
      box.hidden = lanes.show(state);
      say(remark, remarkWords(words, state));
      playing = recorded?.playing ?? false;
      say(again, playing ? words.recorded.skip : words.recorded.replay);
      again.hidden = !recorded;
    };
  },
};
