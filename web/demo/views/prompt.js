// The beginning of the story, in the reader's own words or by an example.
import { button, element, put, say, uniqueId } from '../parts/dom.js';
import { readsSource } from '../recorded.js';
import { languageOf, shippedOf } from '../state.js';
import { countWords } from '../words.js';

/** @import { View } from '../view.js' */

/** For the shipped models, in their language. */
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
  mount(root, { actions, signal, words }) {
    const id = uniqueId('prompt');
    const field = element('textarea', {
      id, part: 'prompt', rows: 2, dir: 'auto', maxlength: LONGEST, spellcheck: 'false',
      'aria-describedby': `${id}-count`,
    });
    const count = element('span', { id: `${id}-count`, class: 'note count', part: 'count' });
    const examples = EXAMPLES.map((text) => button({ lang: 'en' }, text));
    const { prompt: said } = words;
    const label = element('label', { for: id });
    const named = { class: 'examples', role: 'group', 'aria-label': said.examples };
    const group = element('div', named, ...examples);
    root.append(element('div', { class: 'prompt-box', role: 'group', 'aria-label': said.group },
      label, field, count,
      group));
    field.addEventListener('input', () => actions.setPrompt(field.value), { signal });
    field.addEventListener('keydown', (event) => {
      if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) actions.generate();
    }, { signal });
    for (const [i, example] of examples.entries()) {
      example.addEventListener('click', () => replaceText(field, EXAMPLES[i]), { signal });
    }
    return (state) => {
      const isShipped = shippedOf(state) !== undefined;
      say(label, isShipped ? said.label : readsSource(state) ? said.source : said.any);
      put(field, 'lang', languageOf(state));
      group.hidden = !isShipped;
      if (field.value !== state.prompt) field.value = state.prompt;
      say(count, countWords(words, state));
    };
  },
};

/**
 * Puts text into a field as if it were typed, so that undo (Ctrl+Z) brings the reader's own back. Only this
 * old way can do that.
 * @param {HTMLTextAreaElement} field  @param {string} text
 */
function replaceText(field, text) {
  field.focus();
  field.select();
  if (document.execCommand('insertText', false, text)) return;
  field.setRangeText(text); // a browser without it, and so without undo
  field.dispatchEvent(new Event('input'));
}
