// config.json, checked: the sizes and settings of a model. model_type picks the reader, one file an
// architecture. A setting that would change the computation in a way the engine does not know is refused,
// never ignored.
import { readBart, readMarian } from './bart.js';
import { Fields } from './fields.js';
import { readGptNeo } from './gpt-neo.js';
import { readGemma3 } from './gemma3.js';
import { readGpt2 } from './gpt2.js';
import { readGptNeox } from './gpt-neox.js';
import { readLlama } from './llama.js';
import { readMistral } from './mistral.js';
import { readOpt } from './opt.js';
import { readPhi } from './phi.js';
import { readQwen2, readQwen3 } from './qwen.js';
import { reasonAgainst, refuseSettings } from './refused.js';
import { readMt5, readT5 } from './t5.js';

/**
 * @import { Rotary } from './rotary.js'
 * @import { Window } from './window.js'
 */

/** Readers by model_type. */
const READERS = Object.freeze({
  gpt2: readGpt2, llama: readLlama, qwen2: readQwen2, qwen3: readQwen3, mistral: readMistral,
  gpt_neox: readGptNeox, phi: readPhi, opt: readOpt, gpt_neo: readGptNeo,
  gemma3_text: readGemma3,
  t5: readT5, mt5: readMt5, marian: readMarian, bart: readBart,
});

/** @type {readonly unknown[]} */
const WITH_ENCODER = ['t5', 'mt5', 'marian', 'bart'];

/**
 * @typedef {object} Encoder
 * @property {number} nLayer
 * @property {number} [buckets]      of a T5: distances between tokens share so many weights
 * @property {number} [distance]     from which on all have the last
 * @property {boolean} [scaledHead]  what goes into the head is divided by sqrt(nEmbd)
 *
 * @typedef {object} Config
 * @property {keyof typeof READERS} modelType
 * @property {number} nLayer
 * @property {number} nHead               heads of queries
 * @property {number} nKvHead             heads of keys and values; nHead is a multiple of it
 * @property {number} headDim             numbers of a head
 * @property {number} nEmbd               width of the model
 * @property {number} nPositions          the longest context
 * @property {number} vocabSize
 * @property {number} nInner              width of the hidden layer of the MLP
 * @property {number} layerNormEpsilon   of an RMS norm, too
 * @property {boolean} [ownHead]         the head is a matrix of its own, not the embedding's
 * @property {boolean} [attentionBias]   these matrices have biases, where the architecture lets it open
 * @property {boolean} [mlpBias]
 * @property {boolean} [qkvBias]         those of q, k and v have, that of o has not: a Qwen2; false: the
 *   other way round, a GPT-Neo
 * @property {boolean} [qkNorm]          each head of q and k has a norm: a Qwen3
 * @property {boolean} [gated]           false in a model with rotations whose MLP has no gate and whose norms
 *   have biases, as a GPT-2's; in a T5, whether the MLP has a gate
 * @property {boolean} [headBias]        the head has a bias: a Phi
 * @property {number} [normsPerLayer]    1 in a Phi, 4 in a Gemma 3, else 2
 * @property {number} [positionRows]     of the table of positions; more than nPositions in an OPT
 * @property {boolean} [parallel]        attention and MLP of a layer stand side by side
 * @property {Readonly<Rotary>} [rotary]  positions are rotations; else they are learned
 * @property {number} [scoreScale]       of queries times keys; else 1 / sqrt(headDim)
 * @property {Readonly<Window>} [window]  some layers do not see the whole text
 * @property {Readonly<Encoder>} [encoder]  the model has an encoder, too, which reads a source: all that
 *   stands here is its decoder's
 * @property {number | null} [padTokenId]    of a model with an encoder
 * @property {number | null} [startTokenId]  that its texts begin with
 * @property {number | null} [forcedTokenId]  that follows it in every text
 * @property {number | null} [forcedEndId]  the last token that there is room for, where no other file says
 * @property {number} [sampledIds]  no text has ids from here on, which are padding
 * @property {number | null} bosTokenId
 * @property {readonly number[]} eosTokenId  any of these ends a text
 */

/**
 * @param {unknown} json  parsed config.json
 * @returns {Readonly<Config>}
 */
export function parseConfig(json) {
  const fields = new Fields(json, 'config.json');
  const modelType = fields.get('model_type');
  if (!isKnown(modelType)) {
    const known = Object.keys(READERS).map((name) => `"${name}"`).join(', ');
    const reason = reasonAgainst(modelType);
    throw fields.unsupported('model_type',
      `${reason ? `${reason}; ` : ''}the architectures that can be computed are: ${known}`);
  }
  refuseSettings(fields, WITH_ENCODER.includes(modelType));
  return Object.freeze({ modelType, ...READERS[modelType](fields) });
}

/** @param {unknown} modelType  @returns {modelType is keyof typeof READERS} */
const isKnown = (modelType) => typeof modelType === 'string' && Object.hasOwn(READERS, modelType);
