// The model's own windows: layers whose queries see the last tokens alone.

/**
 * @import { Fields } from './fields.js'
 *
 * @typedef {object} Window
 * @property {number} size                tokens that a query sees, itself the last of them
 * @property {readonly number[]} layers   where it does; the first layer is 0
 */

const MOST_LAYERS = 64; // kvc_config has a bit for each of these

/**
 * What a config says of windows: nothing where no layer has one.
 * @param {Fields} fields  @param {string} key  of the size  @param {number} size
 * @param {boolean[]} hasWindow  for each layer
 * @returns {{ window?: Readonly<Window> }}
 */
export function windowOf(fields, key, size, hasWindow) {
  const layers = hasWindow.flatMap((has, layer) => (has ? [layer] : []));
  if (layers.length === 0) return {};
  if (hasWindow.length > MOST_LAYERS && layers[layers.length - 1] >= MOST_LAYERS) {
    throw fields.unsupported(key, `only the first ${MOST_LAYERS} layers can have a window`);
  }
  return { window: Object.freeze({ size, layers: Object.freeze(layers) }) };
}

/**
 * `layer_types` of transformers 5, or what older files say of all layers.
 * @param {Fields} fields  @param {number} nLayer  @param {(layer: number) => boolean} preset
 * @returns {boolean[]}  which layers have a window
 */
export function layersWithWindow(fields, nLayer, preset) {
  const types = fields.get('layer_types') ?? null;
  if (types === null) return Array.from({ length: nLayer }, (_, layer) => preset(layer));
  const isKnown = (/** @type {unknown} */ type) => type === 'full_attention' || type === 'sliding_attention';
  if (!Array.isArray(types) || !types.every(isKnown)) {
    throw fields.unsupported('layer_types',
      'only layers with "full_attention" and "sliding_attention" can be computed');
  }
  if (types.length !== nLayer) fields.refuse('layer_types', `a list of ${nLayer}, one for each layer`);
  return types.map((type) => type === 'sliding_attention');
}
