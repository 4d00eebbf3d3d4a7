// A decoder that has no cache gets one, from outside and without a change of its code, and gives it back. Its
// generate() takes useCache: the text is the same, the time is not.
//
//   node drop-in.js [TOKENS]
import { disableKVCache, enableKVCache, init } from 'kvcache-wasm';
import { GPT } from 'kvcache-wasm/examples/js-gpt.js'; // plain JavaScript, which knows nothing of all this

/** @param {Float32Array} logits  (T, V); those after the last token count  @param {number} V */
const likeliest = (logits, V) => {
  const last = logits.subarray(logits.length - V);
  return last.indexOf(last.reduce((most, x) => Math.max(most, x)));
};

/**
 * The prompt and maxTokens more, greedily.
 * @param {GPT} model  @param {readonly number[]} prompt
 * @param {{ maxTokens: number, useCache: boolean }} options
 */
function generate(model, prompt, { maxTokens, useCache }) {
  if (useCache) enableKVCache(model, { maxSeqLen: prompt.length + maxTokens });
  try {
    const ids = [...prompt];
    for (let input = ids; ids.length < prompt.length + maxTokens;) {
      const next = likeliest(model.forward(input), model.vocabSize);
      ids.push(next);
      input = useCache ? [next] : ids; // with the cache only what is new, without it everything again
    }
    return ids;
  } finally {
    if (useCache) disableKVCache(model); // the model is what it was
  }
}

await init();
const maxTokens = Number(process.argv[2] ?? 60);
const gpt = new GPT({ vocabSize: 200, embedDim: 64, numLayers: 4, numHeads: 4, maxSeqLen: 256 });
const texts = [false, true].map((useCache) => {
  const start = performance.now();
  const ids = generate(gpt, [7, 8, 9], { maxTokens, useCache });
  const ms = Math.ceil(performance.now() - start);
  console.log(`cache ${useCache ? 'on' : 'off'}: ${maxTokens} tokens in ${ms} ms`);
  return ids.join();
});
console.log(`the same tokens: ${texts[0] === texts[1]}`);
