// config.json of a Qwen2, which 2.5 is as well, and of a Qwen3, in the sense of Hugging Face. Their makers
// write windows into every file and switch them off beside them.
import { readKin } from './llama.js';

/**
 * @import { Fields } from './fields.js'
 * @import { Kind } from './llama.js'
 */

/** @type {Kind} */
const QWEN2 = {
  name: 'Qwen2', nPositions: 32_768, nKvHead: 32, headDim: null, attentionBias: false, mlpBias: false,
  bos: null, eos: null,
};

/** @type {Kind} */
const QWEN3 = { ...QWEN2, name: 'Qwen3', headDim: 128, attentionBias: true };

/** @param {Fields} fields */
export const readQwen2 = (fields) => withoutWindows(fields, { ...readKin(fields, QWEN2), qkvBias: true });

/** @param {Fields} fields */
export const readQwen3 = (fields) => withoutWindows(fields, { ...readKin(fields, QWEN3), qkNorm: true });

/**
 * @template {{ nLayer: number }} T
 * @param {Fields} fields  @param {T} config  @returns {T}
 */
function withoutWindows(fields, config) {
  const types = fields.get('layer_types') ?? [];
  if (!Array.isArray(types) || types.some((type) => type !== 'full_attention')) {
    throw fields.unsupported('layer_types', 'only layers with "full_attention" can be computed');
  }
  const isOn = fields.flag('use_sliding_window', false) && fields.get('sliding_window') !== null;
  const first = fields.number('max_window_layers', 28, Number.isInteger, 'a whole number'); // with a window
  if (isOn && types.length === 0 && first < config.nLayer) {
    throw fields.unsupported('use_sliding_window',
      `layers from ${first} on would see a window only, which is not computed`);
  }
  return config;
}
