// golden.txt in JavaScript: the models of tests/native/random_model.h made again, bit for bit, and run
// through the binding. Nothing here needs Node: the browser ring uses it too.

/** SplitMix64, one draw a call. @param {bigint} state */
export function splitMix64(state) {
  return () => {
    state = BigInt.asUintN(64, state + 0x9e3779b97f4a7c15n);
    let z = state;
    z = BigInt.asUintN(64, (z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n);
    z = BigInt.asUintN(64, (z ^ (z >> 27n)) * 0x94d049bb133111ebn);
    return z ^ (z >> 31n);
  };
}

/** (hi, lo) * (byHi, byLo) modulo 2^64, all of 32 bits. */
function product(hi, lo, byHi, byLo) {
  const [a, b, c, d] = [lo >>> 16, lo & 0xffff, byLo >>> 16, byLo & 0xffff];
  const [ad, bc] = [a * d, b * c];
  const middle = (b * d >>> 16) + (ad & 0xffff) + (bc & 0xffff);
  const high = a * c + (ad >>> 16) + (bc >>> 16) + (middle >>> 16);
  return [high + Math.imul(hi, byLo) + Math.imul(lo, byHi) | 0, Math.imul(lo, byLo)];
}

/**
 * The upper 24 bits of what splitMix64(state) draws, in halves of 32 bits: millions are drawn, and with
 * BigInt they would take longer than all that is done with them.
 * @param {bigint} state
 */
function upperBits(state) {
  let [hi, lo] = [Number(state >> 32n & 0xffffffffn) | 0, Number(state & 0xffffffffn) | 0];
  return () => {
    const sum = (lo >>> 0) + 0x7f4a7c15;
    hi = hi + 0x9e3779b9 + (sum > 0xffffffff ? 1 : 0) | 0;
    lo = sum | 0;
    let [h, l] = product(hi ^ hi >>> 30, lo ^ (lo >>> 30 | hi << 2), 0xbf58476d, 0x1ce4e5b9);
    [h] = product(h ^ h >>> 27, l ^ (l >>> 27 | h << 5), 0x94d049bb, 0x133111eb);
    return h >>> 8;
  };
}

/** The largest e with 4^e <= n. */
const halvings = (n) => Math.floor(Math.log2(n) / 2);

/** [name, shape, mean, scale] of every tensor, in the order in which they are drawn. */
function tensorsOf({ n_layer, n_embd: C, n_inner: F, n_positions, vocab_size }) {
  const norm = (name) => [[`${name}.weight`, [C], 1, 1 / 4], [`${name}.bias`, [C], 0, 1 / 4]];
  const linear = (name, n_in, n_out) => [
    [`${name}.weight`, [n_in, n_out], 0, 2 ** (1 - halvings(n_in))], [`${name}.bias`, [n_out], 0, 1 / 4]];
  const embedding = (name, rows) => [name, [rows, C], 0, 2 ** (2 - halvings(C))];
  return [
    embedding('wte.weight', vocab_size), embedding('wpe.weight', n_positions),
    ...Array.from({ length: n_layer }, (_, i) => [
      ...norm(`h.${i}.ln_1`), ...linear(`h.${i}.attn.c_attn`, C, 3 * C),
        ...linear(`h.${i}.attn.c_proj`, C, C),
      ...norm(`h.${i}.ln_2`), ...linear(`h.${i}.mlp.c_fc`, C, F), ...linear(`h.${i}.mlp.c_proj`, F, C),
    ]).flat(),
    ...norm('ln_f'),
  ];
}

/** The same of a Llama, a Qwen2 or a Qwen3, by its config.json. */
function llamaTensors(config) {
  const { num_hidden_layers, hidden_size: C, intermediate_size: F, vocab_size: V } = config;
  const [Q, KV] = [config.num_attention_heads, config.num_key_value_heads].map((n) => n * config.head_dim);
  const isGemma = config.model_type === 'gemma3_text';
  const norm = (name, width = C) => [`${name}.weight`, [width], isGemma ? 0 : 1, 1 / 4];
  const embedding = (name) => [`${name}.weight`, [V, C], 0, 2 ** (2 - halvings(C))];
  const linear = (name, n_in, n_out, bias) => [
    [`${name}.weight`, [n_out, n_in], 0, 2 ** (1 - halvings(n_in))],
    ...bias ? [[`${name}.bias`, [n_out], 0, 1 / 4]] : []];
  const layer = (prefix) => [
    norm(`${prefix}.input_layernorm`),
    ...[['q', C, Q], ['k', C, KV], ['v', C, KV], ['o', Q, C]].flatMap(([part, n_in, n_out]) => (
      linear(`${prefix}.self_attn.${part}_proj`, n_in, n_out,
        config.attention_bias || (config.model_type === 'qwen2' && part !== 'o')))),
    ...isGemma || config.model_type === 'qwen3'
      ? ['q', 'k'].map((part) => norm(`${prefix}.self_attn.${part}_norm`, config.head_dim)) : [],
    norm(`${prefix}.post_attention_layernorm`),
    ...isGemma ? ['pre', 'post'].map((place) => norm(`${prefix}.${place}_feedforward_layernorm`)) : [],
    ...[['gate', C, F], ['up', C, F], ['down', F, C]].flatMap(([part, n_in, n_out]) => (
      linear(`${prefix}.mlp.${part}_proj`, n_in, n_out, config.mlp_bias))),
  ];
  return [
    embedding('model.embed_tokens'),
    ...Array.from({ length: num_hidden_layers }, (_, i) => layer(`model.layers.${i}`)).flat(),
    norm('model.norm'),
    ...config.tie_word_embeddings ? [] : [embedding('lm_head')],
  ];
}

/** The same of a GPT-NeoX. */
function neoxTensors(config) {
  const { num_hidden_layers, hidden_size: C, intermediate_size: F, vocab_size: V } = config;
  const norm = (name) => [[`${name}.weight`, [C], 1, 1 / 4], [`${name}.bias`, [C], 0, 1 / 4]];
  const embedding = (name) => [`${name}.weight`, [V, C], 0, 2 ** (2 - halvings(C))];
  const linear = (name, n_in, n_out, bias = true) => [
    [`${name}.weight`, [n_out, n_in], 0, 2 ** (1 - halvings(n_in))],
    ...bias ? [[`${name}.bias`, [n_out], 0, 1 / 4]] : []];
  const layer = (prefix) => [
    ...norm(`${prefix}.input_layernorm`),
    ...linear(`${prefix}.attention.query_key_value`, C, 3 * C, config.attention_bias),
    ...linear(`${prefix}.attention.dense`, C, C, config.attention_bias),
    ...norm(`${prefix}.post_attention_layernorm`),
    ...linear(`${prefix}.mlp.dense_h_to_4h`, C, F), ...linear(`${prefix}.mlp.dense_4h_to_h`, F, C),
  ];
  return [
    embedding('gpt_neox.embed_in'),
    ...Array.from({ length: num_hidden_layers }, (_, i) => layer(`gpt_neox.layers.${i}`)).flat(),
    ...norm('gpt_neox.final_layer_norm'),
    ...config.tie_word_embeddings ? [] : [embedding('embed_out')],
  ];
}

/** The same of a Phi, or an OPT. */
function phiTensors(config) {
  const { num_hidden_layers, hidden_size: C, vocab_size: V, max_position_embeddings: P } = config;
  const isOpt = config.model_type === 'opt';
  const F = isOpt ? config.ffn_dim : config.intermediate_size;
  const KV = (isOpt ? C : config.num_key_value_heads / config.num_attention_heads * C);
  const norm = (name) => [[`${name}.weight`, [C], 1, 1 / 4], [`${name}.bias`, [C], 0, 1 / 4]];
  const table = (name, rows = V) => [`${name}.weight`, [rows, C], 0, 2 ** (2 - halvings(C))];
  const linear = (name, n_in, n_out) => [
    [`${name}.weight`, [n_out, n_in], 0, 2 ** (1 - halvings(n_in))], [`${name}.bias`, [n_out], 0, 1 / 4]];
  const model = isOpt ? 'model.decoder' : 'model';
  const mlp = isOpt ? '' : 'mlp.';
  const layer = (prefix) => [
    ...norm(`${prefix}.${isOpt ? 'self_attn_layer_norm' : 'input_layernorm'}`),
    ...[['q_proj', C], ['k_proj', KV], ['v_proj', KV], [isOpt ? 'out_proj' : 'dense', C]]
      .flatMap(([part, n_out]) => linear(`${prefix}.self_attn.${part}`, C, n_out)),
    ...isOpt ? norm(`${prefix}.final_layer_norm`) : [],
    ...linear(`${prefix}.${mlp}fc1`, C, F), ...linear(`${prefix}.${mlp}fc2`, F, C),
  ];
  return [
    table(`${model}.embed_tokens`), ...isOpt ? [table(`${model}.embed_positions`, P + 2)] : [],
    ...Array.from({ length: num_hidden_layers }, (_, i) => layer(`${model}.layers.${i}`)).flat(),
    ...norm(`${model}.${isOpt ? 'final_layer_norm' : 'final_layernorm'}`),
    ...config.tie_word_embeddings ? [] : [table('lm_head')],
    ...isOpt ? [] : [['lm_head.bias', [V], 0, 1 / 4]],
  ];
}

/** The same of a GPT-Neo. */
function neoTensors(config) {
  const { num_layers, hidden_size: C, intermediate_size: F, vocab_size: V } = config;
  const norm = (name) => [[`${name}.weight`, [C], 1, 1 / 4], [`${name}.bias`, [C], 0, 1 / 4]];
  const table = (name, rows) => [`${name}.weight`, [rows, C], 0, 2 ** (2 - halvings(C))];
  const matrix = (name, n_in, n_out) => [`${name}.weight`, [n_out, n_in], 0, 2 ** (1 - halvings(n_in))];
  const linear = (name, n_in, n_out) => [matrix(name, n_in, n_out), [`${name}.bias`, [n_out], 0, 1 / 4]];
  const layer = (prefix) => [
    ...norm(`${prefix}.ln_1`),
    ...['q', 'k', 'v'].map((part) => matrix(`${prefix}.attn.attention.${part}_proj`, C, C)),
    ...linear(`${prefix}.attn.attention.out_proj`, C, C),
    ...norm(`${prefix}.ln_2`), ...linear(`${prefix}.mlp.c_fc`, C, F), ...linear(`${prefix}.mlp.c_proj`, F, C),
  ];
  return [
    table('transformer.wte', V), table('transformer.wpe', config.max_position_embeddings),
    ...Array.from({ length: num_layers }, (_, i) => layer(`transformer.h.${i}`)).flat(),
    ...norm('transformer.ln_f'),
  ];
}

/** The two stacks of a model with an encoder: what stands before the names of each, and its layers. */
const stacksOf = (encoderLayers, decoderLayers) => [['encoder', encoderLayers], ['decoder', decoderLayers]];

/** The same of a T5. */
function t5Tensors(config) {
  const { d_model: C, d_ff: F, num_heads: H, vocab_size: V } = config;
  const Q = H * config.d_kv;
  const norm = (name) => [`${name}.weight`, [C], 1, 1 / 4];
  const embedding = (name) => [`${name}.weight`, [V, C], 0, 2 ** (2 - halvings(C))];
  const matrix = (name, n_in, n_out) => [`${name}.weight`, [n_out, n_in], 0, 2 ** (1 - halvings(n_in))];
  const attention = (prefix, name) => [
    norm(`${prefix}.layer_norm`),
    ...['q', 'k', 'v'].map((part) => matrix(`${prefix}.${name}.${part}`, C, Q)),
    matrix(`${prefix}.${name}.o`, Q, C),
  ];
  const inner = config.feed_forward_proj === 'relu' ? ['wi'] : ['wi_0', 'wi_1'];
  const layer = (prefix, isDecoder) => [
    ...attention(`${prefix}.layer.0`, 'SelfAttention'),
    ...isDecoder ? attention(`${prefix}.layer.1`, 'EncDecAttention') : [],
    norm(`${prefix}.layer.${isDecoder ? 2 : 1}.layer_norm`),
    ...inner.map((name) => matrix(`${prefix}.layer.${isDecoder ? 2 : 1}.DenseReluDense.${name}`, C, F)),
    matrix(`${prefix}.layer.${isDecoder ? 2 : 1}.DenseReluDense.wo`, F, C),
  ];
  return [
    embedding('shared'),
    ...stacksOf(config.num_layers, config.num_decoder_layers).flatMap(([stack, n]) => [
      [`${stack}.block.0.layer.0.SelfAttention.relative_attention_bias.weight`,
        [config.relative_attention_num_buckets, H], 0, 1],
      ...Array.from({ length: n }, (_, i) => layer(`${stack}.block.${i}`, stack === 'decoder')).flat(),
      norm(`${stack}.final_layer_norm`),
    ]),
    ...config.tie_word_embeddings ? [] : [embedding('lm_head')],
  ];
}

/** The same of a BART, or a Marian. */
function bartTensors(config) {
  const { d_model: C, encoder_ffn_dim: F, vocab_size: V, max_position_embeddings: P } = config;
  const norm = (name) => [[`${name}.weight`, [C], 1, 1 / 4], [`${name}.bias`, [C], 0, 1 / 4]];
  const table = (name, rows) => [`${name}.weight`, [rows, C], 0, 2 ** (2 - halvings(C))];
  const linear = (name, n_in, n_out) => [
    [`${name}.weight`, [n_out, n_in], 0, 2 ** (1 - halvings(n_in))], [`${name}.bias`, [n_out], 0, 1 / 4]];
  const attention = (prefix) => [
    ...['q', 'k', 'v', 'out'].flatMap((part) => linear(`${prefix}.${part}_proj`, C, C)),
    ...norm(`${prefix}_layer_norm`),
  ];
  const layer = (prefix, isDecoder) => [
    ...attention(`${prefix}.self_attn`), ...isDecoder ? attention(`${prefix}.encoder_attn`) : [],
    ...linear(`${prefix}.fc1`, C, F), ...linear(`${prefix}.fc2`, F, C), ...norm(`${prefix}.final_layer_norm`),
  ];
  return [
    table('model.shared', V),
    ...stacksOf(config.encoder_layers, config.decoder_layers).flatMap(([stack, n]) => [
      ...config.model_type === 'bart' ? [
        table(`model.${stack}.embed_positions`, P + 2), ...norm(`model.${stack}.layernorm_embedding`)] : [],
      ...Array.from({ length: n }, (_, i) => layer(`model.${stack}.layers.${i}`, stack === 'decoder')).flat(),
    ]),
    ['final_logits_bias', [1, V], 0, 1 / 4],
  ];
}

/** By model_type. */
const TENSORS = {
  llama: llamaTensors, qwen2: llamaTensors, qwen3: llamaTensors, mistral: llamaTensors,
  gpt_neox: neoxTensors, phi: phiTensors, opt: phiTensors, gpt_neo: neoTensors,
  gemma3_text: llamaTensors, t5: t5Tensors, marian: bartTensors, bart: bartTensors,
};

/** A model directory, file name -> Blob. config: the sizes of a GPT-2, or the config.json of another */
export function directoryOf(config, seed) {
  const draw = upperBits(BigInt(seed));
  const header = {};
  const data = [];
  let end = 0;
  for (const [name, shape, mean, scale] of (TENSORS[config.model_type] ?? tensorsOf)(config)) {
    const values = new Float32Array(shape.reduce((a, b) => a * b));
    for (let i = 0; i < values.length; i++) {
      values[i] = mean + (draw() - 2 ** 23) * 2 ** -23 * scale;
    }
    header[name] = { dtype: 'F32', shape, data_offsets: [end, end + values.byteLength] };
    end += values.byteLength;
    data.push(values);
  }
  const text = new TextEncoder().encode(JSON.stringify(header));
  const kind = { model_type: config.model_type ?? 'gpt2', layer_norm_epsilon: 1e-5, rms_norm_eps: 1e-5,
    layer_norm_eps: 1e-5 };
  const json = { ...config, ...kind, bos_token_id: null, eos_token_id: null };
  return new Map([
    ['config.json', new Blob([JSON.stringify(json)])],
    ['model.safetensors', new Blob([BigUint64Array.of(BigInt(text.length)), text, ...data])],
  ]);
}

/** The words that a block begins with. */
const MODELS = ['model', 't5_gated', ...Object.keys(TENSORS)];

/** The blocks of golden.txt: one model each, a list of lines split into words. */
export function parseGolden(text) {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.split(' '));
  const starts = lines.flatMap(([word], i) => (MODELS.includes(word) ? [i] : []));
  return starts.map((start, i) => lines.slice(start, starts[i + 1]));
}

/** How angles are scaled: ORIGINAL LOW HIGH, and what stands behind the word "yarn" if it is there. */
function scalingOf(words, [original_max_position_embeddings, low, high]) {
  const at = words.indexOf('yarn');
  if (original_max_position_embeddings === 0) return { rope_type: 'linear' };
  if (at < 0) {
    return { rope_type: 'llama3', original_max_position_embeddings, low_freq_factor: low,
      high_freq_factor: high };
  }
  const [kind, attention_factor, mscale, mscale_all_dim] = words.slice(at + 1).map(Number);
  return { rope_type: 'yarn', original_max_position_embeddings, beta_slow: low, beta_fast: high,
    truncate: kind === 1, attention_factor, mscale, mscale_all_dim };
}

/** The same of a model with an encoder. */
function encoderModelOf(kind, [layers, encoderLayers, heads, headDim, d_model, inner, positions, vocab_size,
  seed, ownHead, scaledHead, buckets, distance]) {
  if (kind.startsWith('t5')) {
    return { seed, config: { model_type: 't5', num_decoder_layers: layers, num_layers: encoderLayers,
      num_heads: heads, d_kv: headDim, d_model, d_ff: inner, n_positions: positions, vocab_size,
      tie_word_embeddings: ownHead === 0, scale_decoder_outputs: scaledHead === 1,
      feed_forward_proj: kind === 't5' ? 'relu' : 'gated-gelu',
      relative_attention_num_buckets: buckets, relative_attention_max_distance: distance } };
  }
  const isMarian = kind === 'marian';
  return { seed, config: { model_type: kind, decoder_layers: layers, encoder_layers: encoderLayers,
    encoder_attention_heads: heads, decoder_attention_heads: heads, d_model, encoder_ffn_dim: inner,
    decoder_ffn_dim: inner, max_position_embeddings: positions, vocab_size, scale_embedding: isMarian,
    activation_function: isMarian ? 'swish' : 'gelu', pad_token_id: vocab_size - 1,
    decoder_start_token_id: vocab_size - 1 } };
}

/** The config of a block's first line, and the seed of its weights. */
function modelOf([kind, ...words]) {
  const numbers = words.map(Number);
  if (/^(t5|t5_gated|marian|bart)$/.test(kind)) return encoderModelOf(kind, numbers);
  if (kind === 'model') {
    const [n_layer, n_head, n_embd, n_inner, n_positions, vocab_size, seed] = numbers;
    return { config: { n_layer, n_head, n_embd, n_inner, n_positions, vocab_size }, seed };
  }
  if (kind === 'gpt_neo') {
    const [num_layers, num_heads, hidden_size, intermediate_size, max_position_embeddings, vocab_size, seed,
      window_size, layers] = numbers;
    const attention_layers = Array.from({ length: num_layers },
      (_, i) => (layers >> i & 1 ? 'local' : 'global'));
    return { config: { model_type: kind, num_layers, num_heads, hidden_size, intermediate_size,
      max_position_embeddings, vocab_size, window_size, attention_layers }, seed };
  }
  const [num_hidden_layers, num_attention_heads, num_key_value_heads, head_dim, hidden_size,
    intermediate_size, max_position_embeddings, vocab_size, seed, ...more] = numbers;
  const [ownHead, attentionBias, mlpBias, rope_theta, factor, ...scaling] = more;
  const rope_parameters = { rope_theta, factor, ...scalingOf(words, scaling) };
  const config = { model_type: kind, num_hidden_layers, num_attention_heads, num_key_value_heads, head_dim,
    hidden_size, intermediate_size, max_position_embeddings, vocab_size, rope_parameters,
    tie_word_embeddings: ownHead === 0, attention_bias: attentionBias === 1, mlp_bias: mlpBias === 1 };
  const [rotaryDim, parallel] = scaling.slice(3);
  const share = rotaryDim / head_dim;
  if (kind === 'gpt_neox') {
    Object.assign(config, { rotary_pct: share, use_parallel_residual: parallel === 1 });
  }
  if (kind === 'phi') config.partial_rotary_factor = share;
  if (kind === 'opt') Object.assign(config, { ffn_dim: intermediate_size, rope_parameters: undefined });
  if (kind === 'mistral') config.sliding_window = scaling[3];
  if (kind === 'gemma3_text') {
    const [sliding_window, layers, scale, localTheta] = scaling.slice(3);
    const layer_types = Array.from({ length: num_hidden_layers },
      (_, i) => (layers >> i & 1 ? 'sliding_attention' : 'full_attention'));
    Object.assign(config, { sliding_window, layer_types, query_pre_attn_scalar: scale ** -2,
      rope_parameters: { full_attention: rope_parameters, sliding_attention: { rope_theta: localTheta } } });
  }
  return { config, seed };
}

/** The directories of blocks, each made once. @type {Map<string, Map<string, Blob>>} */
const made = new Map();

/** @param {string[]} line  the first of a block */
function directoryFor(line) {
  const key = line.join(' ');
  const { config, seed } = modelOf(line);
  const directory = made.get(key) ?? directoryOf(config, seed);
  made.set(key, directory);
  return directory;
}

/** @param {string[]} line  of a session that slides */
function slidingOf([, capacity, sinks, evict, recent]) {
  const slides = { whenFull: 'slide', capacity: Number(capacity), sinks: Number(sinks), evict };
  return evict === 'oldest' ? slides : { ...slides, recent: Number(recent) };
}

/** The likeliest next id, of all ids. */
function likeliest({ logits }) {
  return logits.reduce((best, logit, id) => (logit > logits[best] ? id : best), 0);
}

/**
 * Recomputes one block and returns its lines as computed here.
 * @param {string[][]} block
 * @param {typeof import('../../web/index.js').loadModel} loadModel
 * @param {{ variant: 'relaxed' | 'simd' | 'scalar', useCache: boolean, wasm?: string }} options
 */
export async function recompute(block, loadModel, { variant, useCache, wasm }) {
  const [first, ...rest] = block;
  const source = rest[0][0] === 'source' ? rest.shift() : undefined;
  const slides = rest[0][0] === 'slides' ? slidingOf(rest.shift()) : undefined;
  const [[, ...promptWords], ...lines] = rest;
  const weights = first.at(-1) === 'int8' ? 'int8' : 'f32';
  const build = wasm ? { wasm } : { variant };
  const model = await loadModel(directoryFor(first), { ...build, weights, tokenizer: false });
  if (model.variant !== variant) throw new Error(`asked for ${variant}, got ${model.variant}`);
  const session = model.createSession({ useCache, ...slides });
  if (source) {
    session.useCrossCache = useCache;
    await session.setSource(source.slice(1).map(Number));
  }
  const prompt = promptWords.map(Number);
  const computed = block.slice(0, block.length - lines.length);
  let fed = 0;
  let evicted = false;
  for (const [word, ...rest] of lines) {
    if (word === 'hash') {
      const n = Number(rest[0]);
      if (fed < n && n <= prompt.length) session.prefill(prompt.slice(fed, n));
      fed = Math.max(fed, n);
      computed.push(['hash', String(session.position), session.logitsHash]);
      continue;
    }
    if (word === 'evict') {
      session.useCache = evicted = true;
      session.evict(Number(rest[0]), Number(rest[1]));
      computed.push([word, ...rest]);
      continue;
    }
    const settings = word === 'sampled' ? rest.slice(0, 6) : [];
    const [temperature = 0, topK = 0, topP = 1, minP = 0, repetitionPenalty = 1, drawSeed = 0] = settings
      .map(Number);
    if (source || evicted) { // generate() would begin its text anew: the ids are the draws of C
      const drawn = rest.slice(settings.length).map(Number);
      if (!evicted) {
        session.truncate(0);
        session.append(prompt);
      }
      const { position } = session;
      for (const id of drawn) session.append([word === 'greedy' ? likeliest(session) : id]);
      computed.push([word, ...settings, ...Array.from(session.tokens.slice(position), String)]);
      continue;
    }
    const ids = [];
    const options = { temperature, topK, topP, minP, repetitionPenalty, seed: drawSeed,
      maxTokens: rest.length - settings.length };
    for await (const token of session.generate(prompt, options)) ids.push(String(token.id));
    computed.push([word, ...settings, ...ids]);
  }
  model.dispose();
  return computed;
}

const IDS = 6;

/**
 * A part of a block, for where every step is a pass over the whole text: the hashes of the prompt and the
 * first ids of each text, before an eviction.
 * @param {string[][]} whole
 */
export function shortened(whole) {
  const evicted = whole.findIndex(([word]) => word === 'evict');
  const block = evicted < 0 ? whole : whole.slice(0, evicted);
  const ends = { greedy: 1 + IDS, sampled: 7 + IDS };
  const first = block.findIndex(([word]) => word in ends);
  return block.filter(([word], i) => i < first || word !== 'hash')
    .map((line) => line.slice(0, ends[line[0]]));
}

/** Bytes below what is placed above 2 GB. */
export const BALLAST = 2.1 * 2 ** 30;

/**
 * What is done meanwhile lies above 2 GB: below, the memory of each new engine is taken. None of it is
 * touched, so it costs nothing.
 * @template T
 * @param {typeof import('../../web/engine/engine.js').Engine} Engine  @param {() => Promise<T>} work
 */
export async function above(Engine, work) {
  const { create } = Engine;
  Engine.create = async (options) => {
    const engine = await create.call(Engine, { ...options, maxMemory: 2 ** 32 });
    engine.allocate(BALLAST);
    return engine;
  };
  try {
    return await work();
  } finally {
    Engine.create = create;
  }
}
