// A button that has the engine try something with the text of the run, while nothing else is under way.
import { isMeasuring } from '../benchmark.js';
import { isWorking } from '../state.js';
import { button, element, put, say } from './dom.js';

/**
 * @import { State } from '../state.js'
 * @import { MAP } from '../words/map.js'
 */

/**
 * @template T
 * @param {string} part  of the button
 * @param {(typeof MAP)[string]['ask']} words
 * @param {() => Promise<T | undefined>} ask
 * @param {(answer: T | undefined) => void} take  undefined: the answer is of another text now
 * @param {AbortSignal} signal
 */
export function askPlace(part, words, ask, take, signal) {
  const go = button({ part });
  const why = element('span', { class: 'note' });
  const error = element('p', { class: 'problem', role: 'alert' });
  const node = element('div', {}, element('p', {}, go, ' ', why), error);
  let [run, isOpen, isAsking] = [0, false, false];
  const enable = () => put(go, 'aria-disabled', String(!isOpen || isAsking));

  go.addEventListener('click', async () => {
    if (!isOpen || isAsking) return;
    const asked = run;
    const isWanted = () => !signal.aborted && asked === run;
    isAsking = true;
    enable();
    say(error, '');
    try {
      const answer = await ask();
      if (isWanted()) take(answer);
    } catch (reason) { // another figure has the engine
      if (isWanted()) say(error, words.failed(String(reason)));
    }
    isAsking = false;
    enable();
  }, { signal });

  /** @param {State} state  @param {number} text  tokens  @param {string} label */
  const show = (state, text, label) => {
    if (state.run.number !== run) {
      take(undefined);
      say(error, '');
    }
    run = state.run.number;
    const isThere = state.model !== undefined && !state.recorded && text > 0;
    isOpen = isThere && !isWorking(state) && !isMeasuring(state.benchmark);
    say(go, label);
    say(why, isOpen ? '' : isThere ? words.later : words.first);
    enable();
  };
  return { node, show };
}
