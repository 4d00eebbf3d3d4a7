// The sampling settings, folded away: a field each, with what it means and what is wrong with it.
import { button, element, note, say, uniqueId } from '../parts/dom.js';
import { FIELDS, isValid, most } from '../sampling.js';
import { problemWords } from '../words.js';

/**
 * @import { Actions, View } from '../view.js'
 * @import { Field, Settings } from '../sampling.js'
 * @import { Dictionary } from '../words/en.js'
 */

/** @type {View} */
export const sampling = {
  name: 'sampling',
  mount(root, { actions, signal, words }) {
    const { sampling: said } = words;
    const summary = element('span', { class: 'note', part: 'sampling-summary' });
    const reset = button({ part: 'defaults' }, said.reset);
    const entries = FIELDS.map((field) => fieldOf(field, words, actions, signal));
    const fold = element('details', { class: 'fold', part: 'sampling' },
      element('summary', {}, `${said.title} `, summary),
      element('p', { class: 'note' }, said.means),
      element('div', { class: 'fields', part: 'fields' }, ...entries.map(({ box }) => box)),
      element('p', {}, reset));
    root.append(fold);
    reset.addEventListener('click', () => actions.resetSampling(), { signal });
    let refusals = 0;
    /** @type {Settings | undefined} */
    let shown;
    /** @type {typeof entries} those with something wrong */
    let wrong = [];
    return (state) => {
      if (state.sampling !== shown) {
        shown = state.sampling;
        wrong = entries.filter(({ show }) => !show(state.sampling));
        say(summary, wrong.length > 0 ? said.wrong : summaryOf(words, state.sampling));
      }
      if (state.refusals === refusals) return;
      refusals = state.refusals;
      fold.open = true;
      wrong[0]?.input.focus(); // the reader is taken to it
    };
  },
};

/** @param {Dictionary} words  @param {Settings} settings */
const summaryOf = ({ sampling }, { values: { seed, temperature, maxTokens }, capacity, endless }) => (
  sampling.summary(seed, temperature, maxTokens === capacity && !endless ? Infinity : maxTokens));

/** @param {Field} field  @param {Dictionary} words  @param {Actions} actions  @param {AbortSignal} signal */
function fieldOf(field, words, actions, signal) {
  const id = uniqueId(field.key);
  const input = element('input', {
    id, part: field.key, type: 'number', min: field.min, step: field.step,
    placeholder: field.key === 'maxTokens' && words.sampling.fits,
    inputmode: field.whole ? 'numeric' : 'decimal',
    'aria-describedby': `${id}-help ${id}-problem`,
  });
  const problem = element('span', { id: `${id}-problem`, class: 'problem', part: `${field.key}-problem` });
  const help = Object.assign(note(words.sampling.fields[field.key].help), { id: `${id}-help` });
  const entry = element('div', { class: 'entry' }, input);
  let fits = NaN; // what an empty field stands for
  const read = () => (input.value === '' && !input.validity.badInput ? fits : input.valueAsNumber);
  input.addEventListener('input', () => actions.setSampling(field.key, read()), { signal });
  if (field.key === 'seed') entry.append(seedButton(words, actions, signal));
  /** @param {Settings} settings  @returns {boolean} whether nothing is wrong */
  const show = (settings) => {
    const value = settings.values[field.key];
    if (field.key === 'maxTokens') fits = settings.endless ? settings.presets.maxTokens : settings.capacity;
    const isUsual = value === fits && !settings.endless;
    if (!Object.is(read(), value) && !Number.isNaN(value)) input.value = isUsual ? '' : String(value);
    input.max = String(most(field, settings));
    const valid = isValid(field, settings);
    say(problem, problemWords(words, field, settings));
    if (valid) input.removeAttribute('aria-invalid');
    else input.setAttribute('aria-invalid', 'true');
    return valid;
  };
  const label = element('label', { for: id }, words.sampling.fields[field.key].label);
  return { box: element('div', { class: 'field' }, label, entry, help, problem), input, show };
}

/** @param {Dictionary} words  @param {Actions} actions  @param {AbortSignal} signal */
function seedButton(words, actions, signal) {
  const made = button({ part: 'new-seed' }, words.sampling.newSeed);
  made.addEventListener('click', () => {
    actions.setSampling('seed', crypto.getRandomValues(new Uint32Array(1))[0]);
  }, { signal });
  return made;
}
