// generation_config.json: the sampling settings that a model's makers suggest, in the sense of Hugging Face.
import { Fields, isCount } from './fields.js';

/**
 * @import { Config } from './config.js'
 *
 * @typedef {object} GenerationConfig
 * @property {number} temperature         0 is greedy
 * @property {number} topK                0 is off
 * @property {number} topP                1 is off
 * @property {number} minP                0 is off
 * @property {number} repetitionPenalty   1 is off
 * @property {number} [maxNewTokens]
 * @property {readonly number[]} eosTokenIds
 */

/**
 * Without `do_sample` it is greedy. Settings of other methods (beams and the like) are left to the caller of
 * generate().
 * @param {unknown} json  parsed generation_config.json, or undefined where there is none
 * @param {Readonly<Config>} config
 * @returns {Readonly<GenerationConfig>}
 */
export function parseGenerationConfig(json, config) {
  const fields = new Fields(json === undefined ? {} : json, 'generation_config.json');
  const sampled = fields.flag('do_sample', false);
  const temperature = fields.number('temperature', 1, (x) => x >= 0, 'at least 0');
  const maxNewTokens = fields.number('max_new_tokens', 0, isCount, 'a whole number');
  const eosTokenIds = fields.tokenIds('eos_token_id', config.vocabSize, []);
  return Object.freeze({
    temperature: sampled ? temperature : 0,
    // 50 is the format's default, but it counts only where the file asks for sampling.
    topK: fields.number('top_k', sampled ? 50 : 0, isCount, 'a whole number'),
    topP: fields.number('top_p', 1, (x) => x > 0 && x <= 1, 'above 0 and at most 1'),
    minP: fields.number('min_p', 0, (x) => x >= 0 && x <= 1, 'between 0 and 1'),
    repetitionPenalty: fields.number('repetition_penalty', 1, (x) => x > 0, 'above 0'),
    ...(maxNewTokens > 0 && { maxNewTokens }),
    eosTokenIds: fields.has('eos_token_id') ? eosTokenIds : config.eosTokenId,
  });
}
