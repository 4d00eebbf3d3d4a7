// The shapes of the benchmark, and models of them made in memory: seeded random weights in F16 in Hugging
// Face layout. Speed does not depend on what a model has learned; every run, everywhere, has the same ones.

/**
 * @typedef {Record<'n_layer' | 'n_embd' | 'n_head' | 'n_positions' | 'vocab_size', number>} Sizes
 * @typedef {{ name: string, shape: number[], data: Uint16Array<ArrayBuffer> }} Tensor
 */

/** All but the shipped model, which is called "shipped". @type {Record<string, Sizes>} */
export const SHAPES = {
  MICRO: { n_layer: 4, n_embd: 128, n_head: 4, n_positions: 256, vocab_size: 512 },
  TINY: { n_layer: 6, n_embd: 256, n_head: 8, n_positions: 512, vocab_size: 4096 },
  GPT2: { n_layer: 12, n_embd: 768, n_head: 12, n_positions: 1024, vocab_size: 50257 },
};

/**
 * Llamas by their config.json: SMOL is SmolLM2-135M, STORY llama2.c's stories15M. Measured where they are
 * asked for by name.
 * @typedef {Record<'num_hidden_layers' | 'hidden_size' | 'intermediate_size' | 'num_attention_heads'
 *   | 'num_key_value_heads' | 'max_position_embeddings' | 'vocab_size' | 'rope_theta', number>
 *   & { model_type: 'llama', tie_word_embeddings: true }} LlamaSizes
 * @type {Record<string, LlamaSizes>}
 */
export const LLAMAS = {
  SMOL: {
    model_type: 'llama', num_hidden_layers: 30, hidden_size: 576, intermediate_size: 1536,
    num_attention_heads: 9, num_key_value_heads: 3, max_position_embeddings: 2048, vocab_size: 49152,
    rope_theta: 100_000, tie_word_embeddings: true,
  },
  STORY: {
    model_type: 'llama', num_hidden_layers: 6, hidden_size: 288, intermediate_size: 768,
    num_attention_heads: 6, num_key_value_heads: 6, max_position_embeddings: 256, vocab_size: 32_000,
    rope_theta: 10_000, tie_word_embeddings: true,
  },
};

/** A Llama whose texts are long: measured by lengths.js. @type {LlamaSizes} */
export const LONG = {
  model_type: 'llama', num_hidden_layers: 4, hidden_size: 256, intermediate_size: 688, num_attention_heads: 4,
  num_key_value_heads: 4, max_position_embeddings: 8448, vocab_size: 2048, rope_theta: 10_000,
  tie_word_embeddings: true,
};

/**
 * T5 is t5-small, by its config.json: measured by sources.js.
 * @typedef {Record<'num_layers' | 'd_model' | 'd_kv' | 'd_ff' | 'num_heads' | 'n_positions' | 'vocab_size',
 *   number> & { model_type: 't5' }} T5Sizes
 * @type {T5Sizes}
 */
export const T5 = {
  model_type: 't5', num_layers: 6, d_model: 512, d_kv: 64, d_ff: 2048, num_heads: 8, n_positions: 512,
  vocab_size: 32_128,
};

/** A model with next to nothing in it: its tokens cost hardly any time in the kernels. @type {Sizes} */
export const NOTHING = { n_layer: 1, n_embd: 4, n_head: 1, n_positions: 1024, vocab_size: 8 };

/** -1/16 up to 1/16 in 2,048 steps, all of them exact in F16. */
const VALUES = Uint16Array.from({ length: 2048 }, (_, i) => halfBits((i - 1024) / 16384));

/** Every F16 as a number. */
export const FLOATS = Float32Array.from({ length: 65536 }, (_, bits) => {
  const [exponent, fraction] = [(bits >> 10) & 31, (bits & 1023) / 1024];
  const size = exponent === 0 ? fraction * 2 ** -14 : (1 + fraction) * 2 ** (exponent - 15);
  return bits & 0x8000 ? -size : size;
});

/** The bits of a number that F16 has exactly, and not as a subnormal. @param {number} x */
function halfBits(x) {
  if (x === 0) return 0;
  const exponent = Math.floor(Math.log2(Math.abs(x)));
  return (x < 0 ? 0x8000 : 0) + ((exponent + 15) << 10) + (Math.abs(x) / 2 ** exponent - 1) * 1024;
}

/** @param {LlamaSizes} sizes  @returns {[name: string, shape: number[]][]} */
function llamaShapes(sizes) {
  const { num_hidden_layers, hidden_size: C, intermediate_size: F, vocab_size } = sizes;
  const KV = (C / sizes.num_attention_heads) * sizes.num_key_value_heads;
  const layers = Array.from({ length: num_hidden_layers }, (_, i) => /** @type {[string, number[]][]} */ ([
    ['input_layernorm.weight', [C]], ['self_attn.q_proj.weight', [C, C]],
    ['self_attn.k_proj.weight', [KV, C]], ['self_attn.v_proj.weight', [KV, C]],
    ['self_attn.o_proj.weight', [C, C]], ['post_attention_layernorm.weight', [C]],
    ['mlp.gate_proj.weight', [F, C]], ['mlp.up_proj.weight', [F, C]], ['mlp.down_proj.weight', [C, F]],
  ]).map(([name, shape]) => /** @type {[string, number[]]} */ ([`model.layers.${i}.${name}`, shape])));
  return [['model.embed_tokens.weight', [vocab_size, C]], ...layers.flat(), ['model.norm.weight', [C]]];
}

/** @param {T5Sizes} sizes  @returns {[name: string, shape: number[]][]} */
function t5Shapes({ num_layers, d_model: C, d_kv, d_ff: F, num_heads: H, vocab_size }) {
  const Q = H * d_kv;
  const attention = (/** @type {string} */ name) => /** @type {[string, number[]][]} */ ([
    ...['q', 'k', 'v'].map((part) => [`${name}.${part}.weight`, [Q, C]]), [`${name}.o.weight`, [C, Q]]]);
  const stack = (/** @type {string} */ name, /** @type {string[]} */ attentions) => (
    Array.from({ length: num_layers }, (_, i) => {
      const layer = `${name}.block.${i}.layer`;
      const mlp = `${layer}.${attentions.length}`;
      return /** @type {[string, number[]][]} */ ([
        ...attentions.flatMap((kind, j) => [
          ...attention(`${layer}.${j}.${kind}`), [`${layer}.${j}.layer_norm.weight`, [C]]]),
        [`${mlp}.DenseReluDense.wi.weight`, [F, C]], [`${mlp}.DenseReluDense.wo.weight`, [C, F]],
        [`${mlp}.layer_norm.weight`, [C]],
      ]);
    }).flat());
  const ends = ['encoder', 'decoder'].flatMap((name) => /** @type {[string, number[]][]} */ ([
    [`${name}.block.0.layer.0.SelfAttention.relative_attention_bias.weight`, [32, H]],
    [`${name}.final_layer_norm.weight`, [C]]]));
  return [
    ['shared.weight', [vocab_size, C]], ...ends, ...stack('encoder', ['SelfAttention']),
    ...stack('decoder', ['SelfAttention', 'EncDecAttention']),
  ];
}

/** @param {Sizes | LlamaSizes | T5Sizes} sizes */
function shapesOf(sizes) {
  if (!('model_type' in sizes)) return gpt2Shapes(sizes);
  return sizes.model_type === 't5' ? t5Shapes(sizes) : llamaShapes(sizes);
}

/** @param {Sizes} sizes  @returns {[name: string, shape: number[]][]} */
function gpt2Shapes({ n_layer, n_embd: C, n_positions, vocab_size }) {
  const layers = Array.from({ length: n_layer }, (_, i) => /** @type {[string, number[]][]} */ ([
    ['ln_1.weight', [C]], ['ln_1.bias', [C]],
    ['attn.c_attn.weight', [C, 3 * C]], ['attn.c_attn.bias', [3 * C]],
    ['attn.c_proj.weight', [C, C]], ['attn.c_proj.bias', [C]],
    ['ln_2.weight', [C]], ['ln_2.bias', [C]],
    ['mlp.c_fc.weight', [C, 4 * C]], ['mlp.c_fc.bias', [4 * C]],
    ['mlp.c_proj.weight', [4 * C, C]], ['mlp.c_proj.bias', [C]],
  ]).map(([name, shape]) => /** @type {[string, number[]]} */ ([`h.${i}.${name}`, shape])));
  return [
    ['wte.weight', [vocab_size, C]], ['wpe.weight', [n_positions, C]],
    ...layers.flat(), ['ln_f.weight', [C]], ['ln_f.bias', [C]],
  ];
}

/** @param {string} name  @param {number} length  @param {number} seed */
function values(name, length, seed) {
  const data = new Uint16Array(length);
  if (/(ln_\w|norm)\.weight$/.test(name)) return data.fill(halfBits(1));
  let state = seed;
  for (let i = 0; i < length; i++) {
    // The generator of Numerical Recipes; its top bits are the good ones.
    state = Math.imul(state, 1664525) + 1013904223;
    data[i] = VALUES[state >>> 21];
  }
  return data;
}

/**
 * Every tensor of a model of these sizes: F16, row-major, under its Hugging Face name.
 * @param {Sizes | LlamaSizes | T5Sizes} sizes  @returns {Generator<Tensor>}
 */
export function* tensorsOf(sizes) {
  for (const [i, [name, shape]] of shapesOf(sizes).entries()) {
    yield { name, shape, data: values(name, shape.reduce((a, b) => a * b), i + 1) };
  }
}

/** A Blob that is made while it is read: browsers run out of room for large ones. */
class Generated extends Blob {
  #size;
  #chunks;

  /** @param {number} size  @param {() => Iterator<Uint8Array<ArrayBuffer>>} chunks */
  constructor(size, chunks) {
    super();
    this.#size = size;
    this.#chunks = chunks;
  }

  get size() {
    return this.#size;
  }

  stream() {
    const chunks = this.#chunks();
    return new ReadableStream({
      pull(controller) {
        const { value, done } = chunks.next();
        if (done) controller.close();
        else controller.enqueue(value);
      },
    }, { highWaterMark: 0 });
  }
}

/**
 * The files of a model of these sizes, for loadModel.
 * @param {Sizes | LlamaSizes | T5Sizes} sizes  @returns {Map<string, Blob>}
 */
export function randomModel(sizes) {
  /** @type {Record<string, { dtype: 'F16', shape: number[], data_offsets: [number, number] }>} */
  const header = {};
  let end = 0;
  for (const [name, shape] of shapesOf(sizes)) {
    const begin = end;
    end += 2 * shape.reduce((a, b) => a * b);
    header[name] = { dtype: 'F16', shape, data_offsets: [begin, end] };
  }
  const text = new TextEncoder().encode(JSON.stringify(header));
  const config = { model_type: 'gpt2', ...sizes, bos_token_id: null, eos_token_id: null };
  return new Map([
    ['config.json', new Blob([JSON.stringify(config)])],
    ['model.safetensors', new Generated(8 + text.length + end, function* chunks() {
      yield new Uint8Array(BigUint64Array.of(BigInt(text.length)).buffer);
      yield text;
      for (const { data } of tensorsOf(sizes)) yield new Uint8Array(data.buffer);
    })],
  ]);
}
