// The sampling settings: which there are, what each may be, and where their values come from.

/** @import { GenerationConfig } from '../config/generation.js' */

/**
 * @typedef {'seed' | 'maxTokens' | 'temperature' | 'topK' | 'topP' | 'minP' | 'repetitionPenalty'} Key
 *   the name of a setting in the generate request
 *
 * @typedef {object} Field
 * @property {Key} key
 * @property {string} label
 * @property {string} help
 * @property {number} min
 * @property {number} max
 * @property {boolean} [above]   greater than min, not equal to it
 * @property {boolean} [whole]
 * @property {number} step       of the arrow keys
 * @property {number} preset     until the model brings its own
 *
 * @typedef {Record<Key, number>} Values  NaN where the reader typed something else
 *
 * @typedef {object} Settings
 * @property {Values} values     as they stand in the fields
 * @property {Values} presets    what the model suggests
 * @property {number} capacity   tokens that the model has room for
 */

const SEEDS = 2 ** 32;

/** @type {readonly Field[]} */
export const FIELDS = [
  {
    key: 'seed', label: 'Seed', min: 0, max: SEEDS - 1, whole: true, step: 1, preset: 2,
    help: 'Where the random numbers start. Another seed, another story.',
  },
  {
    key: 'maxTokens', label: 'Tokens to write', min: 1, max: 1024, whole: true, step: 1, preset: 1024,
    help: 'Empty: as many as fit. A run also ends at the end of the story, or when the context is full.',
  },
  {
    key: 'temperature', label: 'Temperature', min: 0, max: 10, step: 0.1, preset: 0.8,
    help: 'Below 1: safer choices; above 1: wilder ones; 0: always the likeliest token.',
  },
  {
    key: 'topK', label: 'Top-k', min: 0, max: 1e6, whole: true, step: 1, preset: 0,
    help: 'Only the k likeliest tokens may be drawn. 0: off.',
  },
  {
    key: 'topP', label: 'Top-p', min: 0, above: true, max: 1, step: 0.05, preset: 1,
    help: 'Only the likeliest tokens that together have this probability. 1: off.',
  },
  {
    key: 'minP', label: 'Min-p', min: 0, max: 1, step: 0.01, preset: 0,
    help: 'Only tokens at least this likely, compared with the likeliest one. 0: off.',
  },
  {
    key: 'repetitionPenalty', label: 'Repetition penalty', min: 0, above: true, max: 10, step: 0.05,
    preset: 1,
    help: 'Above 1: tokens that were already used become less likely. 1: off.',
  },
];

const PRESETS = /** @type {Values} */ (Object.fromEntries(FIELDS.map(({ key, preset }) => [key, preset])));

/** Before a model is loaded. @returns {Settings} */
export const defaults = () => ({ values: PRESETS, presets: PRESETS, capacity: 1024 });

/**
 * Takes over what a model suggests, except where the reader has chosen otherwise.
 * @param {Settings} settings  @param {Partial<GenerationConfig>} generation  @param {number} capacity
 * @returns {Settings}
 */
export function adopt({ values, presets }, generation, capacity) {
  const wanted = { ...generation, maxTokens: capacity }; // how many a model suggests cuts no run short
  const suggested = { ...presets };
  const chosen = { ...values };
  for (const { key } of FIELDS) {
    if (key === 'seed' || wanted[key] === undefined) continue; // a model has no seed
    suggested[key] = wanted[key];
    if (values[key] === presets[key]) chosen[key] = wanted[key];
  }
  return { values: chosen, presets: suggested, capacity };
}

/** The most that a setting may be. @param {Field} field  @param {Settings} settings */
export const most = ({ key, max }, { capacity }) => (key === 'maxTokens' ? capacity : max);

/**
 * What is wrong with a setting, in words; '' when nothing is.
 * @param {Field} field  @param {Settings} settings
 */
export function problemOf(field, settings) {
  const { key, min, above, whole } = field;
  const max = most(field, settings);
  const value = settings.values[key];
  const inRange = (above ? value > min : value >= min) && value <= max;
  if (Number.isFinite(value) && inRange && (!whole || Number.isInteger(value))) return '';
  const kind = whole ? 'whole number' : 'number';
  return `This must be a ${kind} ${above ? `above ${min} and at most ${max}` : `from ${min} to ${max}`}.`;
}

/** Whether a run can begin with them. @param {Settings} settings */
export const areValid = (settings) => FIELDS.every((field) => problemOf(field, settings) === '');
