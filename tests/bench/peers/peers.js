// Our engine beside others that run language models in wasm, in one Chromium, in turns. See README.md.
//
//   npm run peers -- [--models MICRO,TINY,GPT2] [--weights f32,int8] [--contexts 64,256] [--runs N] [--json FILE]
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { DECODED } from '../../../web/measure/benchmark.js';
import { machine } from '../report.js';
import { CACHE, inChromium } from '../runtimes.js';
import { SHAPES } from '../shapes.js';

const PACKAGES = ['@wllama/wllama@3.8.1', 'onnxruntime-web@1.30.0'];
const REPOSITORY = fileURLToPath(new URL('../../../', import.meta.url));

const text = /** @type {const} */ ({ type: 'string' });
const { values: options } = parseArgs({ options: { models: text, weights: text, contexts: text, runs: text, json: text } });
const models = options.models?.split(',') ?? ['MICRO', 'TINY', 'GPT2'];
const contexts = options.contexts?.split(',').map(Number) ?? [64, 256];
const runs = Number(options.runs ?? 5);

/** The others, in a folder outside the package. */
async function install() {
  const folder = join(CACHE, 'peers');
  await mkdir(folder, { recursive: true });
  await promisify(execFile)('npm', ['install', '--prefix', folder, '--no-audit', '--no-fund', '--ignore-scripts', ...PACKAGES], { cwd: folder });
  return folder;
}

/** @typedef {Awaited<ReturnType<typeof import('./compare.js').compare>>} Rows */

/** @type {{ shape: string, weights: string, rows: Rows }[]} */
const results = [];
const site = await mkdtemp(join(tmpdir(), 'kvc-peers-')); // one folder for both to be served from
let browser = '';
try {
  await symlink(REPOSITORY, join(site, 'repository'));
  await symlink(await install(), join(site, 'peers'));
  for (const shape of models) {
    for (const weights of options.weights?.split(',') ?? ['f32', 'int8']) {
      console.error(`${shape}, ${weights}`);
      const fitting = contexts.filter((n) => n + DECODED <= SHAPES[shape].n_positions);
      for (const threads of [1, 2]) { // a page each: idle threads of one engine would take time from the others
        await inChromium(site, 'repository/tests/bench/peers/page.html', async (page, name) => {
          browser = name;
          const rows = await page.evaluate((job) => /** @type {any} */ (globalThis).compare(job), { shape, weights, contexts: fitting, runs, threads });
          results.push({ shape, weights, rows });
        });
      }
    }
  }
} finally {
  await rm(site, { recursive: true });
}

const number = (/** @type {number} */ x) => x.toLocaleString('en', { maximumSignificantDigits: 3 });
const rate = (/** @type {import('../../../web/measure/benchmark.js').Spread} */ { median, min, max }) => `${number(median)} (${number(min)} to ${number(max)})`;
console.log(`${new Date().toISOString().slice(0, 10)}; ${machine()}; ${browser}; ${PACKAGES.join(', ')}.\nTokens per second: median (least to greatest) of ${
  runs} runs in turns; the ratio is ours over theirs.\n`);
console.log('| Model | Weights | Context | Engine | Prefill | Ratio | Decode | Ratio |\n| --- | --- | ---: | --- | ---: | ---: | ---: | ---: |');
for (const { shape, weights, rows } of results) {
  for (const { engine, context, prefill, decode } of rows) {
    const our = /** @type {Rows[number]} */ (rows.find((row) => row.context === context));
    console.log(`| ${[shape, weights, context, engine, rate(prefill), number(our.prefill.median / prefill.median), rate(decode),
      number(our.decode.median / decode.median)].join(' | ')} |`);
  }
}
if (options.json) await writeFile(options.json, `${JSON.stringify({ date: new Date().toISOString(), machine: machine(), browser, packages: PACKAGES, runs, results }, null, 2)}\n`);
