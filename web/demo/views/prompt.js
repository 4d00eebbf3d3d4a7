// The beginning of the story, in the reader's own words or by an example.
import { button, element, uniqueId } from '../parts/dom.js';

/** @import { View } from '../player.js' */

const EXAMPLES = [
  'Once upon a time',
  'Deep in the forest there lived',
  'The fisherman said to his wife,',
  '"Who are you?" asked the fox.',
];
const LONGEST = 16384; // characters

/** @type {View} */
export const prompt = {
  name: 'prompt',
  mount(root, { actions, signal }) {
    const id = uniqueId('prompt');
    const field = element('textarea', {
      id, part: 'prompt', rows: 2, maxlength: LONGEST, spellcheck: 'false' });
    const examples = EXAMPLES.map((text) => button({}, text));
    root.append(element('div', { class: 'prompt-box', role: 'group', 'aria-label': 'Prompt' },
      element('label', { for: id }, 'Begin a story'),
      field,
      element('div', { class: 'examples', role: 'group', 'aria-label': 'Example beginnings' }, ...examples)));
    field.addEventListener('input', () => actions.setPrompt(field.value), { signal });
    field.addEventListener('keydown', (event) => {
      if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) actions.generate();
    }, { signal });
    for (const [i, example] of examples.entries()) {
      example.addEventListener('click', () => actions.setPrompt(EXAMPLES[i]), { signal });
    }
    return (state) => {
      if (field.value !== state.prompt) field.value = state.prompt;
    };
  },
};
