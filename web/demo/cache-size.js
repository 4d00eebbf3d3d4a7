// The memory that a KV cache takes, for models of which people talk. Computed from their sizes, as their
// config.json files have them; nothing here is measured.
import { layerBytes, roomOf } from '../cache/sizes.js';
import { TYPE_NAMES } from '../cache/types.js';
import { parameterCount } from '../measure/analysis.js';
import { analyzeSpeedup } from '../measure/tables.js';

/**
 * @import { CacheType } from '../cache/types.js'
 * @import { Config } from '../config/config.js'
 * @import { Shape } from '../measure/analysis.js'
 */

/**
 * @typedef {object} Sized
 * @property {string} name
 * @property {Readonly<Shape> & { nKvHead: number, headDim: number }} sizes
 *
 * @typedef {object} Question
 * @property {number} tokens   of each text
 * @property {number} texts    at the same time
 * @property {CacheType} type
 * @property {boolean} shared  several heads of queries share one of K and V, where the model does so
 * @property {boolean} windowed  layers with a window keep little more than it, where the model has any
 *
 * @typedef {object} Answer
 * @property {number} tokens     as asked, or as many as the model can take
 * @property {number} heads      of K and V
 * @property {number} vectorBytes  of one key or value
 * @property {{ layers: number, tokens: number }[]} parts  layers that have room for as many tokens, in whole
 *   pages; one part or two
 * @property {number} slots      tokens, summed over the layers
 * @property {number} bytesPerToken  what one more token takes in the layers without a window
 * @property {number} bytes      2 * slots * heads * vectorBytes * texts
 * @property {number} crossBytesPerToken  besides: what a token of the source takes; 0 without an encoder
 */

/**
 * @param {string} name  @param {number} nLayer  @param {[queries: number, keys: number]} heads
 * @param {number} headDim  @param {number} nEmbd  @param {number} nPositions  @param {number} vocabSize
 * @param {Shape['window']} [window]
 * @returns {Sized}
 */
const sized = (name, nLayer, [nHead, nKvHead], headDim, nEmbd, nPositions, vocabSize, window) => (
  { name, sizes: { nLayer, nHead, nKvHead, headDim, nEmbd, nPositions, vocabSize, window } });

/** All but each sixth of so many layers. @param {number} n */
const fiveOfSix = (n) => Array.from({ length: n }, (_, layer) => layer).filter((layer) => layer % 6 !== 5);

/** @type {readonly Sized[]} */
export const MODELS = [
  sized('GPT-2', 12, [12, 12], 64, 768, 1024, 50257),
  sized('Gemma 3 270M', 18, [4, 1], 256, 640, 32768, 262144, { size: 512, layers: fiveOfSix(18) }),
  sized('Qwen2.5 0.5B', 24, [14, 2], 64, 896, 32768, 151936),
  sized('Qwen2.5 7B', 28, [28, 4], 128, 3584, 131072, 152064),
  sized('Llama 3.1 8B', 32, [32, 8], 128, 4096, 131072, 128256),
  sized('Llama 3.1 70B', 80, [64, 8], 128, 8192, 131072, 128256),
];

/** The model of the demo among the others. @param {string} name  @param {Readonly<Config>} config */
export const ownModel = (name, config) => ({ name, sizes: config });

/** To choose from. */
export const CONTEXTS = [128, 1024, 2048, 8192, 32768, 131072];
export const BATCHES = [1, 4, 16, 64, 256];

/** @param {Sized} model  @param {Question} question  @returns {Answer} */
export function cacheSize({ sizes }, { tokens: asked, texts, type, shared, windowed }) {
  const { nLayer, nHead, nKvHead, nPositions, window, encoder } = sizes;
  const tokens = Math.min(asked, nPositions);
  const heads = shared ? nKvHead : nHead;
  const vectorBytes = layerBytes({ ...sizes, nKvHead: 1 }, { keyType: type, valueType: type }) / 2;
  const room = roomOf({ nLayer, window: windowed ? window : undefined }, tokens);
  const whole = room.filter(({ slots }) => slots >= tokens).reduce((sum, { layers }) => sum + layers, 0);
  const parts = whole === nLayer ? [{ layers: nLayer, tokens: room[0].slots }]
    : room.map(({ layers, slots }) => ({ layers, tokens: slots }));
  const slots = parts.reduce((sum, part) => sum + part.layers * part.tokens, 0);
  return {
    tokens, heads, vectorBytes, parts, slots,
    bytesPerToken: 2 * whole * heads * vectorBytes,
    bytes: 2 * slots * heads * vectorBytes * texts,
    crossBytesPerToken: encoder ? 2 * nLayer * heads * vectorBytes : 0,
  };
}

/** The same question with every type. @param {Sized} model  @param {Question} question */
export const sizesByType = (model, question) => TYPE_NAMES.map((type) => (
  { type, ...cacheSize(model, { ...question, type }) }));

// ---- what is copied from page to page -----------------------------------------------------------------

const GPT3 = sized('GPT-3', 96, [96, 96], 128, 12288, 2048, 50257);
const byName = (/** @type {string} */ wanted) => (
  /** @type {Sized} */ (MODELS.find(({ name }) => name === wanted)));

/** Of all that a model can take. @param {Sized} model  @param {CacheType} type */
const wholeCache = (model, type) => (
  cacheSize(model, { tokens: model.sizes.nPositions, texts: 1, type, shared: true, windowed: true }));

const TINY_TORCH = {
  source: 'TinyTorch, kvcaching_dev.py',
  url: 'https://github.com/MLSysBook/TinyTorch/blob/04753ef8bff09dc40f35148157dbdb8eb03dfe42/modules/source/'
    + '14_kvcaching/kvcaching_dev.py',
};

/**
 * Numbers that stand somewhere in public, word for word, and the right ones.
 * @typedef {{ bytes: number } | { share: number } | { count: number }} Right
 * @typedef {{ key: 'gpt2' | 'gpt3' | 'share' | 'width' | 'layers' | 'redundant', said: string,
 *   source: string, url: string, right: Right }} Claim  key: of the words about it
 * @type {readonly Claim[]}
 */
export const CLAIMS = [
  {
    key: 'gpt2', said: '~37 MB per sequence', ...TINY_TORCH,
    right: { bytes: wholeCache(byName('GPT-2'), 'f32').bytes },
  },
  {
    key: 'gpt3', said: '~4.7 GB per sequence', ...TINY_TORCH,
    right: { bytes: wholeCache(GPT3, 'f32').bytes },
  },
  {
    key: 'share', said: 'often <1% of model size', ...TINY_TORCH,
    right: {
      share: wholeCache(byName('GPT-2'), 'f32').bytes / (4 * parameterCount(byName('GPT-2').sizes)),
    },
  },
  {
    key: 'width', said: '340GB', source: 'pulseaugur.com',
    url: 'https://pulseaugur.com/cluster/'
      + '115074-kv-cache-memory-explained-estimating-and-reducing-vram-usage-in-llms',
    right: { bytes: wholeCache(byName('Llama 3.1 70B'), 'f16').bytes },
  },
  {
    key: 'layers', said: '~65 KB', source: 'insidellms.com',
    url: 'https://insidellms.com/Chapter_4/memory-growth-chart_en.html', // as large as Llama 2
    right: { bytes: wholeCache(byName('Llama 3.1 70B'), 'f16').bytesPerToken },
  },
  {
    key: 'redundant', said: '5,050 redundant computations', ...TINY_TORCH,
    right: { count: analyzeSpeedup({ lengths: [100] })[0].projectionsRedundant },
  },
];
