// What the readers of several architectures have in common.
import { KvcError } from '../engine/errors.js';
import { refuseActivation } from './refused.js';

/** @import { Fields } from './fields.js' */

/**
 * Other models of a class, other activations.
 * @param {Fields} fields  @param {string} name  of the class: "GPTNeoX" of GPTNeoXForCausalLM
 * @param {string} key  of the activation
 * @param {readonly string[]} activations  that are computed; the first is the preset
 */
export function refuseVariants(fields, name, key, activations) {
  refuseClasses(fields, [`${name}ForCausalLM`, `${name}Model`]);
  refuseActivation(fields, key, activations);
}

/**
 * Other models of a family.
 * @param {Fields} fields  @param {readonly string[]} classes  the usual one first
 */
export function refuseClasses(fields, classes) {
  const architectures = fields.get('architectures') ?? classes;
  const known = Array.isArray(architectures)
    && architectures.every((each) => classes.some((name) => name === each));
  if (!known) throw fields.unsupported('architectures', `only ["${classes[0]}"] is supported`);
}

/** One of the two stacks of a model, as a model. @param {Fields} fields */
export function refuseLoneStack(fields) {
  if (!fields.flag('is_encoder_decoder', true)) {
    throw fields.unsupported('is_encoder_decoder', 'an encoder without its decoder, or the other way round, '
      + 'cannot be computed');
  }
}

/**
 * The width shared out evenly among the heads.
 * @param {number} nEmbd  @param {number} nHead  @param {readonly [string, string]} [keys]  of both
 */
export function sharedOut(nEmbd, nHead, keys = ['hidden_size', 'num_attention_heads']) {
  const size = nEmbd / nHead;
  if (size % 4 === 0) return size;
  throw new KvcError('config_invalid', `config.json: ${keys[0]} ${nEmbd} over ${keys[1]} ${nHead} gives `
    + `${size} numbers per head; it must be a multiple of 4.`);
}

/** The longest context. @param {Fields} fields  @param {number} preset  of the class */
export function positionsOf(fields, preset) {
  return fields.has('max_position_embeddings') ? fields.size('max_position_embeddings') : preset;
}

/** @param {Fields} fields  @param {string} key  @param {number} preset */
export function epsilon(fields, key, preset) {
  return fields.number(key, preset, (x) => x > 0 && x < 1, 'between 0 and 1');
}

/**
 * Of a model whose heads make up its width and whose MLP has no gate.
 * @param {Fields} fields  @param {string[]} keys  that the sizes follow from
 * @param {{ nLayer: number, nEmbd: number, nInner: number, vocabSize: number, ownHead: boolean,
 *   positionRows?: number }} sizes
 */
export function refuseTooManyWeights(fields, keys, sizes) {
  const { nLayer, nEmbd, nInner, vocabSize, ownHead, positionRows = 0 } = sizes;
  const rows = (ownHead ? 2 : 1) * vocabSize + positionRows;
  fields.refuseTooManyWeights(nLayer * nEmbd * (4 * nEmbd + 2 * nInner) + rows * nEmbd, keys);
}
