// config.json of a Qwen2 and of a Qwen3: what it means, what stands for a key that is missing, and what is
// refused with a sentence of its own.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseConfig } from '../../web/config/config.js';
import { multiplyAdds, parameterCount } from '../../web/measure/analysis.js';
import { throwsCode } from './helpers.js';

/** Qwen2.5-0.5B-Instruct as it lies on the Hub. */
const qwen2 = (changes = {}) => ({
  architectures: ['Qwen2ForCausalLM'], attention_dropout: 0.0, bos_token_id: 151643, eos_token_id: 151645,
  hidden_act: 'silu', hidden_size: 896, initializer_range: 0.02, intermediate_size: 4864,
  max_position_embeddings: 32768, max_window_layers: 21, model_type: 'qwen2', num_attention_heads: 14,
  num_hidden_layers: 24, num_key_value_heads: 2, rms_norm_eps: 1e-06, rope_theta: 1000000.0,
  sliding_window: 32768, tie_word_embeddings: true, torch_dtype: 'bfloat16',
  transformers_version: '4.43.1', use_cache: true, use_sliding_window: false, vocab_size: 151936, ...changes,
});

/** Qwen3-0.6B as it lies on the Hub. */
const qwen3 = (changes = {}) => ({
  architectures: ['Qwen3ForCausalLM'], attention_bias: false, attention_dropout: 0.0, bos_token_id: 151643,
  eos_token_id: 151645, head_dim: 128, hidden_act: 'silu', hidden_size: 1024, initializer_range: 0.02,
  intermediate_size: 3072, max_position_embeddings: 40960, max_window_layers: 28, model_type: 'qwen3',
  num_attention_heads: 16, num_hidden_layers: 28, num_key_value_heads: 8, rms_norm_eps: 1e-06,
  rope_scaling: null, rope_theta: 1000000, sliding_window: null, tie_word_embeddings: true,
  torch_dtype: 'bfloat16', transformers_version: '4.51.0', use_cache: true, use_sliding_window: false,
  vocab_size: 151936, ...changes,
});

const rotary = (dim) => ({ dim, theta: 1e6, factor: 1, original: 0, low: 0, high: 0 });

test('Qwen2.5-0.5B: biases that no key announces, a window that is switched off', () => {
  const config = parseConfig(qwen2());
  assert.deepEqual(config, {
    modelType: 'qwen2', nLayer: 24, nHead: 14, nKvHead: 2, headDim: 64, nEmbd: 896, nPositions: 32768,
    vocabSize: 151936, nInner: 4864, layerNormEpsilon: 1e-6, ownHead: false, attentionBias: false,
    mlpBias: false, qkvBias: true, rotary: rotary(64), bosTokenId: 151643, eosTokenId: [151645],
  });
  assert.equal(parameterCount(config), 494_032_768);
  // a key of other classes says nothing here
  assert.deepEqual(parseConfig(qwen2({ attention_bias: true, mlp_bias: true })), config);
});

test('Qwen3-0.6B: heads of 128 numbers, which are twice the width', () => {
  const config = parseConfig(qwen3());
  assert.deepEqual(config, {
    modelType: 'qwen3', nLayer: 28, nHead: 16, nKvHead: 8, headDim: 128, nEmbd: 1024, nPositions: 40960,
    vocabSize: 151936, nInner: 3072, layerNormEpsilon: 1e-6, ownHead: false, attentionBias: false,
    mlpBias: false, qkNorm: true, rotary: rotary(128), bosTokenId: 151643, eosTokenId: [151645],
  });
  assert.equal(parameterCount(config), 596_049_920);
  const { projections, head } = multiplyAdds(config, 0, 1);
  const norms = 1024 * 57 + 28 * 2 * 128;
  assert.equal(projections + head, 596_049_920 - norms); // a weight each
  assert.equal(parseConfig(qwen3({ attention_bias: true })).attentionBias, true);
});

test('missing keys take the defaults of the class, each its own', () => {
  const sizes = { hidden_size: 256, intermediate_size: 8, num_attention_heads: 64, num_hidden_layers: 1 };
  const bare = (model_type, more) => parseConfig({ model_type, ...sizes, vocab_size: 99, ...more });
  const common = {
    nLayer: 1, nHead: 64, nKvHead: 32, nEmbd: 256, nPositions: 32768, vocabSize: 99, nInner: 8,
    layerNormEpsilon: 1e-6, ownHead: true, attentionBias: false, mlpBias: false, bosTokenId: null,
    eosTokenId: [],
  };
  const angles = (dim) => ({ ...rotary(dim), theta: 10_000 });
  assert.deepEqual(bare('qwen2'),
    { ...common, modelType: 'qwen2', headDim: 4, qkvBias: true, rotary: angles(4) });
  assert.deepEqual(bare('qwen3'),
    { ...common, modelType: 'qwen3', headDim: 128, qkNorm: true, rotary: angles(128) });
  // null is as many as heads of queries, in each of them
  for (const type of ['qwen2', 'qwen3']) assert.equal(bare(type, { num_key_value_heads: null }).nKvHead, 64);
  assert.equal(bare('qwen2', { head_dim: 8 }).headDim, 8);
});

test('windows: switched off they are none, switched on they are in the layers that the file says', () => {
  for (const model of [qwen2, qwen3]) {
    const nLayer = parseConfig(model()).nLayer;
    const windowOf = (changes) => parseConfig(model(changes)).window;
    const on = { use_sliding_window: true, sliding_window: 512, max_window_layers: nLayer - 2 };
    const last = { size: 512, layers: [nLayer - 2, nLayer - 1] };
    assert.deepEqual(windowOf(on), last);
    assert.deepEqual(windowOf({ ...on, sliding_window: undefined }), { ...last, size: 4096 });
    assert.equal(windowOf({ ...on, max_window_layers: 0 }).layers.length, nLayer);
    const types = Array(nLayer).fill('full_attention');
    assert.deepEqual(windowOf({ ...on, layer_types: ['sliding_attention', ...types.slice(1)] }),
      { size: 512, layers: [0] });
    for (const none of [{ ...on, sliding_window: null }, { ...on, max_window_layers: 28 },
      { ...on, use_sliding_window: false }, { ...on, layer_types: types }]) {
      assert.deepEqual(parseConfig(model(none)), parseConfig(model()));
    }
    throwsCode(() => windowOf({ use_sliding_window: 1 }), 'config_invalid', /use_sliding_window/);
    throwsCode(() => windowOf({ layer_types: ['full_attention'] }), 'config_invalid', /layer_types/);
    throwsCode(() => windowOf({ layer_types: 'full_attention' }), 'unsupported_architecture', /layer_types/);
  }
});

test('unsupported_architecture: what neither of them is', () => {
  const refused = (config, message) => (
    throwsCode(() => parseConfig(config), 'unsupported_architecture', message));
  refused(qwen2({ architectures: ['Qwen3ForCausalLM'] }), /architectures.*only \["Qwen2ForCausalLM"\]/);
  refused(qwen3({ hidden_act: 'gelu' }), /hidden_act.*"silu"/);
  refused(qwen2({ quantization_config: { quant_method: 'gptq' } }), /quantization_config/);
  refused(qwen3({ rope_scaling: { rope_type: 'dynamic', factor: 4 } }), /keys of a cache would disagree/);
});
