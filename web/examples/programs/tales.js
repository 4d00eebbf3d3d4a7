// The second storyteller, a Llama: three heads of queries share one of keys and values, so its cache takes a
// third of what it would take otherwise. Its weights are laid out for int8, which takes a quarter of f32.
//
//   node tales.js ["Once upon a time"] [SEED]
import { loadModel } from 'kvcache-wasm';
import { tales } from 'kvcache-wasm/models/tales';

const [prompt = 'Once upon a time', seed = '7'] = process.argv.slice(2);

for (const weights of /** @type {const} */ (['f32', 'int8'])) {
  const model = await loadModel(tales, { weights });
  const session = model.createSession({ capacity: 256 });
  let text = prompt;
  let [ms, written] = [0, 0];
  for await (const token of session.generate(prompt, { maxTokens: 120, seed: Number(seed) })) {
    text += token.text;
    ms += token.ms;
    written++;
  }
  const { nHead, nKvHead } = model.config;
  const { bytesPerToken } = session.memoryUsage();
  console.log(text);
  console.log(`\n${weights}: ${written} tokens at ${(1e3 * written / ms).toFixed(0)}/s; ${nKvHead} heads of `
    + `keys for ${nHead} of queries, ${bytesPerToken} bytes a token\n`);
  model.dispose();
}
