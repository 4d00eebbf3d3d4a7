// A model that keeps the contract at the top of enable-cache.js, as a type and as checks.
import { shown } from '../engine/arguments.js';
import { KvcError } from '../engine/errors.js';

/**
 * @import { KVCache } from '../cache/kv-cache.js'
 *
 * @typedef {{ forward: (x: Float32Array) => Float32Array }} Layer
 * @typedef {Layer & { qProj: Layer, kProj: Layer, vProj: Layer, outProj: Layer }} AttentionLayer
 *
 * @typedef {object} GPTLike  see enable-cache.js
 * @property {number} embedDim
 * @property {number} numLayers
 * @property {number} numHeads
 * @property {number} [numKVHeads]
 * @property {number} maxSeqLen
 * @property {{ attention: AttentionLayer }[]} blocks
 * @property {(ids: ArrayLike<number>, start?: number) => Float32Array} embed
 * @property {(ids: ArrayLike<number>, options?: any) => any} forward
 * @property {KVCache} [kvCache]
 */

/** @param {boolean} holds  @param {string} what  the model must have */
function need(holds, what) {
  if (holds) return;
  throw new KvcError('config_invalid', `enableKVCache needs ${what}; see the contract in enable-cache.js.`);
}

/** Refuses a model that lacks something, and says what. @param {GPTLike} model */
export function checkModel(model) {
  for (const name of /** @type {const} */ (['embedDim', 'numLayers', 'numHeads', 'maxSeqLen'])) {
    need(Number.isInteger(model[name]) && model[name] >= 1,
      `model.${name}, a whole number of at least 1, and it is ${shown(model[name])}`);
  }
  const { embedDim, numLayers, numHeads, numKVHeads = numHeads, blocks } = model;
  need(embedDim % (4 * numHeads) === 0,
    `an embedDim that divides by numHeads into multiples of 4, and ${embedDim} / ${numHeads} is not one`);
  need(Number.isInteger(numKVHeads) && numHeads % numKVHeads === 0,
    `a numKVHeads that divides numHeads = ${numHeads}, and it is ${shown(numKVHeads)}`);
  for (const name of /** @type {const} */ (['embed', 'forward'])) {
    need(typeof model[name] === 'function', `model.${name}()`);
  }
  need(Array.isArray(blocks) && blocks.length === numLayers,
    `model.blocks, an array of numLayers = ${numLayers} blocks`);
  checkAttentions(blocks.map((block) => block?.attention));
  for (const name of ['embed', 'forward', 'kvCache']) {
    need(isReplaceable(model, name), `a model.${name} that can be replaced, and it is frozen`);
  }
}

/** @param {AttentionLayer[]} attentions  of the blocks */
function checkAttentions(attentions) {
  attentions.forEach((attention, i) => {
    const parts = [attention, attention?.qProj, attention?.kProj, attention?.vProj, attention?.outProj];
    need(parts.every((part) => typeof part?.forward === 'function'),
      `blocks[${i}].attention with forward() and qProj, kProj, vProj, outProj with forward()`);
    const first = attentions.indexOf(attention);
    need(first === i, `an attention of its own for each block, and blocks ${first} and ${i} share one`);
    need(isReplaceable(attention, 'forward'),
      `a blocks[${i}].attention.forward that can be replaced, and it is frozen`);
  });
}

/** @param {object} object  @param {string} name */
function isReplaceable(object, name) {
  return Object.getOwnPropertyDescriptor(object, name)?.configurable ?? Object.isExtensible(object);
}
