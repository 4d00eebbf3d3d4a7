// config.json of a Gemma 3, text only, in the sense of Hugging Face (270M, 1B): a Llama with more norms, and
// with windows in most layers, which turn by angles of their own.
import { Fields } from './fields.js';
import { readKin } from './llama.js';
import { readRotary } from './rotary.js';
import { layersWithWindow, windowOf } from './window.js';

/** @import { Kind } from './llama.js' */

/** @type {Kind} */
const GEMMA3 = {
  name: 'Gemma3', nPositions: 131_072, nKvHead: 4, headDim: 256, attentionBias: true, mlpBias: false,
  bos: 2, eos: 1, tied: true, rotary: readAngles,
  activationKey: 'hidden_activation', activations: ['gelu_pytorch_tanh', 'gelu_new'],
};
const THETA = 1e6; // of layers that see everything, and of the others, where the file does not say
const LOCAL_THETA = 1e4;
const WINDOW = 4096;
const PATTERN = 6; // of so many layers the last sees everything

/** @param {Fields} fields */
export function readGemma3(fields) {
  const config = readKin(fields, GEMMA3);
  const scalar = fields.number('query_pre_attn_scalar', 256, (x) => x >= 1e-6 && x <= 1e6,
    'from 1e-6 to 1e6');
  const key = ['sliding_window_pattern', '_sliding_window_pattern'].find((each) => fields.has(each));
  const pattern = key ? fields.size(key) : PATTERN;
  const hasWindow = layersWithWindow(fields, config.nLayer, (layer) => (layer + 1) % pattern !== 0);
  const size = fields.has('sliding_window') ? fields.size('sliding_window') : WINDOW;
  return {
    ...config, qkNorm: true, normsPerLayer: 4, scoreScale: 1 / Math.sqrt(scalar),
    ...windowOf(fields, 'sliding_window', size, hasWindow),
  };
}

/**
 * Those of layers that see everything, scaled or not, and the base of the others, which are never scaled. In
 * transformers 5 `rope_parameters` has both, by the type of a layer.
 * @param {Fields} fields  @param {number} headDim  @param {number} nPositions
 */
function readAngles(fields, headDim, nPositions) {
  const key = 'config.json: rope_parameters';
  const both = new Fields(fields.get('rope_parameters') ?? {}, key);
  const isNested = both.has('full_attention') || both.has('sliding_attention');
  const { rope_theta = null, rope_scaling = null } = Object.fromEntries(
    ['rope_theta', 'rope_scaling'].map((name) => [name, fields.get(name)]));
  const full = new Fields({
    rope_theta: rope_theta ?? THETA, rope_scaling,
    rope_parameters: isNested ? both.get('full_attention') : fields.get('rope_parameters'),
  }, 'config.json');
  const local = new Fields((isNested && both.get('sliding_attention')) || {}, `${key}.sliding_attention`);
  const type = local.get('rope_type') ?? 'default';
  if (type !== 'default') {
    throw local.unsupported('rope_type', 'the angles of layers with a window are only computed as they are');
  }
  const [place, name] = local.has('rope_theta') ? [local, 'rope_theta'] : [fields, 'rope_local_base_freq'];
  const localTheta = place.number(name, LOCAL_THETA, (x) => x >= 1 && x <= 1e12, 'a number from 1 to 1e12');
  return { ...readRotary(full, headDim, nPositions), localTheta };
}
