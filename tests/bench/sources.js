// What the two caches of a model with an encoder save: tokens per second of T5-small's shape, or of a model.
//
//   npm run sources [-- --model DIR] [--sources LIST] [--tokens N] [--runs N] [--weights LIST] [--json FILE]
//
//   read         tokens of a source, its keys and values included
//   both         one token behind N of text, with both caches
//   cross off    the source is projected again for it
//   self off     the text goes through the decoder again for it
//   neither      both
import { writeFile } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { benchmarkSources, loadModel } from 'kvcache-wasm';
import { table } from '../../web/measure/figures.js';
import { T5, randomModel } from './shapes.js';

const text = /** @type {const} */ ({ type: 'string' });
const { values } = parseArgs({ options: {
  model: text, sources: text, tokens: text, runs: text, weights: text, json: text,
} });
const source = values.model ? pathToFileURL(`${values.model}/`) : randomModel(T5);
const sourceLengths = values.sources?.split(',').map(Number);
const [tokens, runs] = [Number(values.tokens ?? 32), Number(values.runs ?? 5)];

/** @param {number} rate */
const shown = (rate) => rate.toFixed(rate < 10 ? 1 : 0);

const all = [];
for (const weights of /** @type {('f32' | 'int8')[]} */ (values.weights?.split(',') ?? ['f32', 'int8'])) {
  const model = await loadModel(source, { weights, tokenizer: false });
  const rows = await benchmarkSources(model, { sourceLengths, tokens, runs, windowMs: 100 });
  all.push(...rows.map((row) => ({ weights, variant: model.variant, ...row })));
  model.dispose();
}
const head = ['Weights', 'Source', 'Text', 'Read', 'Both', 'Cross off', 'Self off', 'Neither', 'Times'];
console.log(table(head, all.map((row) => [
  row.weights, String(row.sourceTokens), String(row.tokens),
  ...[row.read, row.both, row.selfOnly, row.crossOnly, row.neither, row.speedUp].map(shown),
]), 1));
if (values.json) await writeFile(values.json, `${JSON.stringify(all, null, 1)}\n`);
