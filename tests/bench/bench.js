// Tokens per second with the KV cache on and off, at several lengths of context, in one run:
//
//   npm run bench [-- --model DIR] [--variant auto|relaxed|simd|scalar] [--json FILE]
//
// Warm-up first; the two modes take turns, so that a machine that slows down slows both; prefill and
// decode apart; medians with the least and the greatest. It refuses to report if the cache changes a
// bit of the logits.
import { writeFile } from 'node:fs/promises';
import { cpus, platform } from 'node:os';
import { parseArgs } from 'node:util';
import { loadModel } from 'kvcache-wasm';

const CONTEXTS = [64, 256, 1000];
const REPETITIONS = 7;
const WARM_UPS = 2;
const CACHED_TOKENS = 16; // decoded for one figure; without the cache, one token is long enough

const { values: options } = parseArgs({
  options: {
    model: { type: 'string', default: new URL('../../web/models/stories/', import.meta.url).href },
    variant: { type: 'string', default: 'auto' },
    json: { type: 'string' },
  },
});

/** Milliseconds that work() takes. @param {() => void} work */
function timed(work) {
  const start = performance.now();
  work();
  return performance.now() - start;
}

/** @param {number[]} rates */
function summary(rates) {
  const sorted = [...rates].sort((a, b) => a - b);
  return { median: sorted[sorted.length >> 1], min: sorted[0], max: sorted[sorted.length - 1] };
}

/**
 * One repetition in one mode: tokens/s of reading the first n ids, and of the tokens after them.
 * @param {import('../../web/session.js').Session} session  @param {number[]} ids  @param {number} n
 * @param {boolean} useCache
 */
function measure(session, ids, n, useCache) {
  const tokens = useCache ? CACHED_TOKENS : 1;
  session.reset();
  session.useCache = useCache;
  const prefill = timed(() => session.prefill(ids.slice(0, n)));
  const decode = timed(() => {
    for (let i = 0; i < tokens; i++) session.decode(ids[n + i]);
  });
  session.truncate(n); // the hash of the same token in both modes, outside the clock
  session.decode(ids[n]);
  return { prefill: (1e3 * n) / prefill, decode: (1e3 * tokens) / decode, hash: session.logitsHash };
}

/** @param {import('../../web/session.js').Session} session  @param {number[]} ids  @param {number} n */
function compare(session, ids, n) {
  /** @type {Record<'on' | 'off', { prefill: number[], decode: number[] }>} */
  const rates = { on: { prefill: [], decode: [] }, off: { prefill: [], decode: [] } };
  for (let i = -WARM_UPS; i < REPETITIONS; i++) {
    const on = measure(session, ids, n, true);
    const off = measure(session, ids, n, false);
    if (on.hash !== off.hash) {
      throw new Error(`No report: at ${n} tokens the logits differ (${on.hash} with the cache, ${off.hash} without).`);
    }
    if (i < 0) continue;
    for (const [mode, figures] of [['on', on], ['off', off]]) {
      rates[mode].prefill.push(figures.prefill);
      rates[mode].decode.push(figures.decode);
    }
  }
  const [prefill, on, off] = [rates.on.prefill, rates.on.decode, rates.off.decode].map(summary);
  return { context: n, prefill, on, off, speedUp: on.median / off.median };
}

/** @param {{ median: number, min: number, max: number }} rate */
const shown = ({ median, min, max }) => [median, min, max].map((x) => x.toLocaleString('en', { maximumSignificantDigits: 3 }))
  .join(' (').replace(/ \(([^(]*)$/, ' to $1)');

const model = await loadModel(options.model, { variant: options.variant });
const { nLayer, nEmbd, nHead, vocabSize } = model.config;
const session = model.createSession();
const ids = [];
for (const id of model.encode('Once upon a time')) ids.push(id);
for await (const token of session.generate('Once upon a time', { seed: 1, temperature: 1, topK: 0, topP: 1, minP: 0,
  maxTokens: Math.max(...CONTEXTS) + CACHED_TOKENS - ids.length })) ids.push(token.id);
while (ids.length < Math.max(...CONTEXTS) + CACHED_TOKENS) ids.push(...ids); // the story may end early

const report = {
  date: new Date().toISOString().slice(0, 10),
  machine: `${cpus()[0].model.trim()}, ${cpus().length} cores, ${platform()}, Node ${process.version}, one thread`,
  model: `GPT-2, ${nLayer} layers, width ${nEmbd}, ${nHead} heads, vocabulary ${vocabSize}, f32, ${model.variant} build`,
  repetitions: REPETITIONS,
  rows: CONTEXTS.map((n) => compare(session, ids, n)),
};
model.dispose();

console.log(`${report.date}; ${report.machine}\n${report.model}\nTokens per second: median (least to greatest) of `
  + `${REPETITIONS}; logits equal bit for bit in every repetition.\n`);
console.log('| Context | Prefill | Decode, cache on | Decode, cache off | Speed-up |\n| ---: | ---: | ---: | ---: | ---: |');
for (const { context, prefill, on, off, speedUp } of report.rows) {
  console.log(`| ${context} | ${shown(prefill)} | ${shown(on)} | ${shown(off)} | ${speedUp.toFixed(1)}x |`);
}
if (options.json) await writeFile(options.json, `${JSON.stringify(report, null, 2)}\n`);
