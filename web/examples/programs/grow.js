// A session that grows: memory for the tokens that there are, and not for all that there could be. Its bits
// are those of a session that had the room from the start.
//
//   node grow.js [TOKENS]
import { loadModel } from 'kvcache-wasm';
import { stories } from 'kvcache-wasm/models/stories';

const tokens = Number(process.argv[2] ?? 300);
const model = await loadModel(stories);
const growing = model.createSession({ capacity: 'grow' });
const fixed = model.createSession(); // 1,024 tokens, the positions of this model

let room = 0;
for await (const { position } of growing.generate('Once upon a time', { maxTokens: tokens, seed: 5 })) {
  if (growing.capacity === room) continue;
  room = growing.capacity;
  console.log(`at token ${position}: room for ${room} in ${growing.memoryUsage().totalBytes} bytes`);
}
fixed.prefill(growing.tokens);
console.log(`room for ${fixed.capacity} from the start: ${fixed.memoryUsage().totalBytes} bytes`);
console.log(`the same logits, to the last bit: ${fixed.logitsHash === growing.logitsHash}`);
model.dispose();
