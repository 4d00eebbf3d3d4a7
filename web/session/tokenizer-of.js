// The tokenizer of a model that is being loaded, and its special tokens by name.
import { readTokenizer } from '../files/tokenizer-json.js';
import { Tokenizer } from '../files/tokenizer.js';
import { withoutTokenizerJson } from '../files/vocab-merges.js';

/**
 * @import { Config } from '../config/config.js'
 * @import { Pauses } from '../engine/pauses.js'
 * @import { Directory } from '../files/files.js'
 */

/**
 * The tokenizer of a model, from whatever its directory has.
 * @param {Directory} directory
 * @param {{ tokenizer?: Promise<unknown>, tokenizerConfig?: Promise<unknown> }} files
 * @param {Readonly<Config>} config  @param {Pauses} pauses
 */
export async function tokenizerOf(directory, files, { vocabSize }, pauses) {
  let [json, settings] = [await files.tokenizer, await files.tokenizerConfig];
  if (json === undefined) {
    // In older repositories there is something else; where there is nothing, this is the error.
    const made = await withoutTokenizerJson(directory, settings);
    ({ json, settings } = made ?? { json: await directory.json('tokenizer.json'), settings });
  }
  if (pauses.due) await pauses.take();
  const parts = readTokenizer(json, settings, vocabSize);
  if (pauses.due) await pauses.take();
  const tokenizer = new Tokenizer(parts, vocabSize);
  if (pauses.due) await pauses.take();
  return tokenizer;
}

/**
 * What a template may write where tokenizer_config.json says nothing of it.
 * @param {Readonly<Config>} config  @param {Tokenizer | undefined} tokenizer
 */
export function specialTokens({ bosTokenId, eosTokenId }, tokenizer) {
  const named = { bos_token: bosTokenId, eos_token: eosTokenId[0] };
  const tokens = Object.entries(named).flatMap(([name, id]) => (
    id !== null && tokenizer?.has(id) ? [[name, tokenizer.decode([id], { special: true })]] : []));
  return Object.fromEntries(tokens);
}
