// Tokens per second of this engine, and how near that is to what the machine can do. See README.md.
//
//   npm run bench [-- OPTION...]
//     --quick | --full         seconds instead of minutes; or everything, however long it takes
//     --models LIST            of MICRO, TINY, GPT2, shipped            --contexts LIST   of tokens
//     --builds LIST            of relaxed, simd, scalar, native; best   --weights LIST    of f32, int8
//     --node newest | PATH     another Node besides this one            --chromium        there as well
//     --runs N                 repetitions after a warm-up              --json FILE       keeps every figure
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { runNative } from './native.js';
import { machine, overheadLine, refuseDifferences, report } from './report.js';
import { newestNode, nodeVersion, runChromium, runNode } from './runtimes.js';
import { SHAPES } from './shapes.js';

const PLANS = {
  quick: { models: ['TINY', 'shipped'], contexts: [64, 256], runs: 3, windowMs: 50, patienceMs: 500 },
  usual: { models: ['MICRO', 'TINY', 'GPT2', 'shipped'], contexts: [64, 256, 1000], runs: 5, windowMs: 100, patienceMs: 2500 },
  full: { models: ['MICRO', 'TINY', 'GPT2', 'shipped'], contexts: [64, 256, 1000], runs: 7, windowMs: 200, patienceMs: 3_600_000 },
};

const text = /** @type {const} */ ({ type: 'string' });
const flag = /** @type {const} */ ({ type: 'boolean', default: false });
const options = given({
  quick: flag, full: flag, chromium: flag, models: text, contexts: text, builds: text, weights: text, node: text, runs: text, json: text,
});
const plan = PLANS[options.quick ? 'quick' : options.full ? 'full' : 'usual'];
const list = (/** @type {string | undefined} */ given, /** @type {string[]} */ usual) => given?.split(',') ?? usual;
const builds = list(options.builds, ['best', 'native']);
const job = {
  ...plan,
  models: list(options.models, plan.models),
  contexts: options.contexts ? options.contexts.split(',').map(Number) : plan.contexts,
  runs: options.runs ? Number(options.runs) : plan.runs,
  weights: list(options.weights, ['f32', 'int8']),
  builds: builds.filter((build) => build !== 'native'),
};
refuse(job.models, [...Object.keys(SHAPES), 'shipped'], '--models');
refuse(builds, ['best', 'relaxed', 'simd', 'scalar', 'native'], '--builds');
refuse(job.weights, ['f32', 'int8'], '--weights');
if (![...job.contexts, job.runs].every((n) => Number.isInteger(n) && n > 0) || job.runs > 100) usage('--contexts and --runs take whole numbers, runs up to 100.');

/** @type {import('./report.js').Row[]} */
const rows = [];
/** @type {import('./report.js').Overhead[]} */
const overheads = [];

/** Keeps what comes from one runtime. @param {string} runtime  @returns {(result: import('./suite.js').Result) => void} */
const keep = (runtime) => ({ kind, ...result }) => {
  if (kind === 'note') console.error(`${runtime}: ${/** @type {any} */ (result).text}`);
  else if (kind === 'overhead') overheads.push({ runtime, .../** @type {any} */ (result) });
  else rows.push({ kind, runtime, .../** @type {any} */ (result) });
};

if (job.builds.length > 0) {
  const nodes = [process.execPath, ...(options.node ? [options.node === 'newest' ? await newestNode() : options.node] : [])];
  for (const program of nodes) {
    const version = await nodeVersion(program);
    const flags = job.builds.includes('relaxed') && parseInt(version.slice(1), 10) < 22;
    await runNode(program, job, keep(`Node ${version}${flags ? ' with flags' : ''}`));
  }
  if (options.chromium) await runChromium(job, keep);
}
if (builds.includes('native')) {
  if (existsSync(new URL('../../build/bench/native', import.meta.url))) await runNative(job, keep);
  else console.error('Native: not measured, because build/bench/native is not there; ./build.sh bench builds it where there is a gcc.');
}
refuseDifferences(rows);

const results = { date: new Date().toISOString().slice(0, 10), machine: machine(), node: process.version, job, overheads, rows };
console.log(`${results.date}; ${results.machine}; one thread.\nTokens per second: median (least to greatest) of ${job.runs} runs; every figure's logits `
  + `are equal bit for bit, with the cache and without, in every build.\n\n${report(rows)}`);
for (const overhead of overheads) console.log(overheadLine(overhead));
if (options.json) await writeFile(options.json, `${JSON.stringify(results, null, 2)}\n`);

/** The command line's options. @template {import('node:util').ParseArgsOptionsConfig} T  @param {T} known */
function given(known) {
  try {
    return parseArgs({ options: known }).values;
  } catch (error) {
    return usage(`${/** @type {Error} */ (error).message}.`);
  }
}

/** @param {string[]} given  @param {string[]} known  @param {string} option */
function refuse(given, known, option) {
  for (const word of given) if (!known.includes(word)) usage(`${option} does not know "${word}"; there are ${known.join(', ')}.`);
}

/** @param {string} sentence  @returns {never} */
function usage(sentence) {
  console.error(`${sentence} The head of tests/bench/bench.js lists the options.`);
  process.exit(2);
}
