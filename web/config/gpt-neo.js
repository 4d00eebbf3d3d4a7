// config.json of a GPT-Neo, in the sense of Hugging Face: TinyStories, gpt-neo-125m.
import { epsilon, positionsOf, refuseTooManyWeights, refuseVariants, sharedOut } from './shared.js';
import { windowOf } from './window.js';

/** @import { Fields } from './fields.js' */

const EOS = 50256; // the default bos and eos id of the format
const TYPES = [[['global', 'local'], 12]]; // and its default kinds of layers
const WINDOW = 256;

/** @param {Fields} fields */
export function readGptNeo(fields) {
  refuseVariants(fields, 'GPTNeo', 'activation_function', ['gelu_new', 'gelu_pytorch_tanh']);
  const ownHead = !fields.flag('tie_word_embeddings', true);
  const nLayer = fields.size('num_layers');
  const nHead = fields.size('num_heads');
  const nEmbd = fields.size('hidden_size');
  const nPositions = positionsOf(fields, 2048);
  const vocabSize = fields.size('vocab_size');
  const nInner = fields.has('intermediate_size') ? fields.size('intermediate_size') : 4 * nEmbd;
  const size = fields.has('window_size') ? fields.size('window_size') : WINDOW;
  const preset = EOS < vocabSize ? [EOS] : [];
  refuseTooManyWeights(fields, ['num_layers', 'hidden_size', 'max_position_embeddings', 'vocab_size'],
    { nLayer, nEmbd, nInner, vocabSize, ownHead, positionRows: nPositions });
  return {
    nLayer, nHead, nKvHead: nHead, headDim: sharedOut(nEmbd, nHead, ['hidden_size', 'num_heads']), nEmbd,
    nPositions, vocabSize, nInner,
    ...(ownHead && { ownHead }),
    layerNormEpsilon: epsilon(fields, 'layer_norm_epsilon', 1e-5),
    qkvBias: false,
    scoreScale: 1,
    ...windowOf(fields, 'window_size', size, kindsOf(fields, nLayer).map((kind) => kind === 'local')),
    bosTokenId: fields.tokenIds('bos_token_id', vocabSize, preset)[0] ?? null,
    eosTokenId: fields.tokenIds('eos_token_id', vocabSize, preset),
  };
}

/**
 * "global" or "local" for each layer: `attention_layers` lists them, `attention_types` has them as
 * [[kinds, how often], ..].
 * @param {Fields} fields  @param {number} nLayer
 * @returns {unknown[]}
 */
function kindsOf(fields, nLayer) {
  const key = fields.has('attention_layers') ? 'attention_layers' : 'attention_types';
  const value = fields.get(key) ?? TYPES;
  const kinds = key === 'attention_layers' ? value : expanded(value, nLayer);
  if (Array.isArray(kinds) && kinds.length === nLayer
    && kinds.every((kind) => kind === 'global' || kind === 'local')) return kinds;
  return fields.refuse(key, `"global" or "local" for each of ${nLayer} layers`);
}

/** Never more than one too many. @param {unknown} types  @param {number} nLayer */
function expanded(types, nLayer) {
  /** @type {unknown[]} */
  const kinds = [];
  for (const type of Array.isArray(types) ? types : []) {
    const [names, times] = Array.isArray(type) ? type : [];
    if (!Array.isArray(names) || typeof times !== 'number') return null;
    for (let i = 0; i < times && kinds.length <= nLayer; i++) kinds.push(...names.slice(0, nLayer + 1));
  }
  return kinds;
}
