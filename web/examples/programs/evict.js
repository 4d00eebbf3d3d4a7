// What a full cache does: it refuses, it stops, or it slides, which drops the oldest tokens but for the first
// few, the sinks that attention leans on; or those that matter least, by what attention has looked at or by
// the lengths of keys. And why some sessions refuse to drop tokens out of the middle of their text.
//
//   node evict.js
import { KVCache, KvcError, init, loadModel } from 'kvcache-wasm';
import { stories } from 'kvcache-wasm/models/stories';
import { tales } from 'kvcache-wasm/models/tales';

await init();
const shape = { maxSeqLen: 16, numLayers: 1, numHeads: 1, headDim: 4 };

/** Token i has keys and values of nothing but i. @param {KVCache} cache  @param {number} i */
function write(cache, i) {
  const isIn = cache.update(0, new Float32Array(4).fill(i), new Float32Array(4).fill(i));
  if (isIn) cache.advance(1);
  return isIn;
}

/** The tokens that a cache holds. @param {KVCache} cache */
const held = (cache) => [...cache.get(0).key].filter((_, i) => i % 4 === 0).join(' ');

const sliding = new KVCache({ ...shape, whenFull: 'slide', sinks: 4 });
let evicted = 0;
sliding.onEvent = (event) => { if (event.type === 'evict') evicted += event.count; };
for (let i = 0; i < 1000; i++) write(sliding, i);
console.log(`slide, after 1000 tokens, ${evicted} evicted: ${held(sliding)}`);

const stopping = new KVCache({ ...shape, whenFull: 'stop' });
let fit = 0;
while (write(stopping, fit)) fit++;
console.log(`stop, after ${fit} tokens: ${held(stopping)}`);

for (const evict of /** @type {const} */ (['attention', 'keynorm'])) {
  const cache = new KVCache({ ...shape, whenFull: 'slide', sinks: 1, evict, recent: 6 });
  for (let i = 0; i < 100; i++) {
    const key = new Float32Array([i % 10 === 0 ? 4 : 1, 0, 0, 0]); // every tenth is easy to find
    cache.update(0, key, new Float32Array(4).fill(i));
    cache.attend(0, new Float32Array([2, 0, 0, 0]));
    cache.advance(1);
  }
  console.log(`${evict}: ${[...cache.get(0).value].filter((_, i) => i % 4 === 0).join(' ')}`);
}

const picked = new KVCache(shape); // any policy of your own
for (let i = 0; i < 16; i++) write(picked, i);
picked.evict(4, 8);
console.log(`evict(4, 8): ${held(picked)}`);

/** @param {() => unknown} work */
function refused(work) {
  try {
    work();
  } catch (error) {
    if (error instanceof KvcError) return error.code;
    throw error;
  }
  return 'nothing';
}

for (let i = 16; picked.position < 16; i++) write(picked, i);
console.log(`error: ${refused(() => write(picked, 99))}`);
const model = await loadModel(stories);
const session = model.createSession();
session.prefill(model.encode('Once upon a time there was a king.'));
console.log(`a session whose positions are learned: ${refused(() => session.evict(4, 2))}`);
model.dispose();

const llama = await loadModel(tales); // whose positions are rotations
const sliding64 = llama.createSession({ capacity: 64, whenFull: 'slide', evict: 'attention' });
sliding64.append(Array.from({ length: 150 }, (_, i) => i));
const { tokens, importance = [] } = sliding64.held;
console.log(`a session that slides by attention: ${tokens.length} of ${sliding64.position} tokens, the first `
  + `${sliding64.sinks} and the last ${sliding64.recent} among them: `
  + `${tokens[15] === 15 && tokens.at(-sliding64.recent) === 150 - sliding64.recent}; looked at: `
  + `${importance.every((sum) => sum >= 0)}`);
llama.dispose();
