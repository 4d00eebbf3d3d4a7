// config.json of a GPT-NeoX: what it means, in both spellings, and what is refused.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import '../relaxed.js';
import { loadModel } from 'kvcache-wasm';
import { parseConfig } from '../../web/config/config.js';
import { multiplyAdds, parameterCount } from '../../web/measure/analysis.js';
import { rejectsCode, throwsCode } from './helpers.js';

/** pythia-70m as it lies on the Hub. */
const pythia = (changes = {}) => ({
  architectures: ['GPTNeoXForCausalLM'], bos_token_id: 0, eos_token_id: 0, hidden_act: 'gelu',
  hidden_size: 512, initializer_range: 0.02, intermediate_size: 2048, layer_norm_eps: 1e-05,
  max_position_embeddings: 2048, model_type: 'gpt_neox', num_attention_heads: 8, num_hidden_layers: 6,
  rotary_emb_base: 10000, rotary_pct: 0.25, tie_word_embeddings: false, torch_dtype: 'float16',
  transformers_version: '4.24.0', use_cache: true, use_parallel_residual: true, vocab_size: 50304, ...changes,
});

const rotary = { dim: 16, theta: 10_000, factor: 1, original: 0, low: 0, high: 0 };
const rotaryOf = (changes) => parseConfig(pythia(changes)).rotary;

function refused(changes, code, message) {
  throwsCode(() => parseConfig(pythia(changes)), code, message);
}

test('pythia-70m', () => {
  const config = parseConfig(pythia());
  assert.deepEqual(config, {
    modelType: 'gpt_neox', nLayer: 6, nHead: 8, nKvHead: 8, headDim: 64, nEmbd: 512, nPositions: 2048,
    vocabSize: 50304, nInner: 2048, layerNormEpsilon: 1e-5, ownHead: true, attentionBias: true, gated: false,
    parallel: true, rotary, bosTokenId: 0, eosTokenId: [0],
  });
  assert.ok(Object.isFrozen(config.rotary));
  assert.equal(parameterCount(config), 70_426_624); // as on its card
  const { projections, head } = multiplyAdds(config, 0, 1);
  assert.equal(projections, 6 * 12 * 512 * 512);
  assert.equal(head, 512 * 50304);
});

test('missing fields take the defaults of the format', () => {
  const sizes = { hidden_size: 32, intermediate_size: 8, num_attention_heads: 2, num_hidden_layers: 1 };
  assert.deepEqual(parseConfig({ model_type: 'gpt_neox', ...sizes, vocab_size: 99 }), {
    modelType: 'gpt_neox', nLayer: 1, nHead: 2, nKvHead: 2, headDim: 16, nEmbd: 32, nPositions: 2048,
    vocabSize: 99, nInner: 8, layerNormEpsilon: 1e-5, ownHead: true, attentionBias: true, gated: false,
    parallel: true, rotary: { ...rotary, dim: 4 }, bosTokenId: 0, eosTokenId: [2],
  });
  const other = parseConfig(pythia({ attention_bias: false, use_parallel_residual: false,
    tie_word_embeddings: true }));
  assert.deepEqual([other.attentionBias, other.parallel, other.ownHead], [false, false, false]);
});

test('both spellings of the angles mean the same', () => {
  const old = rotaryOf({ rotary_pct: 0.5, rotary_emb_base: 500 });
  assert.deepEqual(old, { ...rotary, dim: 32, theta: 500 });
  const inside = { rope_type: 'default', rope_theta: 500, partial_rotary_factor: 0.5 };
  assert.deepEqual(rotaryOf({ rope_parameters: inside }), old); // it wins over rotary_pct
  assert.deepEqual(rotaryOf({ rope_theta: 500, partial_rotary_factor: 0.5 }), old);
  assert.deepEqual(rotaryOf({ rope_scaling: { type: 'linear', factor: 4 } }), { ...rotary, factor: 4 });
  assert.equal(rotaryOf({ rotary_pct: 1 }).dim, 64);
  assert.equal(rotaryOf({ rotary_pct: 0.35 }).dim, 22); // 22.4
});

test('what the engine does not compute, and sizes that no model has', () => {
  const cases = {
    architectures: [['GPTNeoForCausalLM'], 'GPTNeoXForCausalLM', ['GPTNeoXForTokenClassification']],
    hidden_act: ['gelu_new', 'gelu_fast', 'relu', 7], quantization_config: [{ quant_method: 'gptq' }],
    rope_scaling: [{ type: 'dynamic', factor: 2 }],
  };
  for (const [key, values] of Object.entries(cases)) {
    for (const value of values) refused({ [key]: value }, 'unsupported_architecture', new RegExp(key));
  }
  for (const key of ['hidden_size', 'intermediate_size', 'num_attention_heads', 'num_hidden_layers',
    'vocab_size']) {
    for (const value of [undefined, 0, '2']) refused({ [key]: value }, 'config_invalid', new RegExp(key));
  }
  refused({ num_attention_heads: 10 }, 'config_invalid', /51.2 numbers per head/);
  for (const rotary_pct of [0, 1.5, '1', 0.01, 0.05]) refused({ rotary_pct }, 'config_invalid', /rotary_pct/);
  refused({ rotary_emb_base: 0 }, 'config_invalid', /rotary_emb_base/);
  refused({ use_parallel_residual: 1 }, 'config_invalid', /use_parallel_residual/);
  refused({ hidden_size: 6144, intermediate_size: 24576, num_hidden_layers: 44, num_attention_heads: 64 },
    'config_invalid', /billion weights/);
});

test('a file and a config that do not belong together are refused by name', async () => {
  const folder = new URL('../fixtures/gpt-neox-f16/', import.meta.url);
  const config = JSON.parse(await readFile(new URL('config.json', folder), 'utf8'));
  const weights = await readFile(new URL('model.safetensors', folder));
  const load = (changes) => loadModel(new Map([
    ['config.json', new Blob([JSON.stringify({ ...config, ...changes })])],
    ['model.safetensors', new Blob([weights])]]), { tokenizer: false });
  await rejectsCode(load({ attention_bias: false }), 'tensor_unknown', /attention\.dense\.bias/);
  await rejectsCode(load({ intermediate_size: 48 }), 'tensor_shape', /dense_4h_to_h/);
  const model = await load({ tie_word_embeddings: true }); // the head of the file is ignored
  model.dispose();
});
