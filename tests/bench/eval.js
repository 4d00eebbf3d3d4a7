// Bits per byte of a model on a text file, computed by this engine through its binding; with int8 weights,
// also how often the likeliest token is that of f32 weights:
//
//   npm run eval -- TEXT [--model DIR] [--weights f32|int8] [--json FILE]
//
// TEXT holds documents separated by lines of <|endoftext|>. Every token of a document and the <|endoftext|>
// that closes it is predicted exactly once, from at most n_positions tokens of the same document, its opening
// <|endoftext|> included. A longer document is read in windows that overlap by half. The bits are divided by
// the UTF-8 bytes of the documents alone. src/train/evaluate.py does the same in PyTorch.
import { readFile, writeFile } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import '../relaxed.js';
import { loadModel } from 'kvcache-wasm';
import { argmax } from '../../web/measure/narrow.js';

/** @import { Model } from '../../web/session/model.js' */

const END = '<|endoftext|>';

/** The texts between the <|endoftext|> lines. @param {string} text */
export const documentsOf = (text) => text.split(END)
  .map((part) => part.replace(/^\n+|\n+$/g, ''))
  .filter((part) => part !== '');

/**
 * The windows of a text: tokens, the index of the first one whose successor counts, and how many do.
 * @param {Model} model  @param {string} text
 */
function* windowsOf(model, text) {
  const { bosTokenId: end, nPositions } = model.config;
  if (end === null) throw new Error('The model has no token that stands between documents.');
  for (const document of documentsOf(text)) {
    const ids = [end, ...model.encode(document), end];
    for (let scored = 0; scored < ids.length - 1;) {
      const stop = Math.min(ids.length - 1, Math.max(scored + (nPositions >> 1), nPositions));
      const start = Math.max(0, stop - nPositions);
      yield { ids: ids.slice(start, stop + 1), first: scored - start, count: stop - scored };
      scored = stop;
    }
  }
}

/** @param {Model} model  @param {string} text */
export function bitsPerByte(model, text) {
  const session = model.createSession();
  const documents = documentsOf(text);
  const bytes = documents.reduce((sum, document) => sum + Buffer.byteLength(document), 0);
  let [nats, tokens] = [0, 0];
  for (const { ids, first, count } of windowsOf(model, text)) {
    for (const logProb of session.score(ids).subarray(first)) nats -= logProb;
    tokens += count;
  }
  session.dispose();
  return { bitsPerByte: nats / Math.LN2 / bytes, documents: documents.length, bytes, tokens };
}

/**
 * The part of all positions at which two models with one tokenizer find the same token likeliest.
 * @param {Model} model  @param {Model} other  @param {string} text
 */
export function sameTop1(model, other, text) {
  const sessions = [model.createSession(), other.createSession()];
  let [same, of] = [0, 0];
  for (const { ids, first, count } of windowsOf(model, text)) {
    for (const session of sessions) session.sync(ids.slice(0, first + 1));
    for (let i = 1; i <= count; i++) {
      const [a, b] = sessions.map((session) => argmax(session.logits));
      if (a === b) same++;
      if (i < count) for (const session of sessions) session.decode(ids[first + i]);
    }
    of += count;
  }
  for (const session of sessions) session.dispose();
  return same / of;
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
  const text = await readFile(positionals[0], 'utf8');
  const start = performance.now();
  /** @type {ReturnType<typeof bitsPerByte> & { sameTop1?: number }} */
  const result = bitsPerByte(model, text);
  const seconds = (performance.now() - start) / 1e3;
  const { bitsPerByte: bits, documents, bytes, tokens } = result;
  console.log(`${bits.toFixed(4)} bits per byte: ${documents} documents, ${bytes} bytes, ${tokens} tokens, `
    + `${seconds.toFixed(1)} s, ${model.weights}, ${model.variant} build`);
  if (values.weights !== 'f32') {
    const exact = await loadModel(values.model);
    result.sameTop1 = sameTop1(model, exact, text);
    console.log(`${(100 * result.sameTop1).toFixed(2)} % of positions with the likeliest token of f32`);
    exact.dispose();
  }
  if (values.json) await writeFile(values.json, `${JSON.stringify(result, null, 2)}\n`);
  model.dispose();
}
