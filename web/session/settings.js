// What generate() is asked for beyond the sampler's own settings: what ends a text, what changes its logits
// and what is told of them. Checked; what is not given comes from the model's generation_config.json.
import { SETTING_RANGES } from '../config/ranges.js';
import { checkCallback, invalid, isCount, listLength, listOf, shown } from '../engine/arguments.js';
import { KvcError } from '../engine/errors.js';

/**
 * @import { SettingName } from '../config/ranges.js'
 * @import { SessionModel } from './native-session.js'
 * @import { GenerateOptions, LogitBias } from './sampling.js'
 */

const MOST_STOPS = 1000;

/** Options with which a run takes none of these from the model's makers either. */
export const NO_RULES = Object.freeze(/** @satisfies {GenerateOptions} */ ({
  stop: [], minTokens: 0, logitBias: {}, frequencyPenalty: 0, presencePenalty: 0, noRepeatNgramSize: 0,
  forcedEosTokenId: /** @type {const} */ (false),
}));

/** @param {GenerateOptions} options  @param {SessionModel} model */
export function settingsOf(options, model) {
  const { config: { vocabSize }, generation, sampledIds } = model;
  const { onLogits, maxTokens, logprobs } = options;
  const number = (/** @type {SettingName} */ name) => {
    const given = options[name] ?? generation[name] ?? 0;
    const { holds, range } = SETTING_RANGES[name];
    if (typeof given === 'number' && holds(given)) return given;
    throw invalid(`${name} is ${shown(given)}; it must be ${range}.`);
  };
  checkCallback('onLogits', onLogits);
  const minTokens = number('minTokens');
  if (isCount(options.minTokens) && isCount(maxTokens) && minTokens > maxTokens) {
    throw invalid(`minTokens is ${minTokens}, and maxTokens is ${maxTokens}: that is less.`);
  }
  if (logprobs !== undefined && logprobs !== null && !(isCount(logprobs) && logprobs <= sampledIds)) {
    throw invalid(`logprobs is ${shown(logprobs)}; it must be a whole number from 0 to ${sampledIds}, the `
      + 'tokens that this model can choose from.');
  }
  const stops = stopStrings(options.stop ?? generation.stop ?? [], model);
  if (stops.length > 0 && options.numBeams !== undefined) {
    throw invalid('Beam search weighs whole texts and finds no stop strings: leave out stop, or numBeams'
      + `${options.stop === undefined ? "; stop: [] turns off those of the model's makers" : ''}. `
      + 'stopTokens will do.');
  }
  return {
    stops,
    stopTokens: stopTokens(options.stopTokens ?? [], vocabSize),
    minTokens,
    logitBias: biasOf(options.logitBias ?? generation.logitBias ?? {}, vocabSize),
    frequencyPenalty: number('frequencyPenalty'),
    presencePenalty: number('presencePenalty'),
    noRepeatNgramSize: number('noRepeatNgramSize'),
    forced: forcedOf(options.forcedEosTokenId ?? generation.forcedEosTokenId ?? false, vocabSize),
    onLogits: onLogits ?? undefined,
    logprobs: logprobs ?? undefined,
  };
}

/** @param {unknown} given  @param {SessionModel} model  @returns {readonly string[]} */
function stopStrings(given, model) {
  const isList = Array.isArray(given) && given.length <= MOST_STOPS;
  const stops = isList ? [...given] : [given];
  if (!stops.every((stop) => typeof stop === 'string' && stop !== '')) {
    throw invalid(`stop is ${shown(given)}; it must be a string or an array of up to ${MOST_STOPS} of them, `
      + 'none empty.');
  }
  if (stops.length > 0) void model.tokenizer; // without one there is no text: refused
  return [...new Set(stops)];
}

/** @param {ArrayLike<number>} given  @param {number} vocabSize */
function stopTokens(given, vocabSize) {
  const length = listLength(given, 'stopTokens');
  if (length > vocabSize) throw invalid(`stopTokens has ${length} entries, more than there are tokens.`);
  const ids = listOf(given, 'stopTokens', length);
  for (const id of ids) checkId(id, 'stopTokens', vocabSize);
  return ids;
}

/** @param {number | false} given  @param {number} vocabSize */
function forcedOf(given, vocabSize) {
  if (given === false) return undefined;
  checkId(given, 'forcedEosTokenId', vocabSize);
  return given;
}

/** @param {LogitBias} given  @param {number} vocabSize  @returns {ReadonlyMap<number, number>} */
function biasOf(given, vocabSize) {
  if (typeof given !== 'object' || Array.isArray(given) || ArrayBuffer.isView(given)) {
    throw invalid(`logitBias is ${shown(given)}; it must be an object or a Map from token ids to numbers.`);
  }
  const isMap = Object.prototype.toString.call(given) === '[object Map]'; // of any realm
  const entries = isMap ? [.../** @type {ReadonlyMap<number, number>} */ (given)] : Object.entries(given);
  return new Map(entries.map(([key, added]) => {
    const id = typeof key === 'string' && /^\d+$/.test(key) ? Number(key) : key;
    checkId(id, 'logitBias', vocabSize);
    const { holds, range } = SETTING_RANGES.logitBias;
    if (typeof added === 'number' && holds(added)) return [Number(id), added];
    throw invalid(`logitBias of token ${id} is ${shown(added)}; it must be ${range}.`);
  }));
}

/** @param {unknown} id  @param {string} what  names it  @param {number} vocabSize */
function checkId(id, what, vocabSize) {
  if (isCount(id) && id < vocabSize) return;
  throw new KvcError('token_out_of_range',
    `${what}: ${shown(id)} is not a token id; this model has ids 0 to ${vocabSize - 1}.`);
}
