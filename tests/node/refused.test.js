// What is not computed is refused: every family and every setting, each with a sentence of its own.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { parseConfig } from '../../web/config/config.js';
import { throwsCode } from './helpers.js';

const configOf = (name) => (
  JSON.parse(readFileSync(new URL(`../fixtures/${name}/config.json`, import.meta.url), 'utf8')));
const CONFIGS = [
  'tiny-f32', 'llama-f32', 'llama-3-bf16', 'qwen2-bf16', 'qwen3-bf16', 'gpt-neox-f16', 'mistral-bf16',
  'phi-bf16', 'gpt-neo-f32', 'opt-f16',
].map(configOf);

function refused(config, message) {
  throwsCode(() => parseConfig(config), 'unsupported_architecture', message);
}

test('families, by what is in their way', () => {
  const families = {
    'scales its embedding and adds 1': ['gemma'], capped: ['gemma2'], 'no_rope_layers': ['smollm3'],
    'one matrix, its gate and up in another': ['phi3'], 'norms have no weights': ['olmo'],
    'behind attention and MLP': ['olmo2', 'olmo3'], 'part of each head beside a gated MLP': ['stablelm'],
    'pair neighbours': ['gptj', 'codegen', 'cohere', 'glm'], ALiBi: ['bloom', 'mpt'],
    'mixtures of experts': ['mixtral', 'qwen2_moe', 'qwen3_moe', 'phimoe', 'deepseek_v3', 'gpt_oss'],
    'pictures or sounds': ['gemma3', 'qwen2_5_vl', 'mllama', 'smolvlm', 'mistral3'],
    'encoder with a decoder of another kind': ['umt5', 'mbart', 'pegasus', 'whisper'],
    'writes no text': ['bert', 'modernbert'], 'state from token to token': ['mamba', 'rwkv', 'qwen3_next'],
    'code out of its repository': ['baichuan', 'qwen'], 'group by group': ['falcon'],
    'with all queries': ['gpt_bigcode'], scaled: ['granite'], 'beside norms and matrices': ['starcoder2'],
  };
  for (const [reason, types] of Object.entries(families)) {
    for (const model_type of types) {
      refused({ ...CONFIGS[1], model_type }, new RegExp(
        `model_type is "${model_type}"; .*${reason}.*; the architectures that can be computed are: "gpt2"`));
    }
  }
  refused({ model_type: 'unheard-of' }, /"unheard-of"; the architectures that can be computed are/);
});

test('settings, in whichever config they stand', () => {
  const settings = {
    quantization_config: [{ quant_method: 'gptq' }, {}, 'x'], compression_config: [{}],
    num_local_experts: [8, 1], num_experts: [4], n_routed_experts: [64], moe_num_experts: [2],
    is_encoder_decoder: [true], use_bidirectional_attention: [true], alibi: [true],
    attn_logit_softcapping: [50], final_logit_softcapping: [30], no_rope_layers: [[1, 1, 0], 4],
    vision_config: [{}], audio_config: [{}], text_config: [{}],
    embedding_multiplier: [12], residual_multiplier: [0.22], attention_multiplier: [0.5],
    logits_scaling: [8], logit_scale: [0.0625], scale_emb: [12], scale_depth: [1.4],
  };
  for (const config of [...CONFIGS, ...['t5-f32', 'marian-f32', 'bart-bf16'].map(configOf)]) {
    const plain = parseConfig(config);
    const { is_encoder_decoder, ...others } = settings;
    for (const [key, values] of Object.entries(plain.encoder ? others : settings)) {
      for (const value of values) refused({ ...config, [key]: value }, new RegExp(`json: ${key} is `));
      assert.deepEqual(parseConfig({ ...config, [key]: null }), plain);
    }
    const nothing = { num_local_experts: 0, is_encoder_decoder: false, alibi: false, no_rope_layers: [1, 1],
      use_bidirectional_attention: false, logit_scale: 1 };
    if (plain.encoder) nothing.is_encoder_decoder = true;
    assert.deepEqual(parseConfig({ ...config, ...nothing }), plain);
  }
});

test('activations: what another function would be, and what is supported in its place', () => {
  for (const config of CONFIGS) {
    const key = 'activation_function' in config ? 'activation_function' : 'hidden_act';
    const act = (value, message) => refused({ ...config, [key]: value }, message);
    act('quick_gelu', new RegExp(`${key} is "quick_gelu"; it is x .* sigmoid.1\\.702 x.*; only "\\w+"`));
    act('gelu_fast', /approximation of GELU is not computed; only "/);
    act('relu2', /square of ReLU is not computed; only "/);
    for (const value of ['tanh', '', 7, []]) act(value, new RegExp(`${key} is .*; only "`));
  }
  refused({ ...CONFIGS[0], activation_function: 'gelu' }, /only "gelu_new", or "gelu_pytorch_tanh" is /);
  for (const hidden_act of ['gelu', 'relu']) refused({ ...CONFIGS[1], hidden_act }, /"silu", or "swish"/);
});

test('scaling of angles that the keys of a cache would not survive', () => {
  for (const config of CONFIGS.filter((each) => 'rotary' in parseConfig(each))) {
    const scaled = (type, message) => {
      const { rope_parameters, ...old } = config;
      refused({ ...old, rope_scaling: { type, factor: 2 } }, message);
      refused({ ...old, rope_parameters: { rope_type: type, rope_theta: 1e4, factor: 2 } }, message);
    };
    scaled('dynamic', /change with the length of the text, so the keys of a cache would disagree/);
    scaled('longrope', /others in long texts, so the keys of a cache would disagree/);
    scaled('proportional', /is not known/);
  }
});
