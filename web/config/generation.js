// generation_config.json: the sampling settings that a model's makers suggest, in the sense of Hugging Face.
import { Fields, isCount } from './fields.js';
import { SAMPLING_RANGES } from './ranges.js';
import { readRules } from './rules.js';

/**
 * @import { Config } from './config.js'
 * @import { SamplingName } from './ranges.js'
 *
 * @typedef {object} GenerationConfig
 * @property {number} temperature         0 is greedy
 * @property {number} topK                0 is off
 * @property {number} topP                1 is off
 * @property {number} minP                0 is off
 * @property {number} repetitionPenalty   1 is off
 * @property {number} [maxNewTokens]
 * @property {number} [minTokens]          this and what follows as in the options of generate()
 * @property {number} [noRepeatNgramSize]
 * @property {number} [frequencyPenalty]
 * @property {number} [presencePenalty]
 * @property {Readonly<Record<number, number>>} [logitBias]
 * @property {number} [forcedEosTokenId]
 * @property {readonly string[]} [stop]
 * @property {readonly string[]} [ignored]  settings of the file that generate() does not do by itself
 * @property {readonly number[]} eosTokenIds
 * @property {readonly number[]} [startTokenIds]  that texts begin with, of a model with an encoder
 */

/**
 * Without `do_sample` it is greedy. Beams are left to the caller of generate(), and said to be.
 * @param {unknown} json  parsed generation_config.json, or undefined where there is none
 * @param {Readonly<Config>} config
 * @returns {Readonly<GenerationConfig>}
 */
export function parseGenerationConfig(json, config) {
  const fields = new Fields(json === undefined ? {} : json, 'generation_config.json');
  const sampled = fields.flag('do_sample', false);
  const temperature = setting(fields, 'temperature', 1, 'temperature');
  const count = (/** @type {string} */ key) => fields.number(key, 0, isCount, 'a whole number');
  const starts = config.encoder && startOf(fields, config);
  const maxNewTokens = mostNew(count('max_new_tokens'), count('max_length'), starts);
  const { minTokens = 0, ...rules } = readRules(fields, config);
  const least = minTokens - forcedOf(starts);
  const forcedEosTokenId = json === undefined ? config.forcedEndId ?? undefined : undefined;
  const eosTokenIds = fields.tokenIds('eos_token_id', config.vocabSize, []);
  return Object.freeze({
    temperature: sampled ? temperature : 0,
    // 50 is the format's default, but it counts only where the file asks for sampling.
    topK: setting(fields, 'top_k', sampled ? 50 : 0, 'topK'),
    topP: setting(fields, 'top_p', 1, 'topP'),
    minP: setting(fields, 'min_p', 0, 'minP'),
    repetitionPenalty: setting(fields, 'repetition_penalty', 1, 'repetitionPenalty'),
    ...(maxNewTokens !== undefined && { maxNewTokens }),
    ...(least > 0 && { minTokens: least }),
    ...(forcedEosTokenId !== undefined && { forcedEosTokenId }),
    ...rules,
    ...(starts && { startTokenIds: starts }),
    eosTokenIds: fields.has('eos_token_id') ? eosTokenIds : config.eosTokenId,
  });
}

/**
 * How many tokens of what a text begins with were forced: transformers counts them as new ones.
 * @param {readonly number[] | undefined} starts
 */
export const forcedOf = (starts) => Math.max(0, (starts?.length ?? 0) - 1);

/**
 * What a text begins with counts in max_length. Elsewhere that is the prompt, of any length.
 * @param {number} most  max_new_tokens  @param {number} long  max_length; 0: not said
 * @param {readonly number[] | undefined} starts
 */
function mostNew(most, long, starts) {
  if (most > 0) return most - Math.min(most, forcedOf(starts));
  return long > 0 && starts ? Math.max(0, long - starts.length) : undefined;
}

/**
 * What stands before the first token that is drawn: usually one, and one more where it is forced.
 * @param {Fields} fields  @param {Readonly<Config>} config
 */
function startOf(fields, { vocabSize, startTokenId, forcedTokenId }) {
  const known = (/** @type {number | null | undefined} */ id) => (typeof id === 'number' ? [id] : []);
  const [start] = fields.tokenIds('decoder_start_token_id', vocabSize, known(startTokenId));
  const [forced] = fields.tokenIds('forced_bos_token_id', vocabSize, known(forcedTokenId));
  return Object.freeze([...known(start), ...known(forced)]);
}

/** @param {Fields} fields  @param {string} key  @param {number} preset  @param {SamplingName} name */
function setting(fields, key, preset, name) {
  const { holds, range } = SAMPLING_RANGES[name];
  return fields.number(key, preset, holds, range);
}
