// config.json of a Qwen2, which 2.5 is as well, and of a Qwen3, in the sense of Hugging Face. Their makers
// write windows into every file and mostly switch them off beside them.
import { readKin } from './llama.js';
import { layersWithWindow, windowOf } from './window.js';

/**
 * @import { Fields } from './fields.js'
 * @import { Kind } from './llama.js'
 */

/** @type {Kind} */
const QWEN2 = {
  name: 'Qwen2', nPositions: 32_768, nKvHead: 32, headDim: null, attentionBias: false, mlpBias: false,
  bos: null, eos: null,
};

const WINDOW = 4096; // where the key is missing

/** @type {Kind} */
const QWEN3 = { ...QWEN2, name: 'Qwen3', headDim: 128, attentionBias: true };

/** @param {Fields} fields */
export const readQwen2 = (fields) => withWindows(fields, { ...readKin(fields, QWEN2), qkvBias: true });

/** @param {Fields} fields */
export const readQwen3 = (fields) => withWindows(fields, { ...readKin(fields, QWEN3), qkNorm: true });

/**
 * @template {{ nLayer: number }} T
 * @param {Fields} fields  @param {T} config
 */
function withWindows(fields, config) {
  const isOn = fields.flag('use_sliding_window', false) && fields.get('sliding_window') !== null;
  const first = fields.number('max_window_layers', 28, Number.isInteger, 'a whole number'); // with a window
  const hasWindow = layersWithWindow(fields, config.nLayer, (layer) => isOn && layer >= first);
  if (!isOn || !hasWindow.includes(true)) return config;
  const size = fields.has('sliding_window') ? fields.size('sliding_window') : WINDOW;
  return { ...config, ...windowOf(fields, 'sliding_window', size, hasWindow) };
}
