// config.json of the models whose layers have windows of their own: GPT-Neo, Mistral and Gemma 3; what it
// means, and what is refused with a sentence of its own.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { loadModel } from 'kvcache-wasm';
import { parseConfig } from '../../web/config/config.js';
import { multiplyAdds, parameterCount } from '../../web/measure/analysis.js';
import { analyzeSpeedup } from '../../web/measure/tables.js';
import { throwsCode } from './helpers.js';

/** TinyStories-33M as it lies on the Hub. */
const neo = (changes = {}) => ({
  activation_function: 'gelu_new', architectures: ['GPTNeoForCausalLM'], attention_dropout: 0,
  attention_layers: ['global', 'local', 'global', 'local'], attention_types: [[['global', 'local'], 2]],
  bos_token_id: 50256, embed_dropout: 0, eos_token_id: 50256, gradient_checkpointing: false, hidden_size: 768,
  initializer_range: 0.02, intermediate_size: null, layer_norm_epsilon: 1e-05, max_position_embeddings: 2048,
  model_type: 'gpt_neo', num_heads: 16, num_layers: 4, resid_dropout: 0, summary_activation: null,
  torch_dtype: 'float32', transformers_version: '4.28.1', use_cache: true, vocab_size: 50257,
  window_size: 256, ...changes,
});

/** Mistral-7B-v0.1 as it lies there. */
const mistral = (changes = {}) => ({
  architectures: ['MistralForCausalLM'], bos_token_id: 1, eos_token_id: 2, hidden_act: 'silu',
  hidden_size: 4096, initializer_range: 0.02, intermediate_size: 14336, max_position_embeddings: 32768,
  model_type: 'mistral', num_attention_heads: 32, num_hidden_layers: 32, num_key_value_heads: 8,
  rms_norm_eps: 1e-05, rope_theta: 10000.0, sliding_window: 4096, tie_word_embeddings: false,
  torch_dtype: 'bfloat16', transformers_version: '4.34.0.dev0', use_cache: true, vocab_size: 32000,
  ...changes,
});
const small = { num_hidden_layers: 4, hidden_size: 64, num_attention_heads: 8, intermediate_size: 96 };

test('TinyStories-33M: scores as they are, a window in every other layer', () => {
  const config = parseConfig(neo());
  assert.deepEqual(config, {
    modelType: 'gpt_neo', nLayer: 4, nHead: 16, nKvHead: 16, headDim: 48, nEmbd: 768, nPositions: 2048,
    vocabSize: 50257, nInner: 3072, layerNormEpsilon: 1e-5, qkvBias: false, scoreScale: 1,
    window: { size: 256, layers: [1, 3] }, bosTokenId: 50256, eosTokenId: [50256],
  });
  assert.ok(Object.isFrozen(config.window) && Object.isFrozen(config.window.layers));
  assert.equal(parameterCount(config), 68_514_048);
});

test('GPT-Neo: kinds of layers as transformers writes them, old and new, and its defaults', () => {
  const layersOf = (changes) => parseConfig(neo({ attention_layers: undefined, ...changes })).window?.layers;
  assert.deepEqual(layersOf({}), [1, 3]);
  assert.deepEqual(layersOf({ attention_types: [[['global'], 1], [['local'], 3]] }), [1, 2, 3]);
  const repeated = [[['local', 'global', 'global'], 1], [['local'], 1]];
  assert.deepEqual(layersOf({ attention_types: repeated }), [0, 3]);
  assert.equal(layersOf({ attention_types: [[['global'], 4]] }), undefined);
  const listed = { attention_layers: ['local', 'global', 'global', 'global'] }; // it is what counts
  assert.deepEqual(layersOf(listed), [0]);
  const sizes = { model_type: 'gpt_neo', hidden_size: 8, num_heads: 2, vocab_size: 9 };
  const bare = parseConfig({ ...sizes, num_layers: 24 });
  assert.deepEqual(bare.window, { size: 256, layers: Array.from({ length: 12 }, (_, i) => 2 * i + 1) });
  assert.deepEqual([bare.nInner, bare.nPositions, bare.layerNormEpsilon, bare.bosTokenId, bare.eosTokenId],
    [32, 2048, 1e-5, null, []]);
  throwsCode(() => parseConfig({ ...sizes, num_layers: 2 }), 'config_invalid', /attention_types .* 2 layers/);
});

test('GPT-Neo: what is refused', () => {
  const refused = (changes, code, message) => throwsCode(() => parseConfig(neo(changes)), code, message);
  for (const attention_layers of [['global'], ['global', 'local', 'global', 'sparse'], 'local', {}]) {
    refused({ attention_layers }, 'config_invalid', /attention_layers .* 4 layers/);
  }
  for (const each of [[['local'], 1e9], [['local'], 5], [['local'], '4x'], ['local', 4], [null, 4], 4]) {
    refused({ attention_layers: null, attention_types: [each] }, 'config_invalid', /attention_types/);
  }
  refused({ attention_layers: null, attention_types: 'local' }, 'config_invalid', /attention_types/);
  refused({ activation_function: 'relu' }, 'unsupported_architecture', /activation_function is "relu"/);
  assert.equal(parseConfig(neo({ tie_word_embeddings: false })).ownHead, true);
  refused({ architectures: ['GPTNeoForTokenClassification'] }, 'unsupported_architecture', /architectures/);
  refused({ quantization_config: { bits: 4 } }, 'unsupported_architecture', /quantization_config/);
  refused({ window_size: 0 }, 'config_invalid', /window_size/);
  refused({ num_heads: 5 }, 'config_invalid', /hidden_size 768 over num_heads 5/);
  refused({ hidden_size: 2 ** 20, num_layers: 4 }, 'config_invalid', /hidden_size 1048576, .* GB/);
});

test('Mistral: a window in all layers, none where the file says null, 4096 where it says nothing', () => {
  const of = (changes) => parseConfig(mistral({ ...small, ...changes }));
  const all = { size: 4096, layers: [0, 1, 2, 3] };
  const config = of({});
  assert.deepEqual(config, {
    modelType: 'mistral', nLayer: 4, nHead: 8, nKvHead: 8, headDim: 8, nEmbd: 64, nPositions: 32768,
    vocabSize: 32000, nInner: 96, layerNormEpsilon: 1e-5, ownHead: true, attentionBias: false, mlpBias: false,
    rotary: { ...config.rotary, dim: 8, theta: 10_000 }, window: all, bosTokenId: 1, eosTokenId: [2],
  });
  assert.deepEqual(of({ sliding_window: undefined }).window, all);
  assert.equal(of({ sliding_window: null }).window, undefined);
  assert.deepEqual(of({ sliding_window: 7 }).window, { ...all, size: 7 });
  const layer_types = ['full_attention', 'sliding_attention', 'full_attention', 'sliding_attention'];
  assert.deepEqual(of({ layer_types }).window, { size: 4096, layers: [1, 3] });
  const missing = of({ num_key_value_heads: undefined, max_position_embeddings: undefined });
  assert.deepEqual([missing.nKvHead, missing.nPositions], [8, 131_072]); // not a Llama's
  assert.equal(of({ head_dim: 32, num_key_value_heads: 2 }).headDim, 32); // as Nemo's
});

test('Mistral: what is refused', () => {
  const refused = (changes, code, message) => (
    throwsCode(() => parseConfig(mistral({ ...small, ...changes })), code, message));
  for (const sliding_window of [0, -1, 1.5, '4096', true]) {
    refused({ sliding_window }, 'config_invalid', /sliding_window/);
  }
  refused({ layer_types: ['sliding_attention'] }, 'config_invalid', /layer_types .* 4, one for each layer/);
  refused({ layer_types: Array(4).fill('chunked_attention') }, 'unsupported_architecture', /layer_types/);
  refused({ layer_types: 'sliding_attention' }, 'unsupported_architecture', /layer_types/);
  refused({ num_hidden_layers: 65 }, 'unsupported_architecture', /first 64 layers can have a window/);
  assert.equal(parseConfig(mistral({ ...small, num_hidden_layers: 65, sliding_window: null })).nLayer, 65);
});

/** gemma-3-270m as it lies there. */
const gemma = (changes = {}) => ({
  _sliding_window_pattern: 6, architectures: ['Gemma3ForCausalLM'], attention_bias: false,
  attention_dropout: 0.0, attn_logit_softcapping: null, bos_token_id: 2, eos_token_id: 1,
  final_logit_softcapping: null, head_dim: 256, hidden_activation: 'gelu_pytorch_tanh', hidden_size: 640,
  initializer_range: 0.02, intermediate_size: 2048, max_position_embeddings: 32768, model_type: 'gemma3_text',
  num_attention_heads: 4, num_hidden_layers: 18, num_key_value_heads: 1, pad_token_id: 0,
  query_pre_attn_scalar: 256, rms_norm_eps: 1e-06, rope_local_base_freq: 10000.0, rope_scaling: null,
  rope_theta: 1000000.0, sliding_window: 512, torch_dtype: 'bfloat16', transformers_version: '4.55.0.dev0',
  use_bidirectional_attention: false, use_cache: true, vocab_size: 262144, ...changes,
});
const angles = { dim: 256, theta: 1e6, factor: 1, original: 0, low: 0, high: 0, localTheta: 1e4 };

test('gemma-3-270m: four norms, two kinds of angles, a window in five layers of six, a tied head', () => {
  const config = parseConfig(gemma());
  assert.deepEqual(config, {
    modelType: 'gemma3_text', nLayer: 18, nHead: 4, nKvHead: 1, headDim: 256, nEmbd: 640, nPositions: 32768,
    vocabSize: 262144, nInner: 2048, layerNormEpsilon: 1e-6, ownHead: false, attentionBias: false,
    mlpBias: false, qkNorm: true, normsPerLayer: 4, scoreScale: 1 / 16, rotary: angles,
    window: { size: 512, layers: [0, 1, 2, 3, 4, 6, 7, 8, 9, 10, 12, 13, 14, 15, 16] },
    bosTokenId: 2, eosTokenId: [1],
  });
  assert.equal(parameterCount(config), 268_098_176); // 268 million, as its makers say
});

test('Gemma 3: angles in both spellings, and what it has where the file is silent', () => {
  const of = (changes) => parseConfig(gemma({ num_hidden_layers: 6, ...changes }));
  const none = { rope_theta: undefined, rope_local_base_freq: undefined };
  assert.deepEqual(of(none).rotary, angles);
  const linear = { rope_type: 'linear', factor: 8 };
  assert.deepEqual(of({ rope_scaling: linear }).rotary, { ...angles, factor: 8 });
  assert.deepEqual(of({ ...none, rope_parameters: {
    full_attention: { ...linear, rope_theta: 5e5 },
    sliding_attention: { rope_type: 'default', rope_theta: 300 } } }).rotary,
  { ...angles, theta: 5e5, factor: 8, localTheta: 300 });
  const plain = { full_attention: { rope_type: 'default' } };
  assert.deepEqual(of({ ...none, rope_parameters: plain }).rotary, angles);
  const layersOf = (changes) => of(changes).window?.layers;
  assert.deepEqual(layersOf({}), [0, 1, 2, 3, 4]);
  assert.deepEqual(layersOf({ sliding_window_pattern: 2 }), [0, 2, 4]);
  const layer_types = [...Array(5).fill('full_attention'), 'sliding_attention'];
  assert.deepEqual(layersOf({ layer_types }), [5]);
  const silent = of({ sliding_window: undefined, query_pre_attn_scalar: undefined, head_dim: undefined });
  assert.deepEqual([silent.window.size, silent.scoreScale, silent.headDim], [4096, 1 / 16, 256]);
  assert.equal(of({ tie_word_embeddings: false }).ownHead, true);
  assert.equal(of({ query_pre_attn_scalar: 168 }).scoreScale, 168 ** -0.5);
});

test('Gemma 3: what is refused', () => {
  const refused = (changes, code, message) => throwsCode(() => parseConfig(gemma(changes)), code, message);
  refused({ attn_logit_softcapping: 50 }, 'unsupported_architecture', /attn_logit_softcapping/);
  refused({ final_logit_softcapping: 30 }, 'unsupported_architecture', /final_logit_softcapping/);
  refused({ use_bidirectional_attention: true }, 'unsupported_architecture', /use_bidirectional_attention/);
  refused({ hidden_activation: 'gelu' }, 'unsupported_architecture', /hidden_activation is "gelu"/);
  refused({ rope_parameters: { sliding_attention: { rope_type: 'linear', factor: 2 } } },
    'unsupported_architecture', /sliding_attention: rope_type is "linear"/);
  refused({ rope_local_base_freq: 0 }, 'config_invalid', /rope_local_base_freq/);
  refused({ rope_parameters: { full_attention: 7 } }, 'config_invalid', /rope_parameters/);
  refused({ query_pre_attn_scalar: 0 }, 'config_invalid', /query_pre_attn_scalar/);
  refused({ sliding_window_pattern: 0 }, 'config_invalid', /sliding_window_pattern/);
  refused({ model_type: 'gemma3' }, 'unsupported_architecture', /pictures/);
  refused({ model_type: 'gemma2' }, 'unsupported_architecture', /capped/);
});

for (const name of ['gpt-neo-f32', 'gpt-neo-f16', 'mistral-bf16', 'gemma3-f32', 'gemma3-bf16']) {
  test(`${name}: the parameters and the work are those of the model`, async () => {
    const folder = new URL(`../fixtures/${name}/`, import.meta.url);
    const model = await loadModel(folder, { tokenizer: false });
    const file = await readFile(new URL('model.safetensors', folder));
    const length = Number(new DataView(file.buffer, file.byteOffset).getBigUint64(0, true));
    const { __metadata__: _, ...tensors } = JSON.parse(file.subarray(8, 8 + length).toString());
    const elements = Object.entries(tensors).filter(([key]) => !/attention\.(masked_)?bias$/.test(key))
      .map(([, { shape }]) => shape.reduce((a, b) => a * b, 1)).reduce((a, b) => a + b);
    assert.equal(parameterCount(model.config), elements);
    for (const useCache of [true, false]) {
      const session = model.createSession({ useCache });
      for (let n = 0; n < 30; n++) {
        const before = session.counts;
        session.decode(n);
        const work = multiplyAdds(model.config, useCache ? n : 0, n + 1);
        assert.deepEqual([session.counts.attentionMacs - before.attentionMacs,
          session.counts.projectionMacs - before.projectionMacs], [work.attention, work.projections]);
      }
    }
    const [{ multiplyAddsOff, multiplyAddsOn }] = analyzeSpeedup({ lengths: [30], shape: model.config });
    assert.ok(multiplyAddsOff > 5 * multiplyAddsOn);
    model.dispose();
  });
}
