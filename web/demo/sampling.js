// The sampling settings: which there are, what each may be, and where their values come from.

/** @import { GenerationConfig } from '../config/generation.js' */

/**
 * @typedef {'seed' | 'maxTokens' | 'temperature' | 'topK' | 'topP' | 'minP' | 'repetitionPenalty'} Key
 *   the name of a setting in the generate request
 *
 * @typedef {object} Field
 * @property {Key} key
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
 * @property {boolean} [endless]  a text goes on past it
 */

const SEEDS = 2 ** 32;
const ENDLESS = 2 ** 16; // tokens: more than anybody reads

/** @type {readonly Field[]} */
export const FIELDS = [
  { key: 'seed', min: 0, max: SEEDS - 1, whole: true, step: 1, preset: 2 },
  { key: 'maxTokens', min: 1, max: 1024, whole: true, step: 1, preset: 1024 },
  { key: 'temperature', min: 0, max: 10, step: 0.1, preset: 0.8 },
  { key: 'topK', min: 0, max: 1e6, whole: true, step: 1, preset: 0 },
  { key: 'topP', min: 0, above: true, max: 1, step: 0.05, preset: 1 },
  { key: 'minP', min: 0, max: 1, step: 0.01, preset: 0 },
  { key: 'repetitionPenalty', min: 0, above: true, max: 10, step: 0.05, preset: 1 },
];

const PRESETS = /** @type {Values} */ (Object.fromEntries(FIELDS.map(({ key, preset }) => [key, preset])));

/** Before a model is loaded. @returns {Settings} */
export const defaults = () => ({ values: PRESETS, presets: PRESETS, capacity: 1024 });

/**
 * Takes over what a model suggests, except where the reader has chosen otherwise.
 * @param {Settings} settings  @param {Partial<GenerationConfig>} generation  @param {number} room
 * @param {boolean} endless  a text goes on past that
 * @returns {Settings}
 */
export function adopt({ values, presets }, generation, room, endless) {
  // How many a model suggests cuts no run short.
  const wanted = { ...generation, maxTokens: endless ? 2 * room : room };
  const suggested = { ...presets };
  const chosen = { ...values };
  for (const { key } of FIELDS) {
    if (key === 'seed' || wanted[key] === undefined) continue; // a model has no seed
    suggested[key] = wanted[key];
    if (values[key] === presets[key]) chosen[key] = wanted[key];
  }
  return { values: chosen, presets: suggested, capacity: endless ? ENDLESS : room, endless };
}

/**
 * Before a model is loaded, of a text that is to go on past its context, or not.
 * @param {Settings} settings  @param {boolean} endless
 * @returns {Settings}
 */
export function foreseen(settings, endless) {
  const { capacity } = endless ? { capacity: ENDLESS } : defaults();
  const maxTokens = Math.min(settings.values.maxTokens, capacity);
  return { ...settings, capacity, endless, values: { ...settings.values, maxTokens } };
}

/** The most that a setting may be. @param {Field} field  @param {Settings} settings */
export const most = ({ key, max }, { capacity }) => (key === 'maxTokens' ? capacity : max);

/** Whether a run can begin with a setting. @param {Field} field  @param {Settings} settings */
export function isValid(field, settings) {
  const { key, min, above, whole } = field;
  const value = settings.values[key];
  const inRange = (above ? value > min : value >= min) && value <= most(field, settings);
  return Number.isFinite(value) && inRange && (!whole || Number.isInteger(value));
}

/** Whether one can begin with them all. @param {Settings} settings */
export const areValid = (settings) => FIELDS.every((field) => isValid(field, settings));
