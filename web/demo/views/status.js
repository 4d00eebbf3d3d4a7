// What the demo is doing, how far the model has loaded, and what went wrong.
import { bytesLoaded } from '../download.js';
import { button, element, note, say } from '../parts/dom.js';
import { failurePlace } from '../parts/failure.js';
import { adviceWords, statusWords } from '../words.js';

/** @import { View } from '../view.js' */

/** @type {View} */
export const status = {
  name: 'status',
  mount(root, { actions, signal, words }) {
    const { status: said } = words;
    const doing = element('span', { part: 'state', tabindex: -1 });
    const advice = element('span', { class: 'advice', part: 'advice' });
    const progress = element('progress', {
      part: 'progress', 'aria-label': said.progress, max: 1, hidden: true });
    const failure = failurePlace(words);
    const message = element('p', { part: 'error-message' }, failure.node);
    const code = element('code', { part: 'error-code' });
    const retry = button({ part: 'retry' }, said.retry);
    const coded = note(said.code);
    coded.append(code);
    const error = element('div', { class: 'error', part: 'error', role: 'alert', hidden: true },
      message, element('p', {}, retry, ' ', coded));
    root.append(element('div', { class: 'message' }, element('p', {}, doing, ' ', advice), progress), error);
    retry.addEventListener('click', () => {
      doing.focus(); // the button is about to disappear
      actions.retry();
    }, { signal });
    return (state) => {
      say(doing, statusWords(words, state));
      say(advice, adviceWords(words, state));
      progress.hidden = state.status !== 'loading';
      showShare(progress, bytesLoaded(state), state.download.total);
      failure.show(state.failure);
      say(code, state.failure?.code ?? '');
      error.hidden = !state.failure;
    };
  },
};

/** @param {HTMLProgressElement} progress  @param {number} bytes  @param {number} total  0: not known */
function showShare(progress, bytes, total) {
  if (bytes > 0 && total > 0) progress.value = Math.min(1, bytes / total);
  else progress.removeAttribute('value');
}
