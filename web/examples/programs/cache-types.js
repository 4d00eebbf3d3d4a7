// The cache, configured: how many tokens, how many sequences, and in which numbers keys and values are kept.
// f16 takes half the bytes, int8 about a quarter, int4 a sixth; what it costs is measured here, against f32.
//
//   node cache-types.js [TEXT]
import { loadModel } from 'kvcache-wasm';
import { stories } from 'kvcache-wasm/models/stories';

const [text = 'Once upon a time there was a king who had three daughters, and the youngest was so fair that '
  + 'the sun itself, which had seen so much, was astonished whenever it shone in her face.'] = (
  process.argv.slice(2));

const model = await loadModel(stories);
const ids = model.encode(text);

/**
 * The logits after each token, read one by one through such a cache; and its bytes.
 * @param {'f32' | 'f16' | 'int8' | 'int4'} keyType  @param {'f32' | 'f16' | 'int8' | 'int4'} valueType
 */
function read(keyType, valueType) {
  const session = model.createSession({ capacity: 256, sequences: 1, keyType, valueType, whenFull: 'error' });
  const logits = ids.map((id) => session.decode(id));
  const { cacheBytes, bytesPerToken } = session.memoryUsage();
  session.dispose();
  return { logits, cacheBytes, bytesPerToken };
}

const likeliest = (/** @type {Float32Array} */ logits) => logits.indexOf(Math.max(...logits));

/** The greatest |x - y| of all logits. @param {Float32Array[]} rows  @param {Float32Array[]} [others] */
function largest(rows, others) {
  let most = 0;
  for (const [t, row] of rows.entries()) {
    row.forEach((x, i) => { most = Math.max(most, Math.abs(x - (others?.[t][i] ?? 0))); });
  }
  return most;
}

const exact = read('f32', 'f32').logits;
for (const [keyType, valueType] of /** @type {const} */ ([
  ['f32', 'f32'], ['f16', 'f16'], ['f16', 'int8'], ['int8', 'int8'], ['int8', 'int4'],
])) {
  const { logits, cacheBytes, bytesPerToken } = read(keyType, valueType);
  const error = largest(logits, exact) / largest(exact);
  const same = logits.filter((row, t) => likeliest(row) === likeliest(exact[t])).length;
  console.log(`keys ${keyType}, values ${valueType}: ${bytesPerToken} bytes a token, ${cacheBytes} in all; `
    + `error ${error.toExponential(1)} of the largest logit, same likeliest token ${same} of ${ids.length}`);
}
model.dispose();
