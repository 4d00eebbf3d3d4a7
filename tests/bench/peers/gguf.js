// The random models of ../shapes.js as GGUF, for llama.cpp and so for wllama: version 3, F32 or Q8_0.
// Biases, layer norms and position embeddings stay F32, as in the files that llama.cpp's own tools make.
import { FLOATS, tensorsOf } from '../shapes.js';

/** @import { Sizes } from '../shapes.js' */

const ALIGNMENT = 32;
const END = 256; // the end-of-text token
const BLOCK = 32; // weights of Q8_0 that share a scale
const [UINT32, INT32, FLOAT32, STRING, ARRAY] = [4, 5, 6, 8, 9]; // types of metadata
const TYPES = { f32: 0, q8_0: 8 }; // of tensors

/** Our names -> theirs. @type {[RegExp, string][]} */
const NAMES = [
  [/^wte\./, 'token_embd.'], [/^wpe\./, 'position_embd.'], [/^ln_f\./, 'output_norm.'],
  [/^h\.(\d+)\./, 'blk.$1.'],
  [/ln_1\./, 'attn_norm.'], [/attn\.c_attn\./, 'attn_qkv.'], [/attn\.c_proj\./, 'attn_output.'],
  [/ln_2\./, 'ffn_norm.'], [/mlp\.c_fc\./, 'ffn_up.'], [/mlp\.c_proj\./, 'ffn_down.'],
];

/** @param {number} x  a normal F16 or 0, rounded towards 0 */
function halfBits(x) {
  if (x === 0) return 0;
  const exponent = Math.floor(Math.log2(x));
  return ((exponent + 15) << 10) + Math.floor((x / 2 ** exponent - 1) * 1024);
}

/** Little-endian bytes, one after the other. */
class Writer {
  /** @type {number[]} */
  #bytes = [];

  /** @param {'setUint32' | 'setFloat32' | 'setBigUint64'} set  @param {number} size  @param {any} value */
  #number(set, size, value) {
    const view = new DataView(new ArrayBuffer(size));
    /** @type {any} */ (view)[set](0, value, true);
    this.#bytes.push(...new Uint8Array(view.buffer));
  }

  /** @param {number} x */
  u32(x) { this.#number('setUint32', 4, x); }

  /** @param {number} x */
  f32(x) { this.#number('setFloat32', 4, x); }

  /** @param {number} x */
  u64(x) { this.#number('setBigUint64', 8, BigInt(x)); }

  /** @param {string} text */
  string(text) {
    const bytes = new TextEncoder().encode(text);
    this.u64(bytes.length);
    this.#bytes.push(...bytes);
  }

  pad() {
    while (this.#bytes.length % ALIGNMENT !== 0) this.#bytes.push(0);
  }

  get bytes() {
    return Uint8Array.from(this.#bytes);
  }
}

/**
 * Metadata: key -> [type, value]; an array is [ARRAY, its type, values].
 * @param {Sizes} sizes  @returns {Record<string, any[]>}
 */
function metadata({ n_layer, n_embd, n_head, n_positions, vocab_size }) {
  // No byte beyond ASCII: whatever such a model writes is UTF-8.
  const tokens = Array.from({ length: vocab_size }, (_, id) => {
    if (id < 128) return byteCharacter(id);
    return id === END ? '<|endoftext|>' : `token${id}`;
  });
  return {
    'general.architecture': [STRING, 'gpt2'],
    'general.name': [STRING, 'random'],
    'gpt2.context_length': [UINT32, n_positions],
    'gpt2.embedding_length': [UINT32, n_embd],
    'gpt2.feed_forward_length': [UINT32, 4 * n_embd],
    'gpt2.block_count': [UINT32, n_layer],
    'gpt2.attention.head_count': [UINT32, n_head],
    'gpt2.attention.layer_norm_epsilon': [FLOAT32, 1e-5],
    'tokenizer.ggml.model': [STRING, 'gpt2'],
    'tokenizer.ggml.pre': [STRING, 'gpt-2'],
    'tokenizer.ggml.tokens': [ARRAY, STRING, tokens],
    'tokenizer.ggml.token_type': [ARRAY, INT32, tokens.map((_, id) => (id === END ? 3 : 1))],
    'tokenizer.ggml.merges': [ARRAY, STRING, ['q z']],
    'tokenizer.ggml.bos_token_id': [UINT32, END],
    'tokenizer.ggml.eos_token_id': [UINT32, END],
  };
}

/** The printable stand-in of an ASCII byte in the byte-level alphabet. @param {number} byte */
function byteCharacter(byte) {
  if (byte > 0x20 && byte < 0x7f) return String.fromCharCode(byte);
  return String.fromCharCode(byte === 0x7f ? 0x121 : 0x100 + byte);
}

/** @param {Writer} out  @param {number} type  @param {any} value */
function writeValue(out, type, value) {
  if (type === STRING) out.string(value);
  else if (type === FLOAT32) out.f32(value);
  else out.u32(value);
}

/**
 * A matrix as in their files: a row for each output.
 * @param {Float32Array} data  @param {number[]} shape
 */
function transposed(data, [inputs, outputs]) {
  const result = new Float32Array(data.length);
  for (let i = 0; i < inputs; i++) {
    for (let o = 0; o < outputs; o++) result[o * inputs + i] = data[i * outputs + o];
  }
  return result;
}

/** Q8_0: for each 32 weights the scale in F16, and 32 signed bytes. @param {Float32Array} data */
function quantised(data) {
  const out = new DataView(new ArrayBuffer((data.length / BLOCK) * (BLOCK + 2)));
  for (let b = 0, at = 0; b < data.length; b += BLOCK) {
    let most = 0;
    for (let i = b; i < b + BLOCK; i++) most = Math.max(most, Math.abs(data[i]));
    const bits = halfBits(most / 127);
    const scale = FLOATS[bits] || 1;
    out.setUint16(at, bits, true);
    at += 2;
    for (let i = b; i < b + BLOCK; i++) {
      out.setInt8(at++, Math.max(-127, Math.min(127, Math.round(data[i] / scale))));
    }
  }
  return out;
}

/** A Blob over memory of our own: browsers run out of room for large ones. */
class Held extends Blob {
  #bytes;

  /** @param {Uint8Array<ArrayBuffer>} bytes */
  constructor(bytes) {
    super();
    this.#bytes = bytes;
  }

  get size() {
    return this.#bytes.length;
  }

  /** @param {number} [start]  @param {number} [end] */
  slice(start, end) {
    return new Held(this.#bytes.subarray(start, end));
  }

  async arrayBuffer() {
    return this.#bytes.slice().buffer;
  }
}

/** @param {Sizes} sizes  @param {'f32' | 'q8_0'} type  @returns {Blob} */
export function ggufModel(sizes, type) {
  const infos = [];
  const contents = /** @type {ArrayBufferView[]} */ ([]);
  let offset = 0;
  for (const { name, shape, data } of tensorsOf(sizes)) {
    const matrix = shape.length === 2 && !name.startsWith('wpe');
    const floats = Float32Array.from(data, (bits) => FLOATS[bits]);
    // Embeddings lie row by row already.
    const rows = matrix && !name.startsWith('wte') ? transposed(floats, shape) : floats;
    const dims = name.startsWith('w') ? [shape[1], shape[0]] : shape; // the fastest index first
    const content = matrix && type === 'q8_0' ? quantised(rows) : rows;
    const theirs = NAMES.reduce((text, [from, to]) => text.replace(from, to), name);
    infos.push({ name: theirs, dims, type: TYPES[matrix ? type : 'f32'], offset });
    contents.push(content);
    offset += aligned(content.byteLength);
  }
  const head = header(metadata(sizes), infos);
  const file = new Uint8Array(head.length + offset);
  file.set(head);
  for (const [i, content] of contents.entries()) {
    file.set(new Uint8Array(content.buffer), head.length + infos[i].offset);
  }
  return new Held(file);
}

/** @param {number} bytes */
const aligned = (bytes) => Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;

/**
 * @param {Record<string, any[]>} entries
 * @param {{ name: string, dims: number[], type: number, offset: number }[]} infos
 */
function header(entries, infos) {
  const out = new Writer();
  out.u32(0x46554747); // "GGUF"
  out.u32(3);
  out.u64(infos.length);
  out.u64(Object.keys(entries).length);
  for (const [key, [type, ...rest]] of Object.entries(entries)) {
    out.string(key);
    out.u32(type);
    if (type === ARRAY) {
      out.u32(rest[0]);
      out.u64(rest[1].length);
      for (const item of rest[1]) writeValue(out, rest[0], item);
    } else {
      writeValue(out, type, rest[0]);
    }
  }
  for (const { name, dims, type, offset } of infos) {
    out.string(name);
    out.u32(dims.length);
    for (const dim of dims) out.u64(dim);
    out.u32(type);
    out.u64(offset);
  }
  out.pad();
  return out.bytes;
}
