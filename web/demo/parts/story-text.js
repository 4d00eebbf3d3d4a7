// The text as it grows: the prompt, then what the model writes, with a mark wherever the switch was flipped.
import { stayAtEnd } from './at-end.js';
import { element } from './dom.js';
import { modeOf } from '../run.js';

/**
 * @import { Mode } from '../curves.js'
 * @import { Run } from '../run.js'
 * @import { Dictionary } from '../words/en.js'
 */

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

/** A token among other words: without its space, and a line's end is seen. @param {string} text */
export const quoted = (text) => visible(text.trim() || text.replaceAll('\n', '↵')) || '·';

/**
 * A browser's translation replaces text nodes by others of its own. Each piece of the text is therefore one
 * node, and what was written is never touched again.
 */
export class StoryText {
  #box;
  #story;
  #words;
  /** Where the text goes on; absent after the prompt and after a mark. @type {HTMLElement | undefined} */
  #end;
  #scroll;

  /**
   * @param {HTMLElement} box  scrolls  @param {HTMLElement} story  inside it
   * @param {Dictionary} words  @param {AbortSignal} signal
   */
  constructor(box, story, words, signal) {
    this.#box = box;
    this.#story = story;
    this.#words = words;
    this.#scroll = stayAtEnd(box, story, signal);
  }

  /** @param {string} prompt  @param {boolean} isSource  of a text that does not begin with it */
  begin(prompt, isSource) {
    this.#story.replaceChildren(element('span', {
      class: 'prompt', part: 'story-prompt', dir: 'auto' }, visible(prompt)), isSource ? '\n→ ' : '');
    this.#end = undefined;
    this.#scroll.follow(true);
    this.#box.scrollTop = 0;
  }

  /** @param {string} text */
  write(text) {
    if (!this.#end) {
      this.#end = element('span', { class: 'written', part: 'story-written' });
      this.#story.append(this.#end);
    }
    this.#end.append(visible(text));
  }

  /** The switch was flipped here. @param {Mode} mode */
  mark(mode) {
    const { lang, cache } = this.#words;
    const attributes = { class: `flip ${mode}`, part: `flip flip-${mode}`, lang };
    this.#story.append(element('span', attributes, cache[mode]));
    this.#end = undefined;
  }
}

/**
 * Writes down what a run has that was not written yet.
 * @param {StoryText} story
 * @returns {(run: Run, isSource?: boolean) => void}
 */
export function follower(story) {
  let number = 0;
  let written = 0;
  let mode = modeOf(true);
  return (run, isSource = false) => {
    if (run.number !== number) {
      story.begin(run.prompt, isSource);
      number = run.number;
      written = 0;
    }
    if (written === 0 && run.prefill) mode = modeOf(run.prefill.cached);
    let text = '';
    const flush = () => {
      if (text) story.write(text);
      text = '';
    };
    for (const token of run.tokens.from(written)) {
      if (modeOf(token.cached) !== mode) {
        flush();
        mode = modeOf(token.cached);
        story.mark(mode);
      }
      text += token.text;
    }
    flush();
    written = run.tokens.length;
  };
}
