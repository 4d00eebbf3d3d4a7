// How fast the first run of a fresh page is, against the same run once the engine is warm:
// node tests/bench/cold.js [chromium|firefox|webkit] [ROUNDS]   (./build.sh site first)
// The figure loads a model at a click and writes with the cache on, as fast as it goes, over and over. Each
// round has a fresh browser for each model; all engines take their turn in it.
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { engines } from '../browser/engines.js';
import { serve } from '../serve.js';

const MODELS = ['stories', 'tales'];
const RUNS = 8;     // of a page
const WARM = 5;     // the last of them
const SLOT_MS = 50;
const SLOTS = 8;    // that are told
const LATER_MS = 150;

/**
 * @typedef {{ id: number, at: number, ms: number }} Told  a token, when the page had it, and what it took
 * @typedef {{ seen: number[], computed: number[] }} Times  of each token, in ms since the first: when the
 *   page had it, and when it would have had it if computing were all
 * @typedef {{ ms: number, warmMs: number, slots: number[], later: number }} Speeds  of the first run, and of
 *   a warm one; slots: its speed over theirs, at the same tokens; later: from LATER_MS on
 */

/**
 * In the page: runs, one after the other, of which the first loads the model.
 * @param {string} model  @param {number} runs
 */
async function write(model, runs) {
  const { mountDemo } = await import(new URL('demo/cold.js', document.baseURI).href);
  document.body.replaceChildren();
  const { player, dispose } = mountDemo(document.body, {
    model: () => new URL(`models/${model}/`, document.baseURI).href, prompt: 'Once upon a time',
  });
  /** @type {Told[]} */
  let told = [];
  player.subscribe((/** @type {unknown} */ _, /** @type {any} */ event) => {
    if (event?.type !== 'tokens') return;
    const at = performance.now();
    for (const { id, burst } of event.tokens) told.push({ id, at, ms: burst ? burst.ms / burst.tokens : 0 });
  });
  if (model === 'tales') await player.setWhenFull('slide'); // it goes on past its context
  player.setCache(true);
  player.setPace(0);
  const all = [];
  for (let run = 0; run < runs; run++) {
    told = [];
    await player.generate();
    if (player.state.failure) throw new Error(JSON.stringify(player.state.failure));
    all.push(told);
  }
  dispose();
  return all;
}

/** Tokens that came in one message came one after the other since the message before. @param {Told[]} told */
function timesOf(told) {
  const seen = [0];
  for (let i = 1; i < told.length;) {
    let end = i + 1;
    while (end < told.length && told[end].at === told[i].at) end++;
    const before = told[i - 1].at - told[0].at;
    const step = (told[i].at - told[i - 1].at) / (end - i);
    for (let n = 1; i < end; i++, n++) seen.push(before + n * step);
  }
  let sum = 0;
  return { seen, computed: told.map(({ ms }, i) => { sum += i > 0 ? ms : 0; return sum; }) };
}

/** @param {number[]} list */
function median(list) {
  const sorted = list.toSorted((a, b) => a - b);
  return (sorted[(list.length - 1) >> 1] + sorted[list.length >> 1]) / 2;
}

/**
 * How many tokens were there after `ms`, with a part of the next one.
 * @param {number[]} times  @param {number} ms
 */
function tokensAt(times, ms) {
  const next = times.findIndex((time) => time > ms);
  return next <= 0 ? times.length - 1 : next - (times[next] - ms) / (times[next] - times[next - 1]);
}

/** When that many were there. @param {number[]} times  @param {number} tokens */
function timeOf(times, tokens) {
  const whole = Math.min(Math.floor(tokens), times.length - 2);
  return times[whole] + (tokens - whole) * (times[whole + 1] - times[whole]);
}

/** @param {number[]} first  @param {number[][]} warm  @returns {Speeds} */
function speeds(first, warm) {
  const usual = first.map((_, token) => median(warm.map((times) => times[token])));
  /** @param {number} from  @param {number} to  in ms of the first run */
  const ratio = (from, to) => {
    const took = timeOf(usual, tokensAt(first, to)) - timeOf(usual, tokensAt(first, from));
    return took / (to - from);
  };
  const end = first[first.length - 1];
  const slots = Array.from({ length: SLOTS }, (_, k) => k * SLOT_MS).filter((from) => from + SLOT_MS <= end)
    .map((from) => ratio(from, from + SLOT_MS));
  const later = end > LATER_MS ? ratio(LATER_MS, end) : NaN;
  return { ms: end, warmMs: usual[usual.length - 1], slots, later };
}

/** @param {import('../browser/engines.js').Engine} engine  @param {string} url  @param {string} model */
async function measured(engine, url, model) {
  const browser = await engine.launch();
  try {
    const page = await browser.newPage();
    await page.goto(url);
    /** @type {Told[][]} */
    const all = await page.evaluate(write, model, RUNS);
    const texts = new Set(all.map((told) => told.map(({ id }) => id).join()));
    if (texts.size > 1) throw new Error('The same run wrote different tokens: there are no figures.');
    const times = all.map(timesOf);
    const of = (/** @type {'seen' | 'computed'} */ kind) => speeds(
      times[0][kind], times.slice(-WARM).map((run) => run[kind]));
    return { seen: of('seen'), computed: of('computed') };
  } finally {
    await browser.close();
  }
}

/** @param {string} name  @param {Speeds[]} pages */
function row(name, pages) {
  const percent = (/** @type {number[]} */ list) => {
    const known = list.filter((ratio) => ratio > 0);
    return known.length * 2 > pages.length ? `${Math.round(100 * median(known))} %` : '';
  };
  const slots = Array.from({ length: SLOTS }, (_, k) => percent(pages.map((page) => page.slots[k])));
  const later = percent(pages.map((page) => page.later));
  const ms = /** @type {const} */ (['ms', 'warmMs']).map(
    (key) => Math.round(median(pages.map((page) => page[key]))));
  console.log(`| ${[name, ...ms, ...slots, later].join(' | ')} |`);
}

const [only, rounds = 5] = process.argv.slice(2);
const root = await mkdtemp(join(tmpdir(), 'kvc-cold-'));
await cp('dist', root, { recursive: true });
await build({
  entryPoints: ['tests/browser/lone-demo.js'], bundle: true, format: 'esm', external: ['node:*'],
  outfile: join(root, 'demo', 'cold.js'), logLevel: 'warning',
});
const server = await serve(root);
const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
/** @type {Map<string, Awaited<ReturnType<typeof measured>>[]>} */
const found = new Map();
try {
  for (let round = 0; round < Number(rounds); round++) {
    for (const engine of engines(only?.split(','))) {
      for (const model of engine.available ? MODELS : []) {
        const key = `${engine.name}, ${model}`;
        found.set(key, [...found.get(key) ?? [], await measured(engine, `http://127.0.0.1:${port}/`, model)]);
      }
    }
  }
} finally {
  server.close();
  await rm(root, { recursive: true });
}
const heads = Array.from({ length: SLOTS }, (_, k) => `${k * SLOT_MS} ms`);
console.log(`| | First, ms | Warm, ms | ${heads.join(' | ')} | From ${LATER_MS} ms on |`);
console.log(`| --- |${' ---: |'.repeat(SLOTS + 3)}`);
for (const [key, pages] of found) {
  row(`${key}, on the page`, pages.map(({ seen }) => seen));
  row(`${key}, computing`, pages.map(({ computed }) => computed));
}
