// A cached decoder in place of one that is not: the call is the same, with two switches. Without its own
// cache the decoder computes the text so far again for each token; without the cross cache it projects the
// source again, which stays what it is. Both are counted and measured, and neither changes a bit.
//
//   node two-caches.js [WORD]
import { loadModel } from 'kvcache-wasm';
import { sounds } from 'kvcache-wasm/models/sounds';

const [word = 'antidisestablishmentarianism'] = process.argv.slice(2);
const WAYS = [[true, true], [true, false], [false, true], [false, false]];

const model = await loadModel(sounds);
const session = model.createSession();

/**
 * The hash of the logits after each token, and what these took.
 * @param {boolean} useCache  @param {boolean} useCrossCache
 */
async function write(useCache, useCrossCache) {
  session.reset(); // forgets the source too
  session.clearCounts();
  const hashes = [];
  let ms = 0;
  for await (const token of session.generate(word, { useCache, useCrossCache })) {
    ms += token.ms;
    hashes.push(session.logitsHash);
  }
  return { hashes, ms, counts: session.counts };
}

const onOff = (/** @type {boolean} */ is) => (is ? 'on' : 'off');
for (const way of WAYS) await write(way[0], way[1]); // not timed: code that has just begun is slower
const right = new Set();
for (const [useCache, useCrossCache] of WAYS) {
  const { hashes, ms, counts } = await write(useCache, useCrossCache);
  console.log(`cache ${onOff(useCache)}, cross cache ${onOff(useCrossCache)}: ${hashes.length} tokens in `
    + `${ms.toFixed(2)} ms; multiply-adds: ${counts.projectionMacs} through the decoder's matrices, `
    + `${counts.crossProjectionMacs} for keys and values of the source; ${hashes[hashes.length - 1]}`);
  right.add(hashes.join());
}
console.log(`the same bits after each token: ${right.size === 1}`);

const hashes = [];
for await (const { position } of session.generate(word)) {
  hashes.push(session.logitsHash);
  session.useCache = position % 2 === 0; // also in the middle of a text
  session.useCrossCache = position % 3 === 0;
}
console.log(`switched on and off while it writes: ${right.has(hashes.join())}`);
model.dispose();
