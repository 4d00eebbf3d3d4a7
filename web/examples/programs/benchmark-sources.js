// What each of the two caches of a model with an encoder saves, measured on this machine: tokens per second
// with both, with one and with none, which take turns. A difference in one bit of their logits is an error
// instead of a figure.
//
//   node benchmark-sources.js [LENGTHS OF SOURCES, as 8,32] [TOKENS OF TEXT] [RUNS]
import { benchmarkSources, loadModel } from 'kvcache-wasm';
import { sounds } from 'kvcache-wasm/models/sounds';

const [lengths = '8,16,32', tokens = '32', runs = '5'] = process.argv.slice(2);
const WIDTH = 40; // of the longest bar

const WAYS = /** @type {const} */ ({
  both: 'both caches', selfOnly: 'without the cross cache', crossOnly: "without the decoder's own",
  neither: 'neither',
});

const model = await loadModel(sounds);
const rows = await benchmarkSources(model, {
  sourceLengths: lengths.split(',').map(Number), tokens: Number(tokens), runs: Number(runs),
});
const most = Math.max(...rows.map(({ both }) => both));
for (const row of rows) {
  console.log(`${row.sourceTokens} tokens of source, read at ${row.read.toFixed(0)}/s; behind ${row.tokens} `
    + 'of text, in tokens per second:');
  for (const way of /** @type {(keyof typeof WAYS)[]} */ (Object.keys(WAYS))) {
    const bar = '#'.repeat(Math.max(1, Math.round(WIDTH * row[way] / most)));
    const { min, max } = row.spread[way];
    console.log(`${WAYS[way].padStart(27)} ${bar} ${row[way].toFixed(0)} (${min.toFixed(0)} to `
      + `${max.toFixed(0)})`);
  }
  console.log(`both are ${row.speedUp.toFixed(1)} times as fast as neither; the same logits: `
    + row.logitsHash);
}
model.dispose();
