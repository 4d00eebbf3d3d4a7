// Our engine beside others that run language models in WebAssembly, in one Chromium, in turns. See README.md.
//
//   npm run peers -- [--models MICRO,TINY,GPT2] [--weights f32,int8] [--contexts 64,256] [--runs N]
//                    [--json FILE]
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { DECODED } from '../../../web/measure/benchmark.js';
import { table } from '../../../web/measure/figures.js';
import { machine } from '../report.js';
import { CACHE, inChromium } from '../runtimes.js';
import { SHAPES } from '../shapes.js';

/**
 * @import { Spread } from '../../../web/measure/benchmark.js'
 * @import { Row } from './compare.js'
 */

const PACKAGES = ['@wllama/wllama@3.8.1', 'onnxruntime-web@1.30.0'];
const REPOSITORY = fileURLToPath(new URL('../../../', import.meta.url));

const text = /** @type {const} */ ({ type: 'string' });
const { values: options } = parseArgs({
  options: { models: text, weights: text, contexts: text, runs: text, json: text },
});
const models = options.models?.split(',') ?? ['MICRO', 'TINY', 'GPT2'];
const contexts = options.contexts?.split(',').map(Number) ?? [64, 256];
const runs = Number(options.runs ?? 5);

/** The others, in a folder outside the package. */
async function install() {
  const folder = join(CACHE, 'peers');
  await mkdir(folder, { recursive: true });
  const flags = ['--no-audit', '--no-fund', '--ignore-scripts'];
  await promisify(execFile)('npm', ['install', '--prefix', folder, ...flags, ...PACKAGES], { cwd: folder });
  return folder;
}

/** @type {{ shape: string, weights: string, rows: Row[] }[]} */
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
      // A page each: idle threads of one engine would take time from the others.
      for (const threads of [1, 2]) {
        await inChromium(site, 'repository/tests/bench/peers/page.html', async (page, name) => {
          browser = name;
          const job = { shape, weights, contexts: fitting, runs, threads };
          const rows = await page.evaluate((given) => /** @type {any} */ (globalThis).compare(given), job);
          results.push({ shape, weights, rows });
        });
      }
    }
  }
} finally {
  await rm(site, { recursive: true });
}

const number = (/** @type {number} */ x) => x.toLocaleString('en', { maximumSignificantDigits: 3 });
/** @param {Spread} spread */
const rate = ({ median, min, max }) => `${number(median)} (${number(min)} to ${number(max)})`;
/** @param {Row} our  @param {Row} their  @param {'prefill' | 'decode'} task */
const ratio = (our, their, task) => number(our[task].median / their[task].median);

const date = new Date().toISOString();
console.log(`${date.slice(0, 10)}; ${machine()}; ${browser}; ${PACKAGES.join(', ')}.\n`
  + `Tokens per second: median (least to greatest) of ${runs} runs in turns; ratios are ours over theirs.\n`);
const lines = results.flatMap(({ shape, weights, rows }) => rows.map((row) => {
  const our = /** @type {Row} */ (rows.find(({ context }) => context === row.context));
  return [
    shape, weights, row.engine, String(row.context),
    rate(row.prefill), ratio(our, row, 'prefill'), rate(row.decode), ratio(our, row, 'decode'),
  ];
}));
const head = ['Model', 'Weights', 'Engine', 'Context', 'Prefill', 'Ratio', 'Decode', 'Ratio'];
console.log(table(head, lines, 3));
if (options.json) {
  const all = { date, machine: machine(), browser, packages: PACKAGES, runs, results };
  await writeFile(options.json, `${JSON.stringify(all, null, 2)}\n`);
}
