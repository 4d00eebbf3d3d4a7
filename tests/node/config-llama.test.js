// config.json of a Llama: what it means, in both spellings, and what is refused with a sentence of its own.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { analyzeMemory, loadModel } from 'kvcache-wasm';
import { parseConfig } from '../../web/config/config.js';
import { multiplyAdds, parameterCount } from '../../web/measure/analysis.js';
import { rejectsCode, throwsCode } from './helpers.js';

/** SmolLM2-135M as it lies on the Hub. */
const smol = (changes = {}) => ({
  architectures: ['LlamaForCausalLM'], attention_bias: false, attention_dropout: 0.0, bos_token_id: 0,
  eos_token_id: 0, hidden_act: 'silu', hidden_size: 576, initializer_range: 0.041666666666666664,
  intermediate_size: 1536, is_llama_config: true, max_position_embeddings: 8192, model_type: 'llama',
  num_attention_heads: 9, num_hidden_layers: 30, num_key_value_heads: 3, pretraining_tp: 1,
  rms_norm_eps: 1e-05, rope_interleaved: false, rope_scaling: null, rope_theta: 100000,
  tie_word_embeddings: true, torch_dtype: 'bfloat16', transformers_version: '4.40.1', use_cache: true,
  vocab_size: 49152, ...changes,
});

const plain = { dim: 64, theta: 100_000, factor: 1, original: 0, low: 0, high: 0 };
const rotaryOf = (changes) => parseConfig(smol(changes)).rotary;

function refused(changes, code, message) {
  throwsCode(() => parseConfig(smol(changes)), code, message);
}

test('SmolLM2-135M', () => {
  const config = parseConfig(smol());
  assert.deepEqual(config, {
    modelType: 'llama', nLayer: 30, nHead: 9, nKvHead: 3, headDim: 64, nEmbd: 576, nPositions: 8192,
    vocabSize: 49152, nInner: 1536, layerNormEpsilon: 1e-5, ownHead: false, attentionBias: false,
    mlpBias: false, rotary: plain, bosTokenId: 0, eosTokenId: [0],
  });
  assert.ok(Object.isFrozen(config.rotary));
  assert.equal(parameterCount(config), 134_515_008);
  const [row] = analyzeMemory({ shapes: { smol: config }, types: ['f32'] });
  assert.equal(row.bytesPerToken, 46_080);
  const { projections, head } = multiplyAdds(config, 0, 1);
  assert.equal(projections + head, 134_515_008 - 61 * 576); // a weight each, but for the norms
});

test('missing fields take the defaults of the format', () => {
  const sizes = { hidden_size: 32, intermediate_size: 8, num_attention_heads: 4, num_hidden_layers: 1 };
  const config = parseConfig({ model_type: 'llama', ...sizes, vocab_size: 99 });
  assert.deepEqual(config, {
    modelType: 'llama', nLayer: 1, nHead: 4, nKvHead: 4, headDim: 8, nEmbd: 32, nPositions: 2048,
    vocabSize: 99, nInner: 8, layerNormEpsilon: 1e-6, ownHead: true, attentionBias: false, mlpBias: false,
    rotary: { ...plain, dim: 8, theta: 10_000 }, bosTokenId: 1, eosTokenId: [2],
  });
  const own = parseConfig(smol({ head_dim: 32, num_key_value_heads: null }));
  assert.deepEqual([own.headDim, own.nKvHead, own.rotary.dim], [32, 9, 32]);
});

test('both spellings of the angles mean the same', () => {
  const linear = { ...plain, factor: 4 };
  assert.deepEqual(rotaryOf({ rope_scaling: { type: 'linear', factor: 4 } }), linear);
  assert.deepEqual(rotaryOf({ rope_scaling: { rope_type: 'linear', factor: 4, type: 'dynamic' } }), linear);
  const inside = { rope_type: 'linear', rope_theta: 100_000, factor: 4 };
  assert.deepEqual(rotaryOf({ rope_theta: undefined, rope_parameters: inside }), linear);
  const llama3 = { factor: 8, low_freq_factor: 1, high_freq_factor: 4,
    original_max_position_embeddings: 4096 };
  const means = { ...plain, factor: 8, original: 4096, low: 1, high: 4 };
  assert.deepEqual(rotaryOf({ rope_scaling: { rope_type: 'llama3', ...llama3 } }), means);
  // what stands in rope_parameters wins, and the length at the top does
  assert.deepEqual(rotaryOf({ rope_theta: 7, rope_scaling: { type: 'linear', factor: 2 },
    rope_parameters: { rope_type: 'llama3', rope_theta: 100_000, ...llama3 } }), means);
  assert.equal(rotaryOf({ original_max_position_embeddings: 64, rope_scaling: { type: 'llama3', ...llama3 } })
    .original, 64);
  const unsaid = { ...llama3, original_max_position_embeddings: undefined };
  assert.equal(rotaryOf({ rope_scaling: { type: 'llama3', ...unsaid } }).original, 8192);
  assert.equal(rotaryOf({ rope_theta: undefined }).theta, 10_000);
  assert.deepEqual(rotaryOf({ rope_parameters: {} }), plain);
});

test('yarn, in both spellings, and what a file may leave out', () => {
  const yarn = { truncate: true, attention: 0, mscale: 1, mscaleAll: 0 };
  const means = { ...plain, factor: 4, original: 2048, low: 1, high: 32, yarn };
  const given = { factor: 4, original_max_position_embeddings: 2048 };
  assert.deepEqual(rotaryOf({ rope_scaling: { type: 'yarn', ...given } }), means);
  assert.deepEqual(rotaryOf({ rope_theta: undefined,
    rope_parameters: { rope_type: 'yarn', rope_theta: 100_000, ...given } }), means);
  const scaled = (more) => rotaryOf({ rope_scaling: { rope_type: 'yarn', ...given, ...more } });
  assert.ok(Object.isFrozen(scaled().yarn));
  // null, and 0 as in transformers, are as good as missing
  for (const nothing of [null, 0]) {
    assert.deepEqual(scaled({ beta_fast: nothing, beta_slow: nothing, attention_factor: nothing,
      mscale: nothing, mscale_all_dim: nothing }), means);
  }
  assert.deepEqual(scaled({ beta_fast: 8, beta_slow: 0.5, truncate: false, attention_factor: 1.25 }),
    { ...means, low: 0.5, high: 8, yarn: { ...yarn, truncate: false, attention: 1.25 } });
  assert.deepEqual(scaled({ mscale: 0.7, mscale_all_dim: 0.5 }).yarn,
    { ...yarn, mscale: 0.7, mscaleAll: 0.5 });
  for (const alone of [{ mscale: 0.7 }, { mscale_all_dim: 0.7 }]) assert.deepEqual(scaled(alone).yarn, yarn);
  assert.equal(scaled({ original_max_position_embeddings: undefined }).original, 8192);
  const wrong = { factor: 0.5, beta_slow: 32, beta_fast: -1, attention_factor: '1', mscale: -1, truncate: 1 };
  for (const [key, value] of Object.entries(wrong)) {
    throwsCode(() => scaled({ [key]: value }), 'config_invalid', new RegExp(`rope_scaling: ${key}`));
  }
  throwsCode(() => scaled({ rope_theta: 1 }), 'config_invalid', /rope_theta is 1; it must be above 1/);
});

test('unsupported_architecture: each thing the engine does not compute', () => {
  const scaled = (type, message) => refused({ rope_scaling: { type, factor: 2 } }, 'unsupported_architecture',
    message);
  scaled('dynamic', /type is "dynamic"; its angles change with the length.*keys of a cache would disagree/);
  scaled('longrope', /others in long texts/);
  scaled('mrope', /not known; "default", "linear", "llama3" and "yarn" are supported/);
  const cases = {
    architectures: [['MistralForCausalLM'], 'LlamaForCausalLM', ['LlamaForSequenceClassification']],
    hidden_act: ['gelu', 'relu', 7], rope_interleaved: [true], partial_rotary_factor: [0.5],
    quantization_config: [{ quant_method: 'awq' }],
  };
  for (const [key, values] of Object.entries(cases)) {
    for (const value of values) refused({ [key]: value }, 'unsupported_architecture', new RegExp(key));
  }
  const partial = { partial_rotary_factor: 0.25 };
  refused({ rope_parameters: partial }, 'unsupported_architecture', /rope_parameters/);
});

test('config_invalid: sizes, heads and numbers of the angles', () => {
  for (const key of ['hidden_size', 'intermediate_size', 'num_attention_heads', 'num_hidden_layers',
    'vocab_size']) {
    for (const value of [undefined, 0, -1, 1.5, '2', 2 ** 24 + 1]) {
      refused({ [key]: value }, 'config_invalid', new RegExp(key));
    }
  }
  refused({ num_key_value_heads: 2 }, 'config_invalid', /9 must be a multiple of num_key_value_heads 2/);
  refused({ num_attention_heads: 10, num_key_value_heads: 5 }, 'config_invalid', /57.6 numbers per head/);
  refused({ head_dim: 6 }, 'config_invalid', /multiples of 4/);
  refused({ hidden_size: 4096, num_attention_heads: 32, num_key_value_heads: 32, intermediate_size: 11008 },
    'config_invalid', /billion weights/);
  for (const rope_theta of [0, '1', NaN]) refused({ rope_theta }, 'config_invalid', /rope_theta/);
  refused({ rope_scaling: 'linear' }, 'config_invalid', /rope_scaling must hold/);
  refused({ rope_scaling: { type: 'linear' } }, 'config_invalid', /rope_scaling: factor is missing/);
  const llama3 = { rope_type: 'llama3', factor: 8, low_freq_factor: 4, high_freq_factor: 4 };
  refused({ rope_scaling: llama3 }, 'config_invalid', /low_freq_factor is 4; it must be below/);
});

test('a file that lacks what the config promises is refused by name', async () => {
  const folder = new URL('../fixtures/llama-f32/', import.meta.url);
  const config = await readFile(new URL('config.json', folder), 'utf8');
  const weights = await readFile(new URL('model.safetensors', folder));
  const files = (changes) => new Map([
    ['config.json', new Blob([JSON.stringify({ ...JSON.parse(config), ...changes })])],
    ['model.safetensors', new Blob([weights])]]);
  const load = (changes) => loadModel(files(changes), { tokenizer: false });
  await rejectsCode(load({ attention_bias: true }), 'tensor_missing', /q_proj\.bias/);
  await rejectsCode(load({ num_key_value_heads: 3 }), 'tensor_shape', /k_proj/);
});
