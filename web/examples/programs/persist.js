// A session as a file: another process, another day, another build of the engine goes on with it bit for bit.
//
//   node persist.js [FILE]
import { readFile, writeFile } from 'node:fs/promises';
import { KvcError, loadModel } from 'kvcache-wasm';
import { stories } from 'kvcache-wasm/models/stories';

/** @import { Session } from 'kvcache-wasm' */

const [file = 'session.kvc'] = process.argv.slice(2);

/**
 * So many tokens more.
 * @param {Session} session  @param {readonly number[]} prompt  @param {number} maxTokens
 */
async function write(session, prompt, maxTokens) {
  for await (const { id } of session.generate(prompt, { maxTokens, temperature: 0 })) void id;
  return session.tokens;
}

const here = await loadModel(stories);
const first = here.createSession({ capacity: 128 });
const half = await write(first, here.encode('Once upon a time'), 20);
await writeFile(file, first.save()); // tokens, logits and cache
console.log(`saved after ${half.length} tokens: ${(await readFile(file)).length} bytes`);
const whole = await write(first, half, 20); // without a break

const there = await loadModel(stories, { variant: 'scalar' }); // as if on a machine without SIMD
const second = there.createSession({ capacity: 64 });
second.restore(await readFile(file));
const resumed = await write(second, half, 20);
const { reused, tokens } = second.prefillStats;
console.log(`restored: ${reused} of ${tokens} tokens need no computing`);
console.log(`the same text: ${resumed.join() === whole.join()}`);
console.log(`the same bits: ${first.logitsHash === second.logitsHash}`);

for (const [what, bytes] of /** @type {const} */ ([
  ['cut short', (await readFile(file)).subarray(0, 5000)],
  ['altered', (await readFile(file)).fill(7, 2000, 2001)],
])) {
  try {
    second.restore(Uint8Array.from(bytes));
  } catch (error) {
    if (!(error instanceof KvcError)) throw error;
    console.log(`${what}: ${error.code}; as it was: ${second.logitsHash === first.logitsHash}`);
  }
}
here.dispose();
there.dispose();
