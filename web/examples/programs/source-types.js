// Both caches of a model with an encoder, configured: how many tokens of source and of text there may be, and
// in which numbers keys and values are kept. What narrower ones cost is measured, against f32.
//
//   node source-types.js [WORD]
import { loadModel } from 'kvcache-wasm';
import { sounds } from 'kvcache-wasm/models/sounds';

/** @import { Session } from 'kvcache-wasm' */

const [word = 'pneumonia'] = process.argv.slice(2);
const model = await loadModel(sounds);

/** What a session writes, and all ids of that. @param {Session} session */
async function write(session) {
  let text = '';
  for await (const token of session.generate(word)) text += token.text;
  return { text, ids: session.tokens };
}

/** The logits after each of these ids. @param {Session} session  @param {readonly number[]} ids */
function read(session, ids) {
  session.truncate(0);
  return ids.map((id) => session.decode(id));
}

const exact = model.createSession({ capacity: 48 });
const { text: right, ids } = await write(exact);
const logits = read(exact, ids);
const most = Math.max(...logits.map((row) => row.reduce((max, x) => Math.max(max, Math.abs(x)), 0)));

for (const type of /** @type {const} */ (['f32', 'f16', 'int8'])) {
  const session = model.createSession({
    capacity: 48, sourceCapacity: 32, keyType: type, valueType: type, sequences: 1, whenFull: 'error',
  });
  const { text } = await write(session);
  const rows = read(session, ids);
  const worst = Math.max(...rows.map((row, t) => (
    row.reduce((max, x, i) => Math.max(max, Math.abs(x - logits[t][i])), 0))));
  const { cacheBytes, crossBytes } = session.memoryUsage();
  console.log(`${type}: ${cacheBytes} bytes for the text, ${crossBytes} for the source; error `
    + `${(worst / most).toExponential(1)} of the largest logit, the same text: ${text === right}`);
}
model.dispose();
