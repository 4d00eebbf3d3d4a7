// The text as it grows: the prompt, then what the model writes, with a mark wherever the switch was flipped.
import { element } from './dom.js';

/** @import { Mode } from '../curves.js' */

const CLOSE = 40; // px: a reader this near the end follows the text

/**
 * Control and direction characters made visible: a model's text must not be able to rearrange the page.
 * @param {string} text
 */
export function visible(text) {
  return text.replace(/[^\P{Cc}\n\t]|[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu, (character) => {
    const code = /** @type {number} */ (character.codePointAt(0));
    if (code < 32) return String.fromCharCode(0x2400 + code);
    return `⟨U+${code.toString(16).toUpperCase().padStart(4, '0')}⟩`;
  });
}

export class StoryText {
  #box;
  #story;
  /** Where the text goes on; absent after the prompt and after a mark. @type {Text | undefined} */
  #end;

  /** @param {HTMLElement} box  scrolls  @param {HTMLElement} story  inside it */
  constructor(box, story) {
    this.#box = box;
    this.#story = story;
  }

  /** @param {string} prompt */
  begin(prompt) {
    this.#story.replaceChildren(element('span', { class: 'prompt', part: 'story-prompt' }, visible(prompt)));
    this.#end = undefined;
    this.#box.scrollTop = 0;
  }

  /** Lays the page out, so once a frame is enough. @param {string} text */
  write(text) {
    const { scrollHeight, scrollTop, clientHeight } = this.#box;
    if (!this.#end) {
      this.#end = document.createTextNode('');
      this.#story.append(element('span', { class: 'written', part: 'story-written' }, this.#end));
    }
    this.#end.appendData(visible(text));
    // A reader who has scrolled back is left where they read.
    if (scrollHeight - scrollTop - clientHeight < CLOSE) this.#box.scrollTop = this.#box.scrollHeight;
  }

  /** The switch was flipped here. @param {Mode} mode */
  mark(mode) {
    const part = `flip flip-${mode}`;
    this.#story.append(element('span', { class: `flip ${mode}`, part }, `cache ${mode}`));
    this.#end = undefined;
  }
}
