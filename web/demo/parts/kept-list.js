// The models that are kept on this device, to load and to remove.
import { nameAt } from '../candidate.js';
import { look, remove, use } from '../keeping.js';
import { button, element, note, say } from './dom.js';
import { failurePlace } from './failure.js';

/**
 * @import { KeptModel } from '../../files/kept-models.js'
 * @import { Context } from '../view.js'
 * @import { CHOICE } from '../words/choice.js'
 * @import { State } from '../state.js'
 *
 * @typedef {(typeof CHOICE)[string]} Words
 */

/** @param {Words} words  @param {Context} context */
export function keptList(words, { actions, signal, words: dictionary }) {
  const { size, day } = dictionary.format;
  const said = element('p', { role: 'status', part: 'kept-state', tabindex: -1 });
  const place = failurePlace(dictionary);
  const error = element('p', { class: 'error', role: 'alert', hidden: true }, place.node);
  const total = note('');
  const list = element('ul');
  const all = button({ part: 'kept-remove-all' });
  const models = element('div', { hidden: true }, element('h3', {}, `${words.here} `, total), list,
    element('p', { class: 'actions' }, all), element('p', { class: 'note' }, words.mayGo));
  all.addEventListener('click', () => leave(() => remove(actions)), { signal });
  /** The button that is clicked is about to go. @param {() => void} act */
  const leave = (act) => {
    said.focus();
    act();
  };
  /** @param {KeptModel} model */
  const row = ({ address, bytes, date }) => {
    const name = nameAt(address);
    const load = button({ part: 'kept-load', 'aria-label': words.loadIt(name) }, words.load);
    const take = button({ part: 'kept-remove', 'aria-label': words.removeIt(name) }, words.remove);
    load.addEventListener('click', () => leave(() => use(actions, address)), { signal });
    take.addEventListener('click', () => leave(() => remove(actions, address)), { signal });
    const since = note(words.since(size(bytes), day(date.toISOString())));
    const what = element('div', {}, element('p', {}, element('strong', {}, name), ' ', since),
      element('p', { class: 'note', dir: 'ltr' }, address));
    const node = element('li', {}, what, element('p', { class: 'actions' }, load, take));
    return { address, load, node };
  };
  /** @type {readonly KeptModel[] | undefined} */
  let shown;
  /** @type {ReturnType<typeof row>[]} */
  let rows = [];
  /** @type {State['model'] | null} */
  let loaded = null;
  /** @param {State} state */
  const show = ({ kept, other, model }) => {
    if (model !== loaded) look(actions); // a load may have kept more
    loaded = model;
    const { models: now = [], removing, freed } = kept;
    if (now !== shown) {
      shown = now;
      const sum = size(now.reduce((bytes, model) => bytes + model.bytes, 0));
      models.hidden = now.length === 0;
      all.hidden = now.length < 2;
      say(total, now.length < 2 ? '' : words.inAll(now.length, sum));
      say(all, words.removeAll(sum));
      rows = now.map(row);
      list.replaceChildren(...rows.map(({ node }) => node));
    }
    for (const { address, load } of rows) load.hidden = other?.address === address;
    say(said, removing ? words.removing : freed === undefined ? '' : words.removed(size(freed)));
    error.hidden = !kept.failure;
    place.show(kept.failure);
  };
  return { node: element('div', { class: 'kept', part: 'kept' }, said, error, models), show };
}
