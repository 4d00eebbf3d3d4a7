// What a generation_config.json asks for beyond the sampler: rules for logits and stop strings, in the names
// of the options of generate(), and what it asks for that is not done.
import { isCount } from './fields.js';
import { SETTING_RANGES } from './ranges.js';

/**
 * @import { Config } from './config.js'
 * @import { Fields } from './fields.js'
 * @import { GenerationConfig } from './generation.js'
 * @import { SettingName } from './ranges.js'
 */

/** @type {readonly [string, SettingName][]} */
const NUMBERS = [
  ['min_new_tokens', 'minTokens'], ['no_repeat_ngram_size', 'noRepeatNgramSize'],
  ['frequency_penalty', 'frequencyPenalty'], ['presence_penalty', 'presencePenalty'],
];

/**
 * Settings that are not done by themselves, and the values with which they ask for nothing.
 * @type {readonly [string, number][]}
 */
const NOT_DONE = [
  ['num_beams', 1], ['num_beam_groups', 1], ['diversity_penalty', 0], ['penalty_alpha', 0],
  ['min_length', 0], ['typical_p', 1], ['top_h', 1], ['epsilon_cutoff', 0], ['eta_cutoff', 0],
  ['guidance_scale', 1], ['encoder_repetition_penalty', 1], ['encoder_no_repeat_ngram_size', 0],
  ['force_words_ids', 0], ['constraints', 0], ['forced_bos_token_id', -1],
  ['exponential_decay_length_penalty', 0], ['begin_suppress_tokens', 0],
  ['watermarking_config', 0], ['dola_layers', 0],
];

/**
 * Only what is asked for is there.
 * @param {Fields} fields  @param {Readonly<Config>} config
 * @returns {Partial<GenerationConfig>}
 */
export function readRules(fields, { vocabSize, sampledIds = vocabSize, encoder }) {
  /** @type {Partial<Record<SettingName, number>>} */
  const numbers = {};
  for (const [key, name] of NUMBERS) {
    const { holds, range } = SETTING_RANGES[name];
    const value = fields.number(key, 0, holds, range);
    if (value !== 0) numbers[name] = value;
  }
  const stop = stopStrings(fields);
  const biases = biasesOf(fields, vocabSize);
  const words = bannedWords(fields, vocabSize);
  const ignored = NOT_DONE.filter(([key, nothing]) => !asksNothing(fields.get(key), nothing))
    .map(([key]) => key).filter((key) => !(encoder && key === 'forced_bos_token_id'));
  if (!biases) ignored.push('sequence_bias');
  if (!words) ignored.push('bad_words_ids');
  const forced = fields.tokenIds('forced_eos_token_id', vocabSize, []);
  if (forced.length > 1) ignored.push('forced_eos_token_id');
  const banned = [...fields.tokenIds('suppress_tokens', vocabSize, []), ...words ?? []]
    .filter((id) => id < sampledIds).map((id) => [id, -Infinity]);
  const logitBias = Object.fromEntries([...biases ?? [], ...banned]);
  return {
    ...numbers,
    ...(stop.length > 0 && { stop: Object.freeze(stop) }),
    ...(forced.length === 1 && { forcedEosTokenId: forced[0] }),
    ...(Object.keys(logitBias).length > 0 && { logitBias: Object.freeze(logitBias) }),
    ...(ignored.length > 0 && { ignored: Object.freeze(ignored) }),
  };
}

/** @param {unknown} value  @param {number} nothing */
const asksNothing = (value, nothing) => (
  value === undefined || value === null || value === nothing || (Array.isArray(value) && value.length === 0));

/** @param {Fields} fields  @returns {string[]} */
function stopStrings(fields) {
  const value = fields.get('stop_strings') ?? [];
  const stops = Array.isArray(value) ? value : [value];
  if (stops.every((stop) => typeof stop === 'string' && stop !== '')) return stops;
  return fields.refuse('stop_strings', 'a string or several, none of them empty');
}

/**
 * Words of one token; undefined where one is of several, which is not done.
 * @param {Fields} fields  @param {number} vocabSize
 * @returns {number[] | undefined}
 */
function bannedWords(fields, vocabSize) {
  const words = fields.get('bad_words_ids') ?? [];
  const isOne = (/** @type {unknown} */ word) => (
    Array.isArray(word) && word.length === 1 && isCount(word[0]) && word[0] < vocabSize);
  return Array.isArray(words) && words.every(isOne) ? words.flat() : undefined;
}

/**
 * Of single tokens; undefined where one is of several, which is not done.
 * @param {Fields} fields  @param {number} vocabSize
 * @returns {[number, number][] | undefined}
 */
function biasesOf(fields, vocabSize) {
  const value = fields.get('sequence_bias') ?? [];
  if (!Array.isArray(value)) return undefined;
  /** @type {[number, number][]} */
  const biases = [];
  for (const entry of value) {
    const [ids, added] = Array.isArray(entry) ? entry : [];
    const isOne = Array.isArray(ids) && ids.length === 1 && Number.isInteger(ids[0]) && ids[0] >= 0
      && ids[0] < vocabSize;
    if (!isOne || typeof added !== 'number' || !SETTING_RANGES.logitBias.holds(added)) return undefined;
    biases.push([ids[0], added]);
  }
  return biases;
}
