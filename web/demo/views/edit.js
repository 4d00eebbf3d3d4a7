/// <reference path="../css.d.ts" />
// An edited prompt: what of it a cache spares; and the mistake of sparing too much, made on purpose.
import { BEFORE, CHANGES, changed, isReading, placesOf } from '../edit.js';
import { button, element, onStartStop, put, say, uniqueId } from '../parts/dom.js';
import { placesPicture } from '../parts/edit-picture.js';
import { placesOn } from '../parts/edit-places.js';
import { failurePlace } from '../parts/failure.js';
import { framed, framedStyles } from '../parts/figure.js';
import { staleOf } from '../parts/stale.js';
import { readsSource } from '../recorded.js';
import { isApart, isWorking, languageOf } from '../state.js';
import { statusWords } from '../words.js';
import { EDIT } from '../words/edit.js';
import styles from './edit.css' with { type: 'text' };

/**
 * @import { Outcome } from '../edit.js'
 * @import { Context, View } from '../view.js'
 * @import { State } from '../state.js'
 *
 * @typedef {(typeof EDIT)[string]} Words
 */

const LONGEST = 16384; // characters
const NAMES = /** @type {(keyof typeof CHANGES)[]} */ (Object.keys(CHANGES));

/** @type {View} */
export const edit = {
  name: 'edit',
  styles: framedStyles(styles),
  mount(root, context) {
    const said = EDIT[context.words.lang];
    const form = formOf(said, context);
    const drawn = placesOn(said.legend);
    const provider = providerOf(said.provider);
    const stale = staleOf(said.stale);
    const { caption, position, before, after, how } = said.table;
    /** @type {Outcome | undefined} */
    let outcome;
    const frame = framed(context, {
      name: 'edit', title: said.title, means: said.means, controls: form.node, drawing: drawn.node,
      picture: () => placesPicture(drawn.node),
      table: { caption, heads: [position, before, after, how], rows: () => rowsOf(outcome, said) },
    });
    frame.sentence.after(provider.node, stale.node);
    root.append(frame.node);
    return (state) => {
      form.show(state);
      if (state.edit.outcome !== outcome || !outcome) {
        ({ outcome } = state.edit);
        drawn.show(outcome ? placesOf(outcome) : [], languageOf(state));
        provider.show(outcome);
        stale.show(outcome, languageOf(state));
      }
      frame.show(outcome ? sentenceOf(said, outcome) : said.empty);
    };
  },
};

/** @param {Words} words  @param {Outcome} outcome */
function sentenceOf(words, { rest, whole }) {
  const { tokens, reused } = rest;
  return reused > 0 ? words.some(reused, tokens, rest, whole) : words.none(tokens, rest, whole);
}

/** @param {Outcome | undefined} outcome  @param {Words} words */
function rowsOf(outcome, { table: words }) {
  return (outcome ? placesOf(outcome) : []).map(({ before, after, how }, i) => [
    String(i + 1), before ?? words.ended, after ?? words.ended, how ? words[how] : words.ended]);
}

/**
 * Two prompts, changes to try, and what is being done.
 * @param {Words} said  @param {Context} context
 */
function formOf(said, { actions, signal, words }) {
  const [before, after] = [fieldOf('edit-before', said.before), fieldOf('edit-after', said.after)];
  before.field.value = BEFORE;
  after.field.value = changed('middle');
  const stateId = uniqueId('edit-state');
  const go = button({ class: 'edit-go', part: 'edit-go', 'aria-describedby': stateId });
  const doing = element('p', { id: stateId, class: 'edit-state note', part: 'edit-state', role: 'status' });
  const failure = failurePlace(words);
  const alert = { class: 'error', part: 'edit-error', role: 'alert', hidden: true };
  const error = element('p', alert, failure.node);
  let [busy, reading] = [false, false]; // as the reader sees it
  let fresh = true;
  const start = () => {
    if (!busy) actions.edit({ before: before.field.value, after: after.field.value });
  };
  const tries = NAMES.map((name) => {
    const one = button({ part: `edit-${name}` }, said.changes[name]);
    one.addEventListener('click', () => {
      if (busy) return;
      before.field.value = BEFORE;
      after.field.value = changed(name);
      start();
    }, { signal });
    return one;
  });
  onStartStop(go, () => reading, start, () => actions.stop(), signal);
  /** @param {State} state */
  const show = (state) => {
    const { draft } = state.edit;
    for (const { field } of [before, after]) put(field, 'lang', languageOf(state));
    if (fresh && draft) [before.field.value, after.field.value] = [draft.before, draft.after];
    fresh = false;
    reading = isReading(state.edit);
    busy = isWorking(state) || isApart(state) || readsSource(state);
    say(go, reading ? said.stop : said.run);
    put(go, 'aria-disabled', String(busy && !reading)); // disabled, it would lose the focus
    for (const one of tries) put(one, 'aria-disabled', String(busy));
    say(doing, doingOf(said, words, state));
    failure.show(state.edit.failure);
    error.hidden = !state.edit.failure;
  };
  const named = { class: 'edit-tries', role: 'group', 'aria-label': said.changes.group };
  const node = element('div', { class: 'edit-form' }, before.node, after.node,
    element('div', named, ...tries, go), doing, error);
  return { node, show };
}

/** @param {Words} said  @param {Context['words']} words  @param {State} state */
function doingOf(said, words, state) {
  if (isReading(state.edit)) return state.status === 'loading' ? statusWords(words, state) : said.reading;
  if (readsSource(state)) return said.encoder;
  if (isWorking(state)) return words.benchmark.blocked;
  if (state.edit.status === 'stopped') return said.stopped;
  return state.model || state.download.total === 0 ? '' : said.loads(state.download.total);
}

/** @param {string} part  @param {string} name */
function fieldOf(part, name) {
  const id = uniqueId(part);
  const field = element('textarea', {
    id, part, rows: 3, dir: 'auto', maxlength: LONGEST, spellcheck: 'false' });
  return { field, node: element('div', { class: 'edit-field' }, element('label', { for: id }, name), field) };
}

/** What a provider's cached token is. @param {Words['provider']} words */
function providerOf(words) {
  const said = element('p', { part: 'edit-provider' });
  const node = element('section', { class: 'edit-part', hidden: true }, element('h3', {}, words.title), said);
  /** @param {Outcome | undefined} outcome */
  const show = (outcome) => {
    node.hidden = !outcome;
    if (!outcome) return;
    const { reused } = outcome.rest;
    say(said, [reused > 0 ? words.some(reused) : words.none, words.why, words.so].join(' '));
  };
  return { node, show };
}
