// Only some layers have a cache; the others are computed again for every token. Which ones matters: what lies
// below a layer without a cache is needed for all tokens, so the upper layers keep theirs and the lower ones
// go without. Bytes and time follow the layers, and no bit changes.
//
//   node selective.js [TOKENS]
import { KVCache, init } from 'kvcache-wasm';
import { GPT } from 'kvcache-wasm/examples/js-gpt.js';

const [LAYERS, HEADS, HEAD_DIM] = [8, 4, 16];
const WIDTH = HEADS * HEAD_DIM;

/** (T, C) -> (H, T, D), and back. @param {Float32Array} x  @param {boolean} [back] */
function byHeads(x, back = false) {
  const y = new Float32Array(x.length);
  const T = x.length / WIDTH;
  for (let t = 0; t < T; t++) {
    for (let c = 0; c < WIDTH; c++) {
      const [row, head] = [t * WIDTH + c, (Math.floor(c / HEAD_DIM) * T + t) * HEAD_DIM + c % HEAD_DIM];
      if (back) y[row] = x[head];
      else y[head] = x[row];
    }
  }
  return y;
}

/** A model of which the first `without` layers have no cache. */
class Selective {
  /** @param {GPT} model  @param {number} without  @param {number} maxSeqLen */
  constructor(model, without, maxSeqLen) {
    const shape = { maxSeqLen, numHeads: HEADS, headDim: HEAD_DIM };
    this.model = model;
    this.without = without;
    this.cache = without < LAYERS ? new KVCache({ ...shape, numLayers: LAYERS - without }) : undefined;
    // One layer for those that have none: each fills it anew, and nothing in it becomes history.
    this.scratch = without > 0 ? new KVCache({ ...shape, numLayers: 1 }) : undefined;
  }

  get bytes() {
    return [this.cache, this.scratch].reduce((sum, cache) => sum + (cache?.memoryUsage().totalBytes ?? 0), 0);
  }

  /** The logits after each new token of a text. @param {readonly number[]} ids  all of it */
  forward(ids) {
    const { model, cache } = this;
    const known = cache?.position ?? 0;
    // The model's own forward(), of a model whose blocks are these.
    const blocks = [{ forward: (/** @type {Float32Array} */ x) => this.#through(x, known) }];
    const logits = GPT.prototype.forward.call(Object.create(model, { blocks: { value: blocks } }), ids);
    cache?.advance(ids.length - known);
    return logits;
  }

  /** @param {Float32Array} x  of all tokens  @param {number} known  how many of them the cache holds */
  #through(x, known) {
    for (const [layer, block] of this.model.blocks.entries()) {
      if (layer === this.without) x = x.slice(known * WIDTH); // from here on the new ones alone
      const { qProj, kProj, vProj, outProj } = block.attention;
      block.attention.forward = (rows) => {
        const [q, k, v] = [qProj, kProj, vProj].map((proj) => byHeads(proj.forward(rows)));
        return outProj.forward(byHeads(this.#attend(layer, q, k, v), true));
      };
      x = block.forward(x);
    }
    return x;
  }

  /** @param {number} layer  @param {Float32Array} q  @param {Float32Array} k  @param {Float32Array} v */
  #attend(layer, q, k, v) {
    const cache = /** @type {KVCache} */ (layer < this.without ? this.scratch : this.cache);
    const at = Math.max(0, layer - this.without);
    cache.update(at, k, v);
    return cache.attend(at, q);
  }
}

await init();
const tokens = Number(process.argv[2] ?? 64);
const model = new GPT({ vocabSize: 60, embedDim: WIDTH, numLayers: LAYERS, numHeads: HEADS, maxSeqLen: 256 });
const ids = Array.from({ length: tokens }, (_, i) => (i * i + 7) % 60);
/** @type {Float32Array | undefined} */
let right;
for (const without of [0, 5, LAYERS]) {
  const selective = new Selective(model, without, tokens);
  /** @type {Float32Array} */
  let logits = new Float32Array(0);
  const start = performance.now();
  for (let n = 1; n <= tokens; n++) logits = selective.forward(ids.slice(0, n));
  const ms = Math.ceil(performance.now() - start);
  const last = logits.slice(-model.vocabSize);
  right ??= last;
  const same = last.every((x, i) => Object.is(x, right?.[i]));
  console.log(`${LAYERS - without} of ${LAYERS} layers cached: ${selective.bytes} bytes, ${tokens} tokens `
    + `in ${ms} ms, the same logits to the last bit: ${same}`);
}
