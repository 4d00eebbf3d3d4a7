// A text as a stream: into standard output as fast as that takes it, up to a stop string; stopped in the
// middle by an AbortSignal, by leaving the loop, and gone on with.
//
//   node stream.js | head -c 300
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { KvcError, loadModel } from 'kvcache-wasm';
import { stories } from 'kvcache-wasm/models/stories';

const model = await loadModel(stories);
const session = model.createSession({ capacity: 256 });

/** Never half a character, and nothing of the stop string. */
async function* texts() {
  const options = { seed: 2, maxTokens: 100, stop: '.' };
  for await (const { text } of session.generate('Once upon a time', options)) yield text;
}
await pipeline(Readable.from(texts()), process.stdout, { end: false }); // waits where the reader is slow
console.log(`\nended by: ${session.finishReason}, ${JSON.stringify(session.finishedBy)}`);

const controller = new AbortController();
const { signal } = controller;
let written = 0;
try {
  for await (const token of session.generate('The king said', { maxTokens: 100, signal })) {
    void token;
    if (++written === 5) controller.abort(); // as a button would, in the middle of a long prompt too
  }
} catch (error) {
  if (!(error instanceof KvcError)) throw error;
  console.log(`${error.code} after ${written} tokens; the session has ${session.position}`);
}

for await (const { position } of session.generate(session.tokens, { maxTokens: 100 })) {
  if (position === 20) break;
}
console.log(`left the loop: ${session.finishReason}; ${session.prefillStats.reused} tokens were reused`);
model.dispose();
