// What a reader does with the view "window": how many places, with sinks or without, and how far it is.
import { PLACES } from '../places.js';
import { button, element, onStartStop, say, uniqueId } from './dom.js';
import { failurePlace } from './failure.js';

/**
 * @import { Failure } from '../failure.js'
 * @import { Context } from '../view.js'
 * @import { Sliding } from '../places.js'
 * @import { WINDOW } from '../words/window.js'
 *
 * @typedef {object} Doing
 * @property {Sliding} sliding
 * @property {boolean} isBusy
 * @property {boolean} isFree  it can be started
 * @property {number} bytes  to be downloaded
 * @property {string} said
 * @property {number} [share]  that is done, of what is under way
 * @property {Failure} [failure]
 */

/**
 * @param {(typeof WINDOW)[string]} said  @param {Pick<Context, 'words' | 'signal'>} context
 * @param {{ start: () => void, stop: () => void, choose: (sliding: Partial<Sliding>) => void }} asks
 */
export function windowForm(said, { words, signal }, { start, stop, choose }) {
  const [selectId, stateId] = [uniqueId('places'), uniqueId('window-state')];
  const select = element('select', { id: selectId, part: 'window-capacity' }, ...PLACES.map((value) => (
    element('option', { value }, words.format.counted(Number(value))))));
  const sinks = element('input', { type: 'checkbox', part: 'window-sinks' });
  const [label, size] = [element('span'), element('span', { class: 'size' })];
  const go = button({ class: 'go', part: 'window-go', 'aria-describedby': stateId }, label, size);
  const state = element('p', { id: stateId, class: 'window-state', part: 'window-state' });
  const progress = element('progress', { max: 1, hidden: true, 'aria-labelledby': stateId });
  const failure = failurePlace(words);
  const alert = { class: 'error', part: 'window-error', role: 'alert', hidden: true };
  const error = element('p', alert, failure.node);
  let isBusy = false; // as the reader sees it
  onStartStop(go, () => isBusy, start, stop, signal);
  select.addEventListener('change', () => {
    choose({ places: PLACES[select.selectedIndex] });
  }, { signal });
  sinks.addEventListener('change', () => {
    choose({ sinks: sinks.checked ? 'on' : 'off' });
  }, { signal });
  const node = element('div', { class: 'window-form' },
    element('div', { class: 'window-entry' },
      element('p', { class: 'field' }, element('label', { for: selectId }, said.capacity), select), go),
    element('label', { class: 'window-sinks' }, sinks, said.sinks),
    state, progress, error);
  /** @param {Doing} doing */
  const show = (doing) => {
    isBusy = doing.isBusy;
    select.value = doing.sliding.places;
    sinks.checked = doing.sliding.sinks === 'on';
    go.disabled = !isBusy && !doing.isFree;
    say(label, isBusy ? said.stop : said.go);
    say(size, doing.bytes > 0 && !isBusy ? ` ${said.downloads(doing.bytes)}` : '');
    say(state, doing.said);
    progress.hidden = !isBusy;
    if (doing.share === undefined) progress.removeAttribute('value');
    else progress.value = doing.share;
    failure.show(doing.failure);
    error.hidden = !doing.failure;
  };
  return { node, show };
}
