// The random models of ../shapes.js as ONNX, for onnxruntime: F32, or int8 weights whose activations are
// quantised as they come. The attention with its past and present is one fused operation of theirs, and
// so are the int8 products. Logits of the last token only.
import { FLOATS, tensorsOf } from '../shapes.js';

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

/** A field that is bytes, a text, or a message. @param {number} field  @param {Uint8Array[] | string} content */
function bytes(field, content) {
  const chunks = typeof content === 'string' ? [new TextEncoder().encode(content)] : content;
  return [varint(8 * field + 2), varint(sizeOf(chunks)), ...chunks];
}

/** @param {string} name  @param {number} value  @returns {Uint8Array[]} */
const intAttribute = (name, value) => bytes(5, [...bytes(1, name), ...number(3, value), ...number(20, 2)]);

/** @param {string} name  @param {number} value */
const floatAttribute = (name, value) => bytes(5, [...bytes(1, name), varint(8 * 2 + 5), new Uint8Array(Float32Array.of(value).buffer), ...number(20, 1)]);

/** @param {string} op  @param {string[]} inputs  @param {string[]} outputs  @param {{ domain?: string, attributes?: Uint8Array[][] }} [more] */
function node(op, inputs, outputs, { domain = '', attributes = [] } = {}) {
  return bytes(1, [...inputs.flatMap((name) => bytes(1, name)), ...outputs.flatMap((name) => bytes(2, name)), ...bytes(4, op),
    ...attributes.flat(), ...bytes(7, domain)]);
}

/** @param {string} name  @param {number} type  @param {number[]} dims  @param {ArrayBufferView} data */
function initializer(name, type, dims, data) {
  return bytes(5, [...dims.flatMap((dim) => number(1, dim)), ...number(2, type), ...bytes(8, name),
    ...bytes(9, [new Uint8Array(data.buffer, data.byteOffset, data.byteLength)])]);
}

/** An input (11) or output (12) of the graph; a name for a size that varies. @param {number} field  @param {string} name  @param {number} type  @param {(number | string)[]} dims */
function value(field, name, type, dims) {
  const shape = dims.flatMap((dim) => bytes(1, typeof dim === 'number' ? number(1, dim) : bytes(2, dim)));
  return bytes(field, [...bytes(1, name), ...bytes(2, bytes(1, [...number(1, type), ...bytes(2, shape)]))]);
}

// ---- the graph --------------------------------------------------------------------------------------

/** @param {import('../shapes.js').Sizes} sizes  @param {'f32' | 'int8'} weights  @returns {Uint8Array} */
export function onnxModel(sizes, weights) {
  const graph = [...weightsOf(sizes, weights), ...graphOf(sizes, weights), ...bytes(2, 'gpt2')];
  const opset = (/** @type {string} */ domain, /** @type {number} */ version) => bytes(8, [...bytes(1, domain), ...number(2, version)]);
  const chunks = [...number(1, 8), ...opset('', OPSET), ...opset('com.microsoft', 1), ...bytes(7, graph)];
  const file = new Uint8Array(sizeOf(chunks));
  let at = 0;
  for (const chunk of chunks) {
    file.set(chunk, at);
    at += chunk.byteLength;
  }
  return file;
}

/** @param {import('../shapes.js').Sizes} sizes  @param {'f32' | 'int8'} weights */
function weightsOf(sizes, weights) {
  const chunks = [];
  for (const { name, shape, data } of tensorsOf(sizes)) {
    const floats = Float32Array.from(data, (bits) => FLOATS[bits]);
    const linear = shape.length === 2 && !name.startsWith('w');
    if (name === 'wte.weight' && weights === 'int8') chunks.push(...quantised('head', transposed(floats, shape), [shape[1], shape[0]]));
    chunks.push(...(linear && weights === 'int8' ? quantised(name, floats, shape) : initializer(name, FLOAT, shape, floats)));
  }
  chunks.push(...initializer('last', INT64, [], BigInt64Array.of(-1n)));
  return chunks;
}

/** @param {Float32Array} data  @param {number[]} shape */
function transposed(data, [rows, columns]) {
  const result = new Float32Array(data.length);
  for (let r = 0; r < rows; r++) for (let c = 0; c < columns; c++) result[c * rows + r] = data[r * columns + c];
  return result;
}

/** With a scale for each output. @param {string} name  @param {Float32Array} data  @param {number[]} shape  [inputs, outputs] */
function quantised(name, data, shape) {
  const [inputs, outputs] = shape;
  const scales = new Float32Array(outputs);
  for (let i = 0; i < data.length; i++) scales[i % outputs] = Math.max(scales[i % outputs], Math.abs(data[i]) / 127);
  const result = new Int8Array(inputs * outputs);
  for (let i = 0; i < data.length; i++) result[i] = Math.round(data[i] / scales[i % outputs]);
  return [...initializer(name, INT8, shape, result), ...initializer(`${name}.scale`, FLOAT, [outputs], scales)];
}

/** @param {import('../shapes.js').Sizes} sizes  @param {'f32' | 'int8'} weights */
function graphOf({ n_layer, n_embd: C, n_head, vocab_size }, weights) {
  const microsoft = (/** @type {Uint8Array[][]} */ ...attributes) => ({ domain: 'com.microsoft', attributes });
  const norm = (/** @type {string} */ x, /** @type {string} */ name, /** @type {string} */ y) => (
    node('LayerNormalization', [x, `${name}.weight`, `${name}.bias`], [y], { attributes: [floatAttribute('epsilon', 1e-5)] }));
  const linear = (/** @type {string} */ x, /** @type {string} */ name, /** @type {string} */ y) => (weights === 'int8'
    ? node('DynamicQuantizeMatMul', [x, `${name}.weight`, `${name}.weight.scale`, '', `${name}.bias`], [y], microsoft())
    : [...node('MatMul', [x, `${name}.weight`], [`${y}.product`]), ...node('Add', [`${y}.product`, `${name}.bias`], [y])]);
  const chunks = [
    value(11, 'ids', INT64, [1, 'T']), value(11, 'positions', INT64, [1, 'T']),
    node('Gather', ['wte.weight', 'ids'], ['tokens']), node('Gather', ['wpe.weight', 'positions'], ['places']), node('Add', ['tokens', 'places'], ['x0']),
  ];
  for (let i = 0; i < n_layer; i++) {
    const [h, past, present] = [`h.${i}`, ['k', 'v'].map((c) => `past.${c}.${i}`), ['k', 'v'].map((c) => `present.${c}.${i}`)];
    for (const name of past) chunks.push(value(11, name, FLOAT, [1, n_head, 'P', C / n_head]));
    for (const name of present) chunks.push(value(12, name, FLOAT, [1, n_head, 'N', C / n_head]));
    chunks.push(
      norm(`x${i}`, `${h}.ln_1`, `${h}.a`), linear(`${h}.a`, `${h}.attn.c_attn`, `${h}.qkv`),
      node('Split', [`${h}.qkv`], ['q', 'k', 'v'].map((c) => `${h}.${c}`), { attributes: [intAttribute('axis', 2)] }),
      node('MultiHeadAttention', [`${h}.q`, `${h}.k`, `${h}.v`, '', '', '', ...past], [`${h}.y`, ...present],
        microsoft(intAttribute('num_heads', n_head), intAttribute('unidirectional', 1))),
      linear(`${h}.y`, `${h}.attn.c_proj`, `${h}.o`), node('Add', [`x${i}`, `${h}.o`], [`${h}.r`]),
      norm(`${h}.r`, `${h}.ln_2`, `${h}.b`), linear(`${h}.b`, `${h}.mlp.c_fc`, `${h}.f`), node('FastGelu', [`${h}.f`], [`${h}.g`], microsoft()),
      linear(`${h}.g`, `${h}.mlp.c_proj`, `${h}.m`), node('Add', [`${h}.r`, `${h}.m`], [`x${i + 1}`]),
    );
  }
  chunks.push(node('Gather', [`x${n_layer}`, 'last'], ['row'], { attributes: [intAttribute('axis', 1)] }), norm('row', 'ln_f', 'final'));
  chunks.push(weights === 'int8' ? node('DynamicQuantizeMatMul', ['final', 'head', 'head.scale'], ['logits'], microsoft())
    : node('Gemm', ['final', 'wte.weight'], ['logits'], { attributes: [intAttribute('transB', 1)] }));
  chunks.push(value(12, 'logits', FLOAT, [1, vocab_size]));
  return chunks.flat();
}
