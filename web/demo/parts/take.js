// Text to the clipboard, files to the disk, and a line that says what has become of them.
import { element, say } from './dom.js';

const LINK_MS = 60_000; // browsers fetch what they save soon after the click, but not all of them at once

/**
 * @typedef {object} TakeWords
 * @property {string} field   where there is something to copy by hand
 * @property {string} noCopy  why
 */

/** @param {TakeWords} words */
export function taking(words) {
  const news = element('span', { class: 'note', part: 'copied', role: 'status' });
  const field = element('textarea', {
    class: 'copy-text', part: 'copy-text', rows: 8, readonly: true, hidden: true,
    'aria-label': words.field, lang: 'en', translate: 'no',
  });
  /** @param {string} [said] */
  const tell = (said = '') => {
    field.hidden = true;
    say(news, said);
  };
  return {
    news, field, tell,
    /** @param {string} text  @param {string} done  what is said then */
    async copy(text, done) {
      try {
        await navigator.clipboard.writeText(text);
        tell(done);
      } catch { // not allowed here, or not on pages without https
        tell(words.noCopy);
        field.hidden = false;
        field.value = text;
        field.select();
      }
    },
    /** @param {string} name  @param {Blob} content  @param {string} done */
    save(name, content, done) {
      const href = URL.createObjectURL(content);
      element('a', { href, download: name }).click();
      setTimeout(() => URL.revokeObjectURL(href), LINK_MS);
      tell(done);
    },
  };
}
