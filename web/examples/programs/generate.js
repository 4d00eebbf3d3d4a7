// Basic use: a model goes on from a prompt, with each way of choosing the next token, and says what its cache
// holds.
//
//   node generate.js ["Once upon a time"]
import { loadModel } from 'kvcache-wasm';
import { stories } from 'kvcache-wasm/models/stories';

const [prompt = 'Once upon a time'] = process.argv.slice(2);

/** What is not named here is off, whatever the model's makers suggest. */
const OFF = { temperature: 1, topK: 0, topP: 1, minP: 0, repetitionPenalty: 1 };
const WAYS = {
  greedy: { temperature: 0 },       // the likeliest one; temperature 1 would be the distribution as it is
  temperature: { temperature: 0.7 },
  'top-k': { topK: 40 },
  nucleus: { topP: 0.9 },
  combined: { temperature: 0.8, topK: 40, topP: 0.9, repetitionPenalty: 1.1 },
};

const model = await loadModel(stories); // or a URL, a folder, files by name
const session = model.createSession({ capacity: 128 });
for (const [name, way] of Object.entries(WAYS)) {
  let text = prompt;
  for await (const token of session.generate(prompt, { ...OFF, ...way, maxTokens: 16, seed: 7 })) {
    text += token.text; // streamed: each as soon as it is computed
  }
  const { tokens, reused } = session.prefillStats; // the prompt is read once, and then found in the cache
  console.log(`${name}, ${reused} of ${tokens} tokens of the prompt reused: ${JSON.stringify(text)}`);
}
const { cacheBytes, usedBytes, bytesPerToken } = session.memoryUsage();
const { cachedTokens } = session;
console.log(`${cachedTokens} tokens cached, ${bytesPerToken} bytes each: ${usedBytes} of ${cacheBytes}`);
model.dispose(); // and its sessions
