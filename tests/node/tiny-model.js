// Model directories made in memory: config, byte-level tokenizer and seeded random weights.
import { byteTokenizer, blobOf, safetensors, seeded, smallConfig } from './helpers.js';

/** Every tensor of a GPT-2 of this config: [name, shape]. */
export function tensorShapes({ n_layer, n_embd: C, n_inner, n_positions, vocab_size }) {
  const F = n_inner ?? 4 * C;
  const shapes = [['wte.weight', [vocab_size, C]], ['wpe.weight', [n_positions, C]], ['ln_f.weight', [C]],
    ['ln_f.bias', [C]]];
  for (let i = 0; i < n_layer; i++) {
    for (const [name, shape] of [
      ['ln_1.weight', [C]], ['ln_1.bias', [C]], ['ln_2.weight', [C]], ['ln_2.bias', [C]],
      ['attn.c_attn.weight', [C, 3 * C]], ['attn.c_attn.bias', [3 * C]], ['attn.c_proj.weight', [C, C]],
        ['attn.c_proj.bias', [C]],
      ['mlp.c_fc.weight', [C, F]], ['mlp.c_fc.bias', [F]], ['mlp.c_proj.weight', [F, C]],
        ['mlp.c_proj.bias', [C]],
    ]) shapes.push([`h.${i}.${name}`, shape]);
  }
  return shapes;
}

/** Tensors of F32 zeros or seeded noise around 0, or around 1 for layer-norm weights. */
export function randomTensors(config, seed = 1) {
  const random = seeded(seed);
  return tensorShapes(config).map(([name, shape]) => {
    const offset = /ln_\w\.weight$/.test(name) ? 1 : 0;
    const values = Float32Array.from({ length: shape.reduce((a, b) => a * b) },
      () => offset + 0.4 * (random() - 0.5));
    return { name, dtype: 'F32', shape, bytes: new Uint8Array(values.buffer) };
  });
}

/** The files of a small model, name -> contents; `changes` go into config.json. */
export function tinyFiles({ changes = {}, seed = 1, generation } = {}) {
  const config = smallConfig(changes);
  return {
    'config.json': JSON.stringify(config),
    'tokenizer.json': JSON.stringify(byteTokenizer()),
    'model.safetensors': safetensors(randomTensors(config, seed)),
    ...(generation && { 'generation_config.json': JSON.stringify(generation) }),
  };
}

/** The same as Blobs, as a page would hand over dropped files. */
export function tinyBlobs(options) {
  return new Map(Object.entries(tinyFiles(options)).map(([name, content]) => [name, blobOf(content)]));
}
