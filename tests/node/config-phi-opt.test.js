// config.json of a Phi and of an OPT: what they mean, and what is refused with a sentence of its own.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseConfig } from '../../web/config/config.js';
import { multiplyAdds, parameterCount } from '../../web/measure/analysis.js';
import { throwsCode } from './helpers.js';

/** phi-1_5 as it lies on the Hub. */
const phi = (changes = {}) => ({
  architectures: ['PhiForCausalLM'], attention_dropout: 0.0, bos_token_id: null, embd_pdrop: 0.0,
  eos_token_id: null, hidden_act: 'gelu_new', hidden_size: 2048, initializer_range: 0.02,
  intermediate_size: 8192, layer_norm_eps: 1e-05, max_position_embeddings: 2048, model_type: 'phi',
  num_attention_heads: 32, num_hidden_layers: 24, num_key_value_heads: null, partial_rotary_factor: 0.5,
  qk_layernorm: false, resid_pdrop: 0.0, rope_scaling: null, rope_theta: 10000.0,
  tie_word_embeddings: false, torch_dtype: 'float16', use_cache: true, vocab_size: 51200,
  ...{ num_hidden_layers: 12 }, ...changes, // half of its layers: all are more than 4 GB
});

/** opt-125m as it lies on the Hub. */
const opt = (changes = {}) => ({
  _remove_final_layer_norm: false, activation_function: 'relu', architectures: ['OPTForCausalLM'],
  bos_token_id: 2, do_layer_norm_before: true, dropout: 0.1, eos_token_id: 2, ffn_dim: 3072,
  hidden_size: 768, max_position_embeddings: 2048, model_type: 'opt', num_attention_heads: 12,
  num_hidden_layers: 12, pad_token_id: 1, prefix: '</s>', torch_dtype: 'float16', vocab_size: 50272,
  word_embed_proj_dim: 768, ...changes,
});

const rotary = { dim: 32, theta: 10_000, factor: 1, original: 0, low: 0, high: 0 };

function refused(config, code, cases) {
  for (const [key, values] of Object.entries(cases)) {
    const read = (value) => () => parseConfig(config({ [key]: value }));
    for (const value of values) throwsCode(read(value), code, new RegExp(key));
  }
}

test('half of phi-1_5', () => {
  const config = parseConfig(phi());
  assert.deepEqual(config, {
    modelType: 'phi', nLayer: 12, nHead: 32, nKvHead: 32, headDim: 64, nEmbd: 2048, nPositions: 2048,
    vocabSize: 51200, nInner: 8192, layerNormEpsilon: 1e-5, ownHead: true, headBias: true, gated: false,
    normsPerLayer: 1, rotary, bosTokenId: null, eosTokenId: [],
  });
  const layer = 12 * 2048 ** 2 + 4 * 2048 + (8192 + 2048) + 2 * 2048;
  assert.equal(parameterCount(config), 12 * layer + 2 * 51200 * 2048 + 51200 + 2 * 2048);
  // all 24 of them are the 1,418,270,720 that transformers counts
  assert.equal(24 * layer + 2 * 51200 * 2048 + 51200 + 2 * 2048, 1_418_270_720);
  assert.equal(multiplyAdds(config, 0, 1).projections, 12 * 12 * 2048 ** 2);
});

test('of a Phi: missing fields, both spellings of the angles', () => {
  const sizes = { hidden_size: 32, intermediate_size: 8, num_attention_heads: 2, num_hidden_layers: 1 };
  assert.deepEqual(parseConfig({ model_type: 'phi', ...sizes, vocab_size: 99 }), {
    modelType: 'phi', nLayer: 1, nHead: 2, nKvHead: 2, headDim: 16, nEmbd: 32, nPositions: 2048,
    vocabSize: 99, nInner: 8, layerNormEpsilon: 1e-5, ownHead: true, headBias: true, gated: false,
    normsPerLayer: 1, rotary: { ...rotary, dim: 8 }, bosTokenId: 1, eosTokenId: [2],
  });
  const rotaryOf = (changes) => parseConfig(phi(changes)).rotary;
  const old = rotaryOf({ partial_rotary_factor: 0.375, rope_theta: 500 });
  assert.deepEqual(old, { ...rotary, dim: 24, theta: 500 });
  const inside = { rope_type: 'default', rope_theta: 500, partial_rotary_factor: 0.375 };
  assert.deepEqual(rotaryOf({ rope_parameters: inside }), old);
  assert.equal(parseConfig(phi({ num_key_value_heads: 8 })).nKvHead, 8);
});

test('of a Phi: what is refused', () => {
  refused(phi, 'unsupported_architecture', {
    architectures: [['PhiForSequenceClassification'], ['Phi3ForCausalLM']], qk_layernorm: [true],
    hidden_act: ['gelu', 'silu', 7], tie_word_embeddings: [true], quantization_config: [{}],
    rope_scaling: [{ type: 'dynamic', factor: 2 }, { type: 'longrope', factor: 2 }],
  });
  refused(phi, 'config_invalid', {
    num_key_value_heads: [5, 0], partial_rotary_factor: [0, 2, '1', 0.02], qk_layernorm: [1],
    hidden_size: [undefined, 0], intermediate_size: [undefined], num_hidden_layers: [undefined],
    num_attention_heads: [undefined, 30], vocab_size: [undefined], layer_norm_eps: [0, 1],
  });
  throwsCode(() => parseConfig(phi({ num_hidden_layers: 96 })), 'config_invalid', /\d\.\d billion weights/);
});

test('opt-125m', () => {
  const config = parseConfig(opt());
  const expected = {
    modelType: 'opt', nLayer: 12, nHead: 12, nKvHead: 12, headDim: 64, nEmbd: 768, nPositions: 2048,
    vocabSize: 50272, nInner: 3072, layerNormEpsilon: 1e-5, ownHead: false, positionRows: 2050, bosTokenId: 2,
    eosTokenId: [2],
  };
  assert.deepEqual(config, expected);
  assert.equal(parameterCount(config), 125_239_296); // as transformers counts
  const bare = Object.fromEntries(Object.entries(opt()).filter(([key]) => (
    /hidden_size|ffn_dim|num_|vocab_size|model_type/.test(key))));
  assert.deepEqual(parseConfig(bare), expected); // all else is the preset of the class
  assert.equal(parseConfig(opt({ tie_word_embeddings: false })).ownHead, true);
});

test('of an OPT: what is refused, each in a sentence of its own', () => {
  refused(opt, 'unsupported_architecture', {
    architectures: [['OPTForSequenceClassification']], activation_function: ['gelu', 7],
    do_layer_norm_before: [false], _remove_final_layer_norm: [true], enable_bias: [false],
    layer_norm_elementwise_affine: [false], word_embed_proj_dim: [512], quantization_config: [{}],
  });
  const refusal = (changes, message) => (
    throwsCode(() => parseConfig(opt(changes)), 'unsupported_architecture', message));
  refusal({ do_layer_norm_before: false }, /norms behind the blocks, as OPT-350m has them/);
  refusal({ word_embed_proj_dim: 512 }, /another width than the model, as OPT-350m/);
  refused(opt, 'config_invalid', {
    hidden_size: [undefined, 0], ffn_dim: [undefined, '1'], num_hidden_layers: [undefined],
    num_attention_heads: [undefined, 10], vocab_size: [undefined], do_layer_norm_before: [0],
  });
});
