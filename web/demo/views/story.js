// The story: the prompt, the tokens as they come, the flips of the switch, and a remark.
import { element, put, say } from '../parts/dom.js';
import { StoryText } from '../parts/story-text.js';
import { modeOf } from '../run.js';
import { isWorking } from '../state.js';
import { remarkWords } from '../words.js';

/**
 * @import { View } from '../player.js'
 * @import { Run } from '../run.js'
 */

/** @type {View} */
export const story = {
  name: 'story',
  mount(root, { signal }) {
    const text = element('p', { class: 'story', part: 'story', dir: 'auto', translate: 'no' });
    const box = element('div', {
      class: 'story-box', part: 'story-box', role: 'group', 'aria-label': 'Story', tabindex: 0 }, text);
    const remark = element('p', { class: 'note remark', part: 'remark' });
    root.append(element('div', { class: 'story-part' }, box, remark));
    const follow = follower(new StoryText(box, text, signal));
    return (state) => {
      follow(state.run);
      put(text, 'aria-busy', String(isWorking(state))); // it is not final yet
      say(remark, remarkWords(state));
    };
  },
};

/**
 * Writes down what a run has that was not written yet.
 * @param {StoryText} text
 * @returns {(run: Run) => void}
 */
function follower(text) {
  let number = 0;
  let written = 0;
  let mode = modeOf(true);
  return (run) => {
    if (run.number !== number) {
      text.begin(run.prompt);
      number = run.number;
      written = 0;
    }
    if (written === 0 && run.prefill) mode = modeOf(run.prefill.cached);
    let words = '';
    const flush = () => {
      if (words) text.write(words);
      words = '';
    };
    for (const token of run.tokens.from(written)) {
      if (modeOf(token.cached) !== mode) {
        flush();
        mode = modeOf(token.cached);
        text.mark(mode);
      }
      words += token.text;
    }
    flush();
    written = run.tokens.length;
  };
}
