// config.json of a Mistral, in the sense of Hugging Face: a Llama whose layers have a window.
import { readKin } from './llama.js';
import { layersWithWindow, windowOf } from './window.js';

/**
 * @import { Fields } from './fields.js'
 * @import { Kind } from './llama.js'
 */

/** @type {Kind} */
const MISTRAL = {
  name: 'Mistral', nPositions: 131_072, nKvHead: 8, headDim: null, attentionBias: false, mlpBias: false,
  bos: 1, eos: 2,
};
const WINDOW = 4096; // where the key is missing; null is none

/** @param {Fields} fields */
export function readMistral(fields) {
  const config = readKin(fields, MISTRAL);
  const isOn = fields.get('sliding_window') !== null;
  const hasWindow = layersWithWindow(fields, config.nLayer, () => isOn);
  if (!hasWindow.includes(true)) return config;
  const size = fields.has('sliding_window') ? fields.size('sliding_window') : WINDOW;
  return { ...config, ...windowOf(fields, 'sliding_window', size, hasWindow) };
}
