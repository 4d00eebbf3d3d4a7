// Where there is no tokenizer.json: older repositories have GPT-2's own two files instead, vocab.json and
// merges.txt, from which it is made here; those of SentencePiece need a conversion.
import { KvcError } from '../engine/errors.js';
import { shown } from './json.js';
import { isObject, objectOf } from './tokenizer-values.js';

/**
 * @import { Directory } from './files.js'
 * @import { Json } from './tokenizer-values.js'
 */

/** Classes of transformers with GPT-2's rules. */
const CLASSES = /^(?:GPT2|CodeGen)Tokenizer(?:Fast)?$/;
const SPECIAL = ['bos_token', 'eos_token', 'unk_token', 'sep_token', 'pad_token', 'cls_token', 'mask_token'];
const TWO_MODELS = 'but source.spm and target.spm, a model of SentencePiece for each language, which are not '
  + 'read. Take the tokenizer.json of its conversion for transformers.js, or load the model with '
  + '{ tokenizer: false } and give it token ids.';
const CONVERT = 'Make a tokenizer.json once, in Python: from transformers import AutoTokenizer; '
  + 'AutoTokenizer.from_pretrained("the model").save_pretrained("a folder"). Or load the model with '
  + '{ tokenizer: false } and give it token ids.';

/**
 * What tokenizer.json and tokenizer_config.json would hold; undefined without vocab.json.
 * @param {Directory} directory  @param {unknown} config  parsed tokenizer_config.json, or undefined
 */
export async function withoutTokenizerJson(directory, config) {
  const optional = { optional: true };
  const vocab = await directory.json('vocab.json', optional);
  if (vocab === undefined) {
    if (!await directory.has('tokenizer.model')) return undefined;
    throw new KvcError('tokenizer_invalid', `${directory.name} has no tokenizer.json, but tokenizer.model, `
      + `which is not read. ${CONVERT}`);
  }
  const [merges, map, more] = await Promise.all([directory.text('merges.txt'),
    directory.json('special_tokens_map.json', optional), directory.json('added_tokens.json', optional)]);
  const settings = {
    ...objectOf(map ?? {}, 'special_tokens_map.json'), ...objectOf(config ?? {}, 'tokenizer_config.json'),
  };
  const { tokenizer_class: kind = 'GPT2Tokenizer' } = settings;
  if (merges === undefined && await directory.has('source.spm')) {
    throw new KvcError('tokenizer_invalid', `${directory.name} has no tokenizer.json, ${TWO_MODELS}`);
  }
  if (merges === undefined || typeof kind !== 'string' || !CLASSES.test(kind)) {
    throw new KvcError('tokenizer_invalid', `${directory.name} has no tokenizer.json, and vocab.json `
      + `${merges === undefined ? 'without merges.txt' : `of a ${shown(kind)}`} is not read. ${CONVERT}`);
  }
  const tokens = objectOf(vocab, 'vocab.json');
  return { json: jsonOf(tokens, merges, settings, objectOf(more ?? {}, 'added_tokens.json')), settings };
}

/** @param {Json} vocab  @param {string} merges  @param {Json} settings  @param {Json} more  token -> id */
function jsonOf(vocab, merges, settings, more) {
  const byteLevel = { type: 'ByteLevel', add_prefix_space: settings.add_prefix_space ?? false };
  return {
    added_tokens: addedOf(vocab, settings, more),
    pre_tokenizer: byteLevel, decoder: byteLevel,
    model: { type: 'BPE', vocab, merges: linesOf(merges) },
  };
}

/** @param {string} merges */
const linesOf = (merges) => (
  merges.split(/\r?\n/).filter((line, i) => line !== '' && (i > 0 || !line.startsWith('#version'))));

/** @param {Json} vocab  @param {Json} settings  @param {Json} more */
function addedOf(vocab, settings, more) {
  const listed = Object.entries(isObject(settings.added_tokens_decoder) ? settings.added_tokens_decoder : {})
    .map(([id, token]) => ({ ...objectOf(token, 'added_tokens_decoder'), id: Number(id) }));
  const others = Array.isArray(settings.additional_special_tokens) ? settings.additional_special_tokens : [];
  const named = [...SPECIAL.map((name) => settings[name]), ...others]
    .map((token) => (isObject(token) ? token.content : token));
  const special = new Set(named.some((token) => typeof token === 'string') ? named : ['<|endoftext|>']);
  const ids = new Map([...Object.entries(more), ...Object.entries(vocab)
    .filter(([token]) => special.has(token))]);
  const known = new Set(listed.map((/** @type {Json} */ { content }) => content));
  const rest = [...ids].filter(([content]) => !known.has(content))
    .map(([content, id]) => ({ id, content, special: special.has(content), normalized: false }));
  return [...listed, ...rest];
}
