// Bits per byte of a model on a text file, computed by this engine through its binding:
//
//   npm run eval -- TEXT [--model DIR] [--weights f32|int8] [--json FILE]
//
// TEXT holds documents separated by lines of <|endoftext|>. Every token of a document and the
// <|endoftext|> that closes it is predicted exactly once, from at most n_positions tokens of the same
// document, its opening <|endoftext|> included. A longer document is read in windows that overlap by
// half. The bits are divided by the UTF-8 bytes of the documents alone. src/train/evaluate.py does the
// same in PyTorch.
import { readFile, writeFile } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import '../relaxed.js';
import { loadModel } from 'kvcache-wasm';

const END = '<|endoftext|>';

/** The texts between the <|endoftext|> lines. @param {string} text */
const documentsOf = (text) => text.split(END).map((part) => part.replace(/^\n+|\n+$/g, '')).filter((part) => part !== '');

/**
 * Nats of ids[1], ids[2], ... , each given what comes before it in its window.
 * @param {import('../../web/session.js').Session} session  @param {number[]} ids
 */
function nats(session, ids) {
  const { capacity } = session;
  let total = 0;
  for (let scored = 0; scored < ids.length - 1;) {
    const end = Math.min(ids.length - 1, Math.max(scored + (capacity >> 1), capacity));
    const start = Math.max(0, end - capacity);
    for (const logProb of session.score(ids.slice(start, end + 1)).subarray(scored - start)) total -= logProb;
    scored = end;
  }
  return total;
}

/**
 * @param {import('../../web/model.js').Model} model  @param {string} text
 * @param {(done: number, of: number) => void} [onDocument]
 */
export function bitsPerByte(model, text, onDocument) {
  const end = model.config.bosTokenId;
  if (end === null) throw new Error('The model has no token that stands between documents.');
  const documents = documentsOf(text);
  const session = model.createSession();
  let total = 0;
  let bytes = 0;
  let tokens = 0;
  for (const [i, document] of documents.entries()) {
    const ids = model.encode(document);
    total += nats(session, [end, ...ids, end]);
    bytes += new TextEncoder().encode(document).length;
    tokens += ids.length + 1;
    onDocument?.(i + 1, documents.length);
  }
  session.dispose();
  return { bitsPerByte: total / Math.LN2 / bytes, documents: documents.length, bytes, tokens };
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      model: { type: 'string', default: new URL('../../web/models/stories/', import.meta.url).href },
      weights: { type: 'string', default: 'f32' },
      json: { type: 'string' },
    },
  });
  if (positionals.length !== 1) {
    console.error('Usage: npm run eval -- TEXT [--model DIR] [--weights f32|int8] [--json FILE]');
    process.exit(2);
  }
  const model = await loadModel(values.model, { weights: /** @type {'f32' | 'int8'} */ (values.weights) });
  const start = performance.now();
  const progress = (/** @type {number} */ done, /** @type {number} */ of) => process.stderr.write(`\r${done} of ${of} documents`);
  const result = bitsPerByte(model, await readFile(positionals[0], 'utf8'), process.stderr.isTTY ? progress : undefined);
  const seconds = (performance.now() - start) / 1e3;
  console.log(`${result.bitsPerByte.toFixed(4)} bits per byte: ${result.documents} documents, ${result.bytes} bytes, ${result.tokens} tokens, `
    + `${seconds.toFixed(1)} s, ${model.weights}, ${model.variant} build`);
  if (values.json) await writeFile(values.json, `${JSON.stringify(result, null, 2)}\n`);
  model.dispose();
}
