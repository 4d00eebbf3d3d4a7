// Tokens per second of this engine, and how near that comes to what the machine can do. See README.md.
//
//   npm run bench [-- OPTION...]
//     --quick | --full         seconds instead of minutes; or everything, however long it takes
//     --models LIST            of MICRO, TINY, GPT2, shipped, SMOL, STORY  --contexts LIST   of tokens
//     --builds LIST            of relaxed, simd, scalar, native; best   --weights LIST    of f32, int8
//     --node newest | PATH     another Node besides this one            --chromium        there as well
//     --runs N                 repetitions after a warm-up              --json FILE       keeps every figure
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { runNative } from './native.js';
import { machine, overheadLine, refuseDifferences, report } from './report.js';
import { newestNode, nodeVersion, runChromium, runNode } from './runtimes.js';
import { LLAMAS, SHAPES } from './shapes.js';

/**
 * @import { Overhead as ReportOverhead, Row as ReportRow } from './report.js'
 * @import { Result } from './suite.js'
 * @import { ParseArgsConfig } from 'node:util'
 */

const ALL = { models: ['MICRO', 'TINY', 'GPT2', 'shipped'], contexts: [64, 256, 1000] };
const PLANS = {
  quick: { models: ['TINY', 'shipped'], contexts: [64, 256], runs: 3, windowMs: 50, patienceMs: 500 },
  usual: { ...ALL, runs: 5, windowMs: 100, patienceMs: 2500 },
  full: { ...ALL, runs: 7, windowMs: 200, patienceMs: 3_600_000 },
};

const text = /** @type {const} */ ({ type: 'string' });
const flag = /** @type {const} */ ({ type: 'boolean', default: false });
const options = given({
  quick: flag, full: flag, chromium: flag, models: text, contexts: text, builds: text, weights: text,
  node: text, runs: text, json: text,
});
const plan = PLANS[options.quick ? 'quick' : options.full ? 'full' : 'usual'];
/** @param {string | undefined} given  @param {string[]} usual */
const list = (given, usual) => given?.split(',') ?? usual;
const builds = list(options.builds, ['best', 'native']);
const job = {
  ...plan,
  models: list(options.models, plan.models),
  contexts: options.contexts ? options.contexts.split(',').map(Number) : plan.contexts,
  runs: options.runs ? Number(options.runs) : plan.runs,
  weights: list(options.weights, ['f32', 'int8']),
  builds: builds.filter((build) => build !== 'native'),
};
refuse(job.models, [...Object.keys(SHAPES), ...Object.keys(LLAMAS), 'shipped'], '--models');
refuse(builds, ['best', 'relaxed', 'simd', 'scalar', 'native'], '--builds');
refuse(job.weights, ['f32', 'int8'], '--weights');
if (![...job.contexts, job.runs].every((n) => Number.isInteger(n) && n > 0) || job.runs > 100) {
  usage('--contexts and --runs take whole numbers, runs up to 100.');
}

/** @type {ReportRow[]} */
const rows = [];
/** @type {ReportOverhead[]} */
const overheads = [];

/** Keeps the results of one runtime. @param {string} runtime  @returns {(result: Result) => void} */
const keep = (runtime) => (result) => {
  if (result.kind === 'note') console.error(`${runtime}: ${result.text}`);
  else if (result.kind === 'overhead') overheads.push({ ...result, runtime });
  else rows.push({ ...result, runtime });
};

if (job.builds.length > 0) {
  const nodes = [process.execPath];
  if (options.node) nodes.push(options.node === 'newest' ? await newestNode() : options.node);
  for (const program of nodes) {
    const version = await nodeVersion(program);
    const flags = job.builds.includes('relaxed') && parseInt(version.slice(1), 10) < 22;
    await runNode(program, job, keep(`Node ${version}${flags ? ' with flags' : ''}`));
  }
  if (options.chromium) await runChromium(job, keep);
}
if (builds.includes('native')) {
  if (existsSync(new URL('../../build/bench/native', import.meta.url))) await runNative(job, keep);
  else console.error('Native: not measured; ./build.sh bench builds its program where there is a gcc.');
}
refuseDifferences(rows);

const date = new Date().toISOString().slice(0, 10);
const results = { date, machine: machine(), node: process.version, job, overheads, rows };
console.log(`${date}; ${results.machine}; one thread.\n`
  + `Tokens per second: median (least to greatest) of ${job.runs} runs; the logits are equal bit for bit in `
  + `every build and, wherever both were measured, with the cache and without.\n\n${report(rows)}`);
for (const overhead of overheads) console.log(overheadLine(overhead));
if (options.json) await writeFile(options.json, `${JSON.stringify(results, null, 2)}\n`);

/** The command line's options. @template {NonNullable<ParseArgsConfig['options']>} T  @param {T} known */
function given(known) {
  try {
    return parseArgs({ options: known }).values;
  } catch (error) {
    return usage(`${/** @type {Error} */ (error).message}.`);
  }
}

/** @param {string[]} given  @param {string[]} known  @param {string} option */
function refuse(given, known, option) {
  for (const word of given) {
    if (!known.includes(word)) usage(`${option} does not know "${word}"; it knows ${known.join(', ')}.`);
  }
}

/** @param {string} sentence  @returns {never} */
function usage(sentence) {
  console.error(`${sentence} The head of tests/bench/bench.js lists the options.`);
  process.exit(2);
}
