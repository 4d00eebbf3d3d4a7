// The random models of ../shapes.js as ONNX, for onnxruntime: F32, or int8 weights whose activations are
// quantised as they come. The attention with its past and present is one fused operation of theirs, and
// so are the int8 products. Logits of the last token only.
import { FLOATS, tensorsOf } from '../shapes.js';

/** @import { Sizes } from '../shapes.js' */

const [FLOAT, INT8, INT64] = [1, 3, 7]; // types of tensors
const OPSET = 17;

// ---- protocol buffers: a message is a list of chunks ----------------------------------------------

/** @param {number} n */
function varint(n) {
  const bytes = [];
  for (; n > 127; n = Math.floor(n / 128)) bytes.push((n % 128) + 128);
  return Uint8Array.of(...bytes, n);
}

/** @param {Uint8Array[]} chunks */
const sizeOf = (chunks) => chunks.reduce((sum, chunk) => sum + chunk.byteLength, 0);

/** A field that is a number. @param {number} field  @param {number} n */
const number = (field, n) => [varint(8 * field), varint(n)];

/**
 * A field that is bytes, a text, or a message.
 * @param {number} field  @param {Uint8Array[] | string} content
 */
function bytes(field, content) {
  const chunks = typeof content === 'string' ? [new TextEncoder().encode(content)] : content;
  return [varint(8 * field + 2), varint(sizeOf(chunks)), ...chunks];
}

/** @param {string} name  @param {number} value  @returns {Uint8Array[]} */
const intAttribute = (name, value) => bytes(5, [...bytes(1, name), ...number(3, value), ...number(20, 2)]);

/** @param {string} name  @param {number} value */
function floatAttribute(name, value) {
  const float = new Uint8Array(Float32Array.of(value).buffer);
  return bytes(5, [...bytes(1, name), varint(8 * 2 + 5), float, ...number(20, 1)]);
}

/**
 * @param {string} op  @param {string[]} inputs  @param {string[]} outputs
 * @param {{ domain?: string, attributes?: Uint8Array[][] }} [more]
 */
function node(op, inputs, outputs, { domain = '', attributes = [] } = {}) {
  const names = [...inputs.flatMap((name) => bytes(1, name)), ...outputs.flatMap((name) => bytes(2, name))];
  return bytes(1, [...names, ...bytes(4, op), ...attributes.flat(), ...bytes(7, domain)]);
}

/** @param {string} name  @param {number} type  @param {number[]} dims  @param {ArrayBufferView} data */
function initializer(name, type, dims, data) {
  return bytes(5, [...dims.flatMap((dim) => number(1, dim)), ...number(2, type), ...bytes(8, name),
    ...bytes(9, [new Uint8Array(data.buffer, data.byteOffset, data.byteLength)])]);
}

/**
 * An input (11) or output (12) of the graph; a name for a size that varies.
 * @param {number} field  @param {string} name  @param {number} type  @param {(number | string)[]} dims
 */
function value(field, name, type, dims) {
  const shape = dims.flatMap((dim) => bytes(1, typeof dim === 'number' ? number(1, dim) : bytes(2, dim)));
  return bytes(field, [...bytes(1, name), ...bytes(2, bytes(1, [...number(1, type), ...bytes(2, shape)]))]);
}

// ---- the graph --------------------------------------------------------------------------------------

/** @param {Sizes} sizes  @param {'f32' | 'int8'} weights  @returns {Uint8Array} */
export function onnxModel(sizes, weights) {
  const graph = [...weightsOf(sizes, weights), ...graphOf(sizes, weights), ...bytes(2, 'gpt2')];
  /** @param {string} domain  @param {number} version */
  const opset = (domain, version) => bytes(8, [...bytes(1, domain), ...number(2, version)]);
  const chunks = [...number(1, 8), ...opset('', OPSET), ...opset('com.microsoft', 1), ...bytes(7, graph)];
  const file = new Uint8Array(sizeOf(chunks));
  let at = 0;
  for (const chunk of chunks) {
    file.set(chunk, at);
    at += chunk.byteLength;
  }
  return file;
}

/** @param {Sizes} sizes  @param {'f32' | 'int8'} weights */
function weightsOf(sizes, weights) {
  const chunks = [];
  for (const { name, shape, data } of tensorsOf(sizes)) {
    const floats = Float32Array.from(data, (bits) => FLOATS[bits]);
    const linear = shape.length === 2 && !name.startsWith('w');
    if (name === 'wte.weight' && weights === 'int8') {
      chunks.push(...quantised('head', transposed(floats, shape), [shape[1], shape[0]]));
    }
    if (linear && weights === 'int8') chunks.push(...quantised(name, floats, shape));
    else chunks.push(...initializer(name, FLOAT, shape, floats));
  }
  chunks.push(...initializer('last', INT64, [], BigInt64Array.of(-1n)));
  return chunks;
}

/** @param {Float32Array} data  @param {number[]} shape */
function transposed(data, [rows, columns]) {
  const result = new Float32Array(data.length);
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < columns; c++) result[c * rows + r] = data[r * columns + c];
  }
  return result;
}

/**
 * With a scale for each output.
 * @param {string} name  @param {Float32Array} data  @param {number[]} shape  [inputs, outputs]
 */
function quantised(name, data, shape) {
  const [inputs, outputs] = shape;
  const scales = new Float32Array(outputs);
  for (let i = 0; i < data.length; i++) {
    scales[i % outputs] = Math.max(scales[i % outputs], Math.abs(data[i]) / 127);
  }
  const result = new Int8Array(inputs * outputs);
  for (let i = 0; i < data.length; i++) result[i] = Math.round(data[i] / scales[i % outputs]);
  const ofScales = initializer(`${name}.scale`, FLOAT, [outputs], scales);
  return [...initializer(name, INT8, shape, result), ...ofScales];
}

/** @param {...Uint8Array[]} attributes */
const microsoft = (...attributes) => ({ domain: 'com.microsoft', attributes });

/** @param {string} x  @param {string} name  of the weights  @param {string} y */
function norm(x, name, y) {
  const inputs = [x, `${name}.weight`, `${name}.bias`];
  return node('LayerNormalization', inputs, [y], { attributes: [floatAttribute('epsilon', 1e-5)] });
}

/**
 * @param {string} x  @param {string} name  of the weights  @param {string} y
 * @param {'f32' | 'int8'} weights
 */
function linear(x, name, y, weights) {
  const [weight, bias] = [`${name}.weight`, `${name}.bias`];
  if (weights === 'int8') {
    return node('DynamicQuantizeMatMul', [x, weight, `${weight}.scale`, '', bias], [y], microsoft());
  }
  return [...node('MatMul', [x, weight], [`${y}.product`]), ...node('Add', [`${y}.product`, bias], [y])];
}

/** @param {Sizes} sizes  @param {'f32' | 'int8'} weights */
function graphOf({ n_layer, n_embd: C, n_head, vocab_size }, weights) {
  const chunks = [
    value(11, 'ids', INT64, [1, 'T']), value(11, 'positions', INT64, [1, 'T']),
    node('Gather', ['wte.weight', 'ids'], ['tokens']),
    node('Gather', ['wpe.weight', 'positions'], ['places']),
    node('Add', ['tokens', 'places'], ['x0']),
  ];
  for (let i = 0; i < n_layer; i++) chunks.push(...layer(i, n_head, C / n_head, weights));
  const last = { attributes: [intAttribute('axis', 1)] };
  chunks.push(node('Gather', [`x${n_layer}`, 'last'], ['row'], last), norm('row', 'ln_f', 'final'));
  chunks.push(weights === 'int8'
    ? node('DynamicQuantizeMatMul', ['final', 'head', 'head.scale'], ['logits'], microsoft())
    : node('Gemm', ['final', 'wte.weight'], ['logits'], { attributes: [intAttribute('transB', 1)] }));
  chunks.push(value(12, 'logits', FLOAT, [1, vocab_size]));
  return chunks.flat();
}

/**
 * Layer i: from x<i> to x<i + 1>, its cache from past to present.
 * @param {number} i  @param {number} heads  @param {number} headDim  @param {'f32' | 'int8'} weights
 */
function layer(i, heads, headDim, weights) {
  const h = `h.${i}`;
  const past = ['k', 'v'].map((c) => `past.${c}.${i}`);
  const present = ['k', 'v'].map((c) => `present.${c}.${i}`);
  const parts = ['q', 'k', 'v'].map((c) => `${h}.${c}`);
  const causal = microsoft(intAttribute('num_heads', heads), intAttribute('unidirectional', 1));
  return [
    ...past.map((name) => value(11, name, FLOAT, [1, heads, 'P', headDim])),
    ...present.map((name) => value(12, name, FLOAT, [1, heads, 'N', headDim])),
    norm(`x${i}`, `${h}.ln_1`, `${h}.a`), linear(`${h}.a`, `${h}.attn.c_attn`, `${h}.qkv`, weights),
    node('Split', [`${h}.qkv`], parts, { attributes: [intAttribute('axis', 2)] }),
    node('MultiHeadAttention', [...parts, '', '', '', ...past], [`${h}.y`, ...present], causal),
    linear(`${h}.y`, `${h}.attn.c_proj`, `${h}.o`, weights), node('Add', [`x${i}`, `${h}.o`], [`${h}.r`]),
    norm(`${h}.r`, `${h}.ln_2`, `${h}.b`), linear(`${h}.b`, `${h}.mlp.c_fc`, `${h}.f`, weights),
    node('FastGelu', [`${h}.f`], [`${h}.g`], microsoft()),
    linear(`${h}.g`, `${h}.mlp.c_proj`, `${h}.m`, weights), node('Add', [`${h}.r`, `${h}.m`], [`x${i + 1}`]),
  ];
}
