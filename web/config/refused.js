// What is refused, with a sentence of its own: families of models that are not computed, and settings that no
// architecture computes, whichever config.json they stand in. Never a wrong text.

/** @import { Fields } from './fields.js' */

const EXPERTS = 'mixtures of experts cannot be computed';
const PICTURES = 'it reads pictures or sounds beside the text, under names of its own, which is not done';
const OWN_CODE = 'it needs code out of its repository, which is never run';

/** Why, by model_type. */
const FAMILIES = new Map([
  ['gemma', 'the first Gemma scales its embedding and adds 1 to the weights of its norms, which is not '
    + 'computed for it'],
  ['gemma2', 'its scores and logits are capped (softcapping), which is not computed'],
  ['gemma3', PICTURES],
  ['phi3', 'its q, k and v lie in one matrix, its gate and up in another, and its angles are others in long '
    + 'texts'],
  ['smollm3', 'some of its layers turn no heads (no_rope_layers), which is not computed'],
  ['olmo', 'its norms have no weights, which is not computed'],
  ['stablelm', 'rotations of a part of each head beside a gated MLP are not computed'],
  ['starcoder2', 'rotations beside norms and matrices with biases are not computed for it'],
  ['falcon', 'its q, k and v lie in one matrix, group by group, which is not read'],
  ['gpt_bigcode', 'its one head of keys lies in a matrix with all queries, which is not read'],
  ['granite', 'its embedding, branches, scores and logits are scaled, which is not computed'],
  ...spread('its norms stand behind attention and MLP, which is not computed', 'olmo2', 'olmo3'),
  ...spread('its rotations pair neighbours, not the halves of a head, which is not computed',
    'gptj', 'codegen', 'cohere', 'cohere2', 'glm', 'glm4', 'chatglm'),
  ...spread('its scores depend on a bias by distance (ALiBi), which is not computed', 'bloom', 'mpt'),
  ...spread(OWN_CODE, 'baichuan', 'internlm', 'internlm2', 'qwen', 'minicpm', 'custom'),
  ...spread('it is an encoder with a decoder of another kind than T5, BART and Marian', 'umt5', 'longt5',
    'mbart', 'pegasus', 'm2m_100', 'blenderbot', 'led', 'whisper', 'encoder-decoder'),
  ...spread('it is an encoder, whose tokens see those after them; it writes no text', 'bert', 'roberta',
    'distilbert', 'electra', 'albert', 'deberta', 'deberta-v2', 'modernbert', 'xlm-roberta', 'mpnet'),
  ...spread('it carries a state from token to token, in place of keys and values or beside them', 'mamba',
    'mamba2', 'falcon_mamba', 'falcon_h1', 'rwkv', 'recurrent_gemma', 'jamba', 'zamba', 'zamba2', 'bamba',
    'lfm2', 'qwen3_next', 'nemotron_h'),
  ...spread(EXPERTS, 'mixtral', 'dbrx', 'deepseek', 'deepseek_v2', 'deepseek_v3', 'gpt_oss', 'llama4',
    'llama4_text', 'grok-1', 'arctic', 'minimax'),
  ...spread(PICTURES, 'gemma3n', 'mllama', 'llava', 'paligemma', 'idefics3', 'smolvlm', 'mistral3', 'pixtral',
    'qwen2_vl', 'qwen2_5_vl', 'qwen3_vl', 'qwen2_audio', 'phi4mm', 'internvl'),
]);

/** @param {string} reason  @param {string[]} types  @returns {[string, string][]} */
function spread(reason, ...types) {
  return types.map((type) => [type, reason]);
}

/** Why an architecture is not computed; undefined where nothing is known of it. @param {unknown} modelType */
export function reasonAgainst(modelType) {
  if (typeof modelType !== 'string') return undefined;
  return FAMILIES.get(modelType) ?? (/moe/i.test(modelType) ? EXPERTS : undefined);
}

/** @param {unknown} x */
const isOn = (x) => x !== false && x !== 0;

/** @param {unknown} x */
const isNotOne = (x) => x !== 1;

/** @param {unknown} x */
const isAnything = (x) => x !== undefined;

const CAPPED = 'scores and logits are not capped here';
const SCALED = 'only 1 is supported';

/**
 * Settings, when each is refused, and why. null is as good as missing.
 * @type {readonly [string, (x: unknown) => boolean, string][]}
 */
const SETTINGS = [
  ['quantization_config', isAnything,
    'its weights are packed; only files of plain floats are supported (weights: \'int8\' packs them)'],
  ['compression_config', isAnything, 'its weights are packed; only files of plain floats are supported'],
  ...['num_local_experts', 'num_experts', 'n_routed_experts', 'moe_num_experts']
    .map((key) => /** @type {[string, typeof isOn, string]} */ ([key, isOn, EXPERTS])),
  ['is_encoder_decoder', isOn, 'this model is a decoder alone'],
  ['use_bidirectional_attention', isOn, 'a token may see those after it, so nothing could be cached'],
  ['alibi', isOn, 'a bias of scores by distance (ALiBi) is not computed'],
  ['attn_logit_softcapping', isOn, CAPPED],
  ['final_logit_softcapping', isOn, CAPPED],
  ['no_rope_layers', (x) => !Array.isArray(x) || x.some((turns) => turns !== 1),
    'only layers that turn their heads are computed'],
  ['vision_config', isAnything, PICTURES],
  ['audio_config', isAnything, PICTURES],
  ['text_config', isAnything, PICTURES],
  ...['embedding_multiplier', 'residual_multiplier', 'attention_multiplier', 'logits_scaling', 'logit_scale',
    'scale_emb', 'scale_depth']
    .map((key) => /** @type {[string, typeof isNotOne, string]} */ ([key, isNotOne, SCALED])),
];

/**
 * What no architecture computes, but for encoders, which some have.
 * @param {Fields} fields  @param {boolean} hasEncoder
 */
export function refuseSettings(fields, hasEncoder) {
  for (const [key, isRefused, reason] of SETTINGS) {
    if (hasEncoder && key === 'is_encoder_decoder') continue;
    if (fields.has(key) && isRefused(fields.get(key))) throw fields.unsupported(key, reason);
  }
}

/** Activations that no architecture computes, and what they are. */
const ACTIVATIONS = new Map([
  ['quick_gelu', 'it is x * sigmoid(1.702 x), which is not computed'],
  ['gelu_fast', 'its approximation of GELU is not computed'],
  ['gelu_10', 'its GELU is cut off at 10, which is not computed'],
  ['relu2', 'the square of ReLU is not computed'],
]);

/**
 * @param {Fields} fields  @param {string} key
 * @param {readonly string[]} known  that are computed
 * @param {string} [preset]  the first of these
 */
export function refuseActivation(fields, key, known, preset = known[0]) {
  const value = fields.get(key) ?? preset;
  if (known.some((name) => name === value)) return;
  const reason = typeof value === 'string' && ACTIVATIONS.get(value);
  const all = known.map((name) => `"${name}"`).join(', or ');
  throw fields.unsupported(key, `${reason ? `${reason}; ` : ''}only ${all} is supported`);
}
