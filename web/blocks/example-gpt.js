// A GPT in plain JavaScript with weights drawn from a seed: slow, small, and, as far as the KV cache is
// concerned, not ours to change. enableKVCache(model) of this package makes it fast from outside; what it
// needs for that is the contract at the top of enable-cache.js, and nothing here knows of it.
//
// Shapes: T tokens, C embedDim, V vocabSize, D = C / numHeads. Arrays are Float32Arrays, row-major.

/** @typedef {() => number} Draw  the next random number */

/**
 * A seeded stream of normally distributed numbers (mulberry32, Box-Muller).
 * @param {number} seed
 * @returns {Draw}
 */
function normals(seed) {
  let state = seed >>> 0;
  const uniform = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let x = Math.imul(state ^ (state >>> 15), state | 1);
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61);
    return (((x ^ (x >>> 14)) >>> 0) + 1) / 2 ** 32;
  };
  return () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
}

/** @param {number} length  @param {number} scale  @param {Draw} normal */
const randomArray = (length, scale, normal) => Float32Array.from({ length }, () => scale * normal());

/** y = x W + b for each row of x. */
class Linear {
  /** @param {number} inputs  @param {number} outputs  @param {Draw} normal */
  constructor(inputs, outputs, normal) {
    this.inputs = inputs;
    this.outputs = outputs;
    this.weight = randomArray(inputs * outputs, 1 / Math.sqrt(inputs), normal); // (inputs, outputs)
    this.bias = randomArray(outputs, 0.1, normal);
  }

  /** @param {Float32Array} x  (T, inputs)  @returns {Float32Array} (T, outputs) */
  forward(x) {
    const { inputs, outputs, weight, bias } = this;
    const y = new Float32Array(x.length / inputs * outputs);
    for (let t = 0; t < x.length / inputs; t++) {
      for (let o = 0; o < outputs; o++) {
        let sum = bias[o];
        for (let i = 0; i < inputs; i++) sum += x[t * inputs + i] * weight[i * outputs + o];
        y[t * outputs + o] = sum;
      }
    }
    return y;
  }
}

/** (x - mean) / deviation for each row of C numbers. @param {Float32Array} x  @param {number} C */
function layerNorm(x, C) {
  const y = new Float32Array(x.length);
  for (let at = 0; at < x.length; at += C) {
    const row = x.subarray(at, at + C);
    const mean = row.reduce((sum, v) => sum + v, 0) / C;
    const variance = row.reduce((sum, v) => sum + (v - mean) ** 2, 0) / C;
    row.forEach((v, c) => { y[at + c] = (v - mean) / Math.sqrt(variance + 1e-5); });
  }
  return y;
}

/** Causal multi-head attention over all rows of x in one pass. */
class Attention {
  /** @param {number} C  @param {number} numHeads  @param {Draw} normal */
  constructor(C, numHeads, normal) {
    this.C = C;
    this.numHeads = numHeads;
    this.qProj = new Linear(C, C, normal);
    this.kProj = new Linear(C, C, normal);
    this.vProj = new Linear(C, C, normal);
    this.outProj = new Linear(C, C, normal);
  }

  /** @param {Float32Array} x  (T, C)  @returns {Float32Array} (T, C) */
  forward(x) {
    const { C, numHeads } = this;
    const D = C / numHeads;
    const [q, k, v] = [this.qProj.forward(x), this.kProj.forward(x), this.vProj.forward(x)];
    const y = new Float32Array(x.length);
    for (let t = 0; t < x.length / C; t++) {
      for (let at = 0; at < C; at += D) { // one head after the other
        const scores = Array.from({ length: t + 1 }, (_, j) => {
          let dot = 0;
          for (let d = at; d < at + D; d++) dot += q[t * C + d] * k[j * C + d];
          return dot / Math.sqrt(D);
        });
        const most = Math.max(...scores);
        const terms = scores.map((s) => Math.exp(s - most));
        const total = terms.reduce((sum, e) => sum + e, 0);
        for (let d = at; d < at + D; d++) {
          y[t * C + d] = terms.reduce((sum, e, j) => sum + e * v[j * C + d], 0) / total;
        }
      }
    }
    return this.outProj.forward(y);
  }
}

class Block {
  /** @param {number} C  @param {number} numHeads  @param {Draw} normal */
  constructor(C, numHeads, normal) {
    this.C = C;
    this.attention = new Attention(C, numHeads, normal);
    this.widen = new Linear(C, 4 * C, normal);
    this.narrow = new Linear(4 * C, C, normal);
  }

  /** @param {Float32Array} x  (T, C)  @returns {Float32Array} (T, C) */
  forward(x) {
    const attended = this.attention.forward(layerNorm(x, this.C));
    const middle = x.map((v, i) => v + attended[i]);
    const widened = this.widen.forward(layerNorm(middle, this.C)).map((v) => Math.max(0, v));
    const narrowed = this.narrow.forward(widened);
    return middle.map((v, i) => v + narrowed[i]);
  }
}

/**
 * @typedef {object} GPTOptions
 * @property {number} vocabSize
 * @property {number} embedDim
 * @property {number} numLayers
 * @property {number} numHeads
 * @property {number} maxSeqLen
 * @property {number} [seed]  of the weights
 */

export class GPT {
  /** @param {GPTOptions} options */
  constructor({ vocabSize, embedDim, numLayers, numHeads, maxSeqLen, seed = 1 }) {
    const normal = normals(seed);
    this.vocabSize = vocabSize;
    this.embedDim = embedDim;
    this.numLayers = numLayers;
    this.numHeads = numHeads;
    this.maxSeqLen = maxSeqLen;
    this.tokens = randomArray(vocabSize * embedDim, 1, normal);    // (V, C)
    this.positions = randomArray(maxSeqLen * embedDim, 1, normal); // (maxSeqLen, C)
    this.blocks = Array.from({ length: numLayers }, () => new Block(embedDim, numHeads, normal));
    this.head = new Linear(embedDim, vocabSize, normal);
  }

  /**
   * Token ids at the positions start, start + 1, ... -> (T, C).
   * @param {ArrayLike<number>} ids  @param {number} [start]
   */
  embed(ids, start = 0) {
    const C = this.embedDim;
    return Float32Array.from({ length: ids.length * C }, (_, i) => {
      const t = Math.floor(i / C);
      return this.tokens[ids[t] * C + i % C] + this.positions[(start + t) * C + i % C];
    });
  }

  /** Token ids -> the logits after each of them, (T, V). @param {ArrayLike<number>} ids */
  forward(ids) {
    /** @type {Float32Array} */
    let x = this.embed(ids);
    for (const block of this.blocks) x = block.forward(x);
    return this.head.forward(layerNorm(x, this.embedDim));
  }
}
