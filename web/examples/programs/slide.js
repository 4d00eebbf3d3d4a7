// A storyteller that never has to stop: when the cache is full the oldest page of 16 tokens leaves it, all
// but the first ones, the sinks. The bits are those of a pass over the whole text without a cache; but they
// are not what a new session computes from the tokens that are left; how far off is counted here.
//
//   node slide.js
import { loadModel } from 'kvcache-wasm';
import { tales } from 'kvcache-wasm/models/tales';

const model = await loadModel(tales, { weights: 'int8' });
const session = model.createSession({ capacity: 256, whenFull: 'slide', sinks: 4 });
const options = { maxTokens: 1000, minTokens: 1000, seed: 1 };
for await (const token of session.generate('Once upon a time', options)) {
  if (token.position % 250 === 249) {
    const [n, { usedBytes }] = [session.held.tokens.length, session.memoryUsage()];
    console.log(`${token.position + 1} tokens, ${n} in the cache: ${usedBytes} bytes`);
  }
}

const { tokens, held, logitsHash } = session;
const off = model.createSession({ capacity: 256, whenFull: 'slide', sinks: 4, useCache: false });
off.sync(tokens);
console.log(`the same bits without a cache: ${off.logitsHash === logitsHash}`);

/** The natural logarithms of the probabilities of all ids. @param {Float32Array} logits */
function logOf(logits) {
  const most = Math.max(...logits);
  const sum = Math.log(logits.reduce((total, logit) => total + Math.exp(logit - most), 0)) + most;
  return logits.map((logit) => logit - sum);
}

const STEPS = 8; // places of the text, a page and a half apart
let [divergence, same] = [0, 0];
const fresh = model.createSession({ capacity: 256 });
const writing = model.createSession({ capacity: 256, whenFull: 'slide', sinks: 4 });
for (let step = 0; step < STEPS; step++) {
  const n = tokens.length - 24 * (STEPS - 1 - step);
  writing.sync(tokens.slice(0, n));
  fresh.sync(writing.held.tokens.map((token) => tokens[token]));
  const [p, q] = [logOf(writing.logits), logOf(fresh.logits)];
  divergence += p.reduce((sum, log, id) => sum + Math.exp(log) * (log - q[id]), 0) / STEPS;
  same += Number(writing.top(1)[0].id === fresh.top(1)[0].id);
}
console.log(`the ${held.tokens.length} tokens that are left, read anew: ${divergence.toFixed(4)} nats away, `
  + `the same likeliest token ${same} of ${STEPS} times`);
model.dispose();
