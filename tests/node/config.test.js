import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadModel } from 'kvcache-wasm';
import { parseConfig } from '../../web/config/config.js';
import { parseGenerationConfig } from '../../web/config/generation.js';
import { SAMPLING_RANGES } from '../../web/config/ranges.js';
import { rejectsCode, smallConfig, throwsCode } from './helpers.js';
import { tinyBlobs } from './tiny-model.js';

const without = (key) => {
  const { [key]: _, ...rest } = smallConfig();
  return rest;
};

/** Asserts that a config.json with these changes is refused. */
function refused(changes, code, message) {
  throwsCode(() => parseConfig(smallConfig(changes)), code, message);
}

test('gpt2 as it lies on the Hub', () => {
  const config = parseConfig({
    activation_function: 'gelu_new', architectures: ['GPT2LMHeadModel'], attn_pdrop: 0.1, bos_token_id: 50256,
    embd_pdrop: 0.1, eos_token_id: 50256, initializer_range: 0.02, layer_norm_epsilon: 1e-05,
    model_type: 'gpt2', n_ctx: 1024, n_embd: 768, n_head: 12, n_layer: 12, n_positions: 1024,
    resid_pdrop: 0.1,
    summary_activation: null, summary_first_dropout: 0.1, summary_proj_to_labels: true,
    summary_type: 'cls_index', summary_use_proj: true,
    task_specific_params: { 'text-generation': { do_sample: true, max_length: 50 } }, vocab_size: 50257,
  });
  assert.deepEqual(config, {
    modelType: 'gpt2', nLayer: 12, nHead: 12, nKvHead: 12, headDim: 64, nEmbd: 768, nPositions: 1024,
    vocabSize: 50257, nInner: 3072, layerNormEpsilon: 1e-5, bosTokenId: 50256, eosTokenId: [50256],
  });
  assert.ok(Object.isFrozen(config) && Object.isFrozen(config.eosTokenId));
});

test('missing and null fields take the defaults of the format', () => {
  const sizes = { n_layer: 1, n_head: 1, n_embd: 4, n_positions: 8 };
  const config = parseConfig({ model_type: 'gpt2', ...sizes, vocab_size: 60_000, n_inner: null });
  assert.equal(config.nInner, 16);
  assert.equal(config.layerNormEpsilon, 1e-5);
  assert.equal(config.bosTokenId, 50256);
  assert.deepEqual(config.eosTokenId, [50256]);
  // A vocabulary too small for the default id simply has none.
  const tiny = parseConfig({ model_type: 'gpt2', ...sizes, vocab_size: 50256 });
  assert.equal(tiny.bosTokenId, null);
  assert.deepEqual(tiny.eosTokenId, []);
});

test('no ending token, said with null or an empty list, is not the format\'s either', () => {
  for (const none of [null, []]) {
    const { bosTokenId, eosTokenId } = parseConfig(smallConfig({ vocab_size: 60_000, bos_token_id: none,
      eos_token_id: none }));
    assert.deepEqual([bosTokenId, eosTokenId], [null, []]);
  }
});

test('n_inner, several end tokens, none, and the old name n_ctx', () => {
  assert.equal(parseConfig(smallConfig({ n_inner: 24 })).nInner, 24);
  assert.deepEqual(parseConfig(smallConfig({ eos_token_id: [2, 1, 2] })).eosTokenId, [2, 1]);
  assert.deepEqual(parseConfig(smallConfig({ eos_token_id: null, bos_token_id: null })).eosTokenId, []);
  assert.equal(parseConfig(smallConfig({ n_positions: undefined, n_ctx: 48 })).nPositions, 48);
  assert.equal(parseConfig(smallConfig({ n_ctx: 48 })).nPositions, 32);
});

test('config_invalid: not an object', () => {
  for (const json of [null, undefined, [], 'gpt2', 5]) {
    throwsCode(() => parseConfig(json), 'config_invalid', /object/);
  }
});

test('config_invalid: every size is required, positive and in range', () => {
  for (const key of ['n_layer', 'n_head', 'n_embd', 'n_positions', 'vocab_size']) {
    throwsCode(() => parseConfig(without(key)), 'config_invalid', new RegExp(`${key} is missing`));
    for (const value of [0, -1, 1.5, '2', null, true, [2], NaN, Infinity, 2 ** 24 + 1, 2 ** 53, 1e300]) {
      refused({ [key]: value }, 'config_invalid', new RegExp(key));
    }
  }
  refused({ n_inner: 0 }, 'config_invalid', /n_inner/);
});

test('config_invalid: head sizes', () => {
  for (const [n_embd, n_head] of [[16, 3], [16, 8], [18, 2], [10, 5], [4, 2]]) {
    const message = new RegExp(`n_embd ${n_embd} over n_head ${n_head}.*multiple of 4`);
    refused({ n_embd, n_head }, 'config_invalid', message);
  }
});

test('config_invalid: epsilon and token ids', () => {
  for (const layer_norm_epsilon of [0, -1e-5, 1, '1e-5', NaN, Infinity]) {
    refused({ layer_norm_epsilon }, 'config_invalid', /layer_norm_epsilon/);
  }
  for (const id of [-1, 300, 1.5, '1', [1, 300], [[1]], {}, true]) {
    refused({ eos_token_id: id }, 'config_invalid', /eos_token_id/);
    refused({ bos_token_id: id }, 'config_invalid', /bos_token_id/);
  }
});

test('config_invalid: more weights than WebAssembly can address', () => {
  refused({ n_layer: 48, n_embd: 4096, n_head: 32 }, 'config_invalid', /n_layer 48.*9\.\d billion weights/);
  const most = { n_layer: 2 ** 24, n_embd: 2 ** 24, n_head: 1, vocab_size: 2 ** 24 };
  refused(most, 'config_invalid', /billion weights/);
});

test('unsupported_architecture: each thing the engine does not compute', () => {
  const cases = {
    model_type: ['mixtral', 'gptj', 'GPT2', '', null, 2, undefined, ['gpt2'], 'constructor', '__proto__'],
    architectures: [['LlamaForCausalLM'], 'GPT2LMHeadModel', ['GPT2LMHeadModel', 'GPT2Classifier']],
    activation_function: ['relu', 'gelu', 'gelu_fast', 7],
    scale_attn_weights: [false],
    scale_attn_by_inverse_layer_idx: [true],
    reorder_and_upcast_attn: [true],
    add_cross_attention: [true],
    quantization_config: [{}, { quant_method: 'gptq' }, 'x'],
  };
  for (const [key, values] of Object.entries(cases)) {
    for (const value of values) refused({ [key]: value }, 'unsupported_architecture', new RegExp(key));
  }
  refused({ model_type: 'bloom' }, 'unsupported_architecture', /model_type is "bloom".*"gpt2", "llama"/);
  refused({ model_type: 'qwen3_moe' }, 'unsupported_architecture', /mixtures of experts cannot be computed/);
});

test('the supported values of those switches are accepted', () => {
  parseConfig(smallConfig({
    activation_function: 'gelu_pytorch_tanh', scale_attn_weights: true,
    scale_attn_by_inverse_layer_idx: false,
    reorder_and_upcast_attn: false, tie_word_embeddings: true, add_cross_attention: false,
    quantization_config: null, architectures: ['GPT2Model'],
  }));
  const absent = { architectures: undefined, activation_function: undefined, tie_word_embeddings: null };
  parseConfig(smallConfig(absent));
  refused({ tie_word_embeddings: 'no' }, 'config_invalid', /tie_word_embeddings/);
});

test('keys that mean something to JavaScript are only keys', () => {
  const small = JSON.stringify(smallConfig());
  const hostile = `{"__proto__":{"n_layer":99},"constructor":1,"toString":2,${small.slice(1)}`;
  assert.equal(parseConfig(JSON.parse(hostile)).nLayer, 2);
  const inherited = JSON.parse(`{"model_type":"gpt2","__proto__":${small}}`);
  throwsCode(() => parseConfig(inherited), 'config_invalid', /n_layer is missing/);
});

// ---- generation_config.json -------------------------------------------------------------------

const config = parseConfig(smallConfig());
const off = { topK: 0, topP: 1, minP: 0, repetitionPenalty: 1, eosTokenIds: [256] };

test('no file, an empty file and do_sample false are greedy', () => {
  for (const json of [undefined, {}, { do_sample: false, temperature: 0.7 }, { do_sample: null }]) {
    assert.deepEqual(parseGenerationConfig(json, config), { temperature: 0, ...off });
  }
  assert.ok(Object.isFrozen(parseGenerationConfig({}, config)));
});

test('do_sample brings the defaults of the format', () => {
  assert.deepEqual(parseGenerationConfig({ do_sample: true }, config), { ...off, temperature: 1, topK: 50 });
});

test('every setting is read', () => {
  assert.deepEqual(parseGenerationConfig({
    do_sample: true, temperature: 0.8, top_k: 0, top_p: 0.9, min_p: 0.05, repetition_penalty: 1.2,
    max_new_tokens: 200, eos_token_id: [3, 4], num_beams: 4, transformers_version: '4.40.0',
  }, config), {
    temperature: 0.8, topK: 0, topP: 0.9, minP: 0.05, repetitionPenalty: 1.2, maxNewTokens: 200,
    eosTokenIds: [3, 4], ignored: ['num_beams'],
  });
  assert.deepEqual(parseGenerationConfig({ eos_token_id: 5 }, config).eosTokenIds, [5]);
  assert.deepEqual(parseGenerationConfig({ eos_token_id: null }, config).eosTokenIds, [256]);
  assert.deepEqual(parseGenerationConfig({ eos_token_id: [] }, config).eosTokenIds, [], 'none, and said so');
});

test('rules and stop strings are read; what is not done is listed, what asks for nothing is not', () => {
  const { temperature, ...more } = parseGenerationConfig({
    stop_strings: ['a', 'b'], min_new_tokens: 3, no_repeat_ngram_size: 2, frequency_penalty: 0.5,
    presence_penalty: -1, suppress_tokens: [4, 9], sequence_bias: [[[7], -2.5], [[9], 1]],
  }, config);
  assert.equal(temperature, 0);
  assert.deepEqual(more, { ...off, stop: ['a', 'b'], minTokens: 3, noRepeatNgramSize: 2,
    frequencyPenalty: 0.5, presencePenalty: -1, logitBias: { 4: -Infinity, 7: -2.5, 9: -Infinity } });
  assert.deepEqual(parseGenerationConfig({ stop_strings: 'x' }, config).stop, ['x']);
  const nothing = { num_beams: 1, typical_p: 1.0, min_length: 0, bad_words_ids: [], guidance_scale: null,
    stop_strings: [], sequence_bias: null, suppress_tokens: null };
  assert.deepEqual(parseGenerationConfig(nothing, config), { temperature: 0, ...off });
  const asked = { typical_p: 0.9, min_length: 4, begin_suppress_tokens: [3], sequence_bias: [[[1, 2], 3]] };
  assert.deepEqual(parseGenerationConfig(asked, config).ignored,
    ['min_length', 'typical_p', 'begin_suppress_tokens', 'sequence_bias']);
  for (const [key, value] of [['stop_strings', ['']], ['stop_strings', 5], ['min_new_tokens', -1],
    ['no_repeat_ngram_size', 0.5], ['suppress_tokens', [300]], ['frequency_penalty', '1']]) {
    throwsCode(() => parseGenerationConfig({ [key]: value }, config), 'config_invalid', new RegExp(key));
  }
});

test('config_invalid: settings out of range', () => {
  const wrong = {
    do_sample: [1, 'yes'], temperature: [-0.1, '1', NaN, Infinity, 1.1e6], top_k: [-1, 1.5, '5', 2 ** 32],
    top_p: [0, 1.1, -1, 1e-46], min_p: [-0.1, 2],
    repetition_penalty: [0, -1, 1e-7, 1.1e6], max_new_tokens: [-1, 1.5, 2 ** 53],
    eos_token_id: [300, -1, ['x'], [[]]],
  };
  for (const [key, values] of Object.entries(wrong)) {
    for (const value of values) {
      const message = new RegExp(`generation_config.json.*${key}`);
      throwsCode(() => parseGenerationConfig({ [key]: value }, config), 'config_invalid', message);
    }
  }
  for (const json of [null, [], 'x']) throwsCode(() => parseGenerationConfig(json, config), 'config_invalid');
});

test('eos_token_id: a list with none in it means none, in either file', () => {
  assert.deepEqual(parseGenerationConfig({ eos_token_id: [] }, config).eosTokenIds, []);
  const endless = parseConfig(smallConfig({ eos_token_id: [], bos_token_id: [] }));
  assert.deepEqual(endless.eosTokenId, []);
  assert.equal(endless.bosTokenId, null);
  assert.deepEqual(parseGenerationConfig({}, endless).eosTokenIds, []);
  assert.deepEqual(parseGenerationConfig({ eos_token_id: [7] }, endless).eosTokenIds, [7]);
});

/** The ends of each range: the last numbers within, and the first beyond. */
const EDGES = {
  temperature: { within: [0, 1e-45, 1e6], beyond: [-1e-45, 1e6 + 1] },
  top_k: { within: [0, 1, 2 ** 32 - 1], beyond: [-1, 2 ** 32] },
  top_p: { within: [1e-45, 1], beyond: [1e-46, 1 + 2e-16] },
  min_p: { within: [0, 1e-45, 1], beyond: [-1e-45, 1 + 2e-16] },
  repetition_penalty: { within: [1e-6, 1e6], beyond: [1e-45, 9e-7, 1e6 + 1] },
  max_new_tokens: { within: [0, 1, 2 ** 53 - 1], beyond: [-1, 2 ** 53] },
  eos_token_id: { within: [[], null, 0, 299, [0, 299], Array(1000).fill(7)], beyond: [-1, 300, [0, 300]] },
};

test('a generation_config.json that loads never makes generate() throw', async () => {
  for (const [key, { within, beyond }] of Object.entries(EDGES)) {
    for (const value of within) {
      const model = await loadModel(tinyBlobs({ generation: { do_sample: true, [key]: value } }));
      for await (const { id } of model.createSession().generate('ab')) assert.ok(id < 257, `${key} ${value}`);
      model.dispose();
    }
    for (const value of beyond) {
      const loading = loadModel(tinyBlobs({ generation: { do_sample: true, [key]: value } }));
      await rejectsCode(loading, 'config_invalid', new RegExp(`generation_config.json: ${key} is`));
    }
  }
});

test('every range of the sampler has its edges tested', () => {
  const key = (name) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  for (const name of Object.keys(SAMPLING_RANGES)) assert.ok(key(name) in EDGES, name);
});
