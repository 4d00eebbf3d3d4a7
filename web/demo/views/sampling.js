// The sampling settings, folded away: a field each, with what it means and what is wrong with it.
import { button, element, note, say, uniqueId } from '../parts/dom.js';
import { FIELDS, most, problemOf } from '../sampling.js';

/**
 * @import { Actions, View } from '../player.js'
 * @import { Field, Settings } from '../sampling.js'
 */

const EXPLANATION = 'How the next token is drawn from the model’s probabilities. The same seed, prompt and '
  + 'settings always give the same story.';

/** @type {View} */
export const sampling = {
  name: 'sampling',
  mount(root, { actions, signal }) {
    const summary = element('span', { class: 'note', part: 'sampling-summary' });
    const reset = button({ part: 'defaults' }, 'Back to the model’s own settings');
    const entries = FIELDS.map((field) => fieldOf(field, actions, signal));
    const fold = element('details', { class: 'fold', part: 'sampling' },
      element('summary', {}, 'Sampling ', summary),
      element('p', { class: 'note' }, EXPLANATION),
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
        say(summary, wrong.length > 0 ? '(a setting needs your attention)' : summaryOf(state.sampling));
      }
      if (state.refusals === refusals) return;
      refusals = state.refusals;
      fold.open = true;
      wrong[0]?.input.focus(); // the reader is taken to it
    };
  },
};

/** @param {Settings} settings */
function summaryOf({ values: { seed, temperature, maxTokens }, capacity }) {
  const tokens = maxTokens === capacity ? 'as many tokens as fit' : `${maxTokens} tokens`;
  return `seed ${seed}, temperature ${temperature}, ${tokens}`;
}

/** @param {Field} field  @param {Actions} actions  @param {AbortSignal} signal */
function fieldOf(field, actions, signal) {
  const id = uniqueId(field.key);
  const input = element('input', {
    id, part: field.key, type: 'number', min: field.min, step: field.step,
    placeholder: field.key === 'maxTokens' && 'as many as fit',
    inputmode: field.whole ? 'numeric' : 'decimal',
    'aria-describedby': `${id}-help ${id}-problem`,
  });
  const problem = element('span', { id: `${id}-problem`, class: 'problem', part: `${field.key}-problem` });
  const help = Object.assign(note(field.help), { id: `${id}-help` });
  const entry = element('div', { class: 'entry' }, input);
  let fits = NaN; // what an empty field stands for
  const read = () => (input.value === '' && !input.validity.badInput ? fits : input.valueAsNumber);
  input.addEventListener('input', () => actions.setSampling(field.key, read()), { signal });
  if (field.key === 'seed') entry.append(seedButton(actions, signal));
  /** @param {Settings} settings  @returns {boolean} whether nothing is wrong */
  const show = (settings) => {
    const value = settings.values[field.key];
    if (field.key === 'maxTokens') fits = settings.capacity;
    if (!Object.is(read(), value) && !Number.isNaN(value)) input.value = value === fits ? '' : String(value);
    input.max = String(most(field, settings));
    const words = problemOf(field, settings);
    say(problem, words);
    if (words) input.setAttribute('aria-invalid', 'true');
    else input.removeAttribute('aria-invalid');
    return words === '';
  };
  const label = element('label', { for: id }, field.label);
  return { box: element('div', { class: 'field' }, label, entry, help, problem), input, show };
}

/** @param {Actions} actions  @param {AbortSignal} signal */
function seedButton(actions, signal) {
  const made = button({ part: 'new-seed' }, 'New seed');
  made.addEventListener('click', () => {
    actions.setSampling('seed', crypto.getRandomValues(new Uint32Array(1))[0]);
  }, { signal });
  return made;
}
