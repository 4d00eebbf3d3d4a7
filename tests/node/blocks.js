// What the tests of the building blocks share: random arrays, the naive attention, and bits to compare.
import assert from 'node:assert/strict';
import { seeded } from './helpers.js';

export const floats = (length, seed, scale = 1) => {
  const random = seeded(seed);
  return Float32Array.from({ length }, () => scale * (2 * random() - 1));
};

/** Equal to the bit. */
export function sameBits(actual, expected, message) {
  assert.deepEqual(new Uint32Array(new Float32Array(actual).buffer),
    new Uint32Array(new Float32Array(expected).buffer), message);
}

export function near(actual, expected, most, message = '') {
  assert.equal(actual.length, expected.length, message);
  const worst = actual.reduce((max, x, i) => Math.max(max, Math.abs(x - expected[i])), 0);
  assert.ok(worst <= most, `${message} off by ${worst}, more than ${most}`);
}

/** (outer, T, inner) -> the tokens first .. first + n - 1 of each outer one. */
export function tokens(array, outer, inner, first, n) {
  const T = array.length / outer / inner;
  return Float32Array.from({ length: outer * n * inner }, (_, i) => {
    const [o, rest] = [Math.floor(i / (n * inner)), i % (n * inner)];
    return array[(o * T + first) * inner + rest];
  });
}

/**
 * softmax(q k / sqrt(D)) v in double precision for one row. q: (heads, T, D), k and v: (kvHeads, N, D); query
 * t sees N - T + t + 1
 * tokens, or all of them.
 */
export function naiveAttention(q, k, v, { heads, kvHeads, D, causal = true }) {
  const [T, N] = [q.length / heads / D, k.length / kvHeads / D];
  const y = new Float64Array(q.length);
  for (let h = 0; h < heads; h++) {
    const g = Math.floor(h / (heads / kvHeads));
    for (let t = 0; t < T; t++) {
      const seen = causal ? N - T + t + 1 : N;
      const at = (j) => (g * N + j) * D;
      const from = (h * T + t) * D;
      const scores = Array.from({ length: seen }, (_, j) => {
        let sum = 0;
        for (let d = 0; d < D; d++) sum += q[from + d] * k[at(j) + d];
        return sum / Math.sqrt(D);
      });
      const most = Math.max(...scores);
      const terms = scores.map((s) => Math.exp(s - most));
      const total = terms.reduce((a, b) => a + b, 0);
      for (let d = 0; d < D; d++) {
        y[from + d] = terms.reduce((sum, e, j) => sum + e * v[at(j) + d], 0) / total;
      }
    }
  }
  return y;
}

/** update() every layer with the arrays of keyOf(layer) and valueOf(layer), then advance(). */
export function append(cache, keyOf, valueOf = keyOf, options) {
  let T;
  for (let layer = 0; layer < cache.numLayers; layer++) {
    const key = keyOf(layer);
    T = key.length / (options?.row === undefined ? cache.batchSize : 1) / cache.numHeads / cache.headDim;
    if (!cache.update(layer, key, valueOf(layer), options)) return false;
  }
  cache.advance(T, options);
  return true;
}

/** All that a cache holds, to compare. */
export function contents(cache) {
  const layers = Array.from({ length: cache.numLayers }, (_, layer) => layer);
  return cache.positions.map((_, row) => layers.map((layer) => cache.get(layer, { row })));
}
