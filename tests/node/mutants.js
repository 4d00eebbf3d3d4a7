// Plants each bug of bugs.txt in turn and shows the tests that find it, as tests/mutants.sh does for those in
// C. The same tests are green without a bug. From the root of the repository:
//
//   node tests/node/mutants.js [LOGS]      KVC_BUG=J1a: this one alone
//
// LOGS: the folder where ../rings.sh has left what a run of the files without a bug said; those that were
// green there do not run once more.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { Copy, readBugs } from './planted.js';

const SECONDS = 20; // besides five times what a file takes without a bug: one may hang it
const SECONDS_WITHOUT = 120;
const HUNG = 'crashed or hung';

/** @import { Bug } from '../../src/lab/plant.js' */

/**
 * @typedef {{ file: string, title?: string }} Found  by all tests of a file, or by one of them alone
 * @typedef {Found & { id: string, name: string, bug?: Bug }} Run
 * @typedef {{ red?: string, trouble?: string }} Outcome  the first red test; why none is red, and none green
 */

/** @param {string} line  FILE, or FILE: TITLE  @returns {Found} */
function foundOf(line) {
  const [, file, title] = /^(\S+?)(?:: (.*))?$/.exec(line) ?? [];
  return { file: file ?? line, title };
}

/**
 * @param {Run} run  @param {number} seconds  it may take  @param {Copy} copy  where the bug is planted
 * @returns {Promise<Outcome>}
 */
async function outcomeOf({ file, title, bug }, seconds, copy) {
  const takeOut = bug && copy.plant(bug);
  const only = title ? [`--test-name-pattern=^${title.replace(/[^\w ]/g, '.')}$`] : [];
  const args = ['--test-reporter=tap', ...only, `tests/node/${file}`];
  const child = spawn(process.execPath, args, { cwd: copy.folder });
  const end = () => child.kill('SIGKILL');
  const timer = setTimeout(end, 1000 * seconds);
  let [tap, errors] = ['', ''];
  const firstRed = () => /^ *not ok \d+ - (.*)\n/m.exec(tap)?.[1];
  child.stdout.on('data', (text) => {
    tap += text;
    if (firstRed()) end(); // one is enough
  });
  child.stderr.on('data', (text) => { errors += text; });
  const [status, signal] = await once(child, 'close');
  clearTimeout(timer);
  takeOut?.();
  const red = firstRed() ?? (signal ? HUNG : undefined);
  const green = status === 0 && /^# pass [1-9]/m.test(tap);
  return red || green ? { red } : { trouble: `NO TEST RAN\n${errors}` };
}

/**
 * The seconds that a file took which has been green without a bug; undefined if it has not run.
 * @param {string | undefined} logs  a folder  @param {string} file
 */
function secondsOf(logs, file) {
  const log = `${logs}/${file}`;
  if (!logs || !existsSync(`${log}.status`) || readFileSync(`${log}.status`, 'utf8').trim() !== '0') return;
  const [, ms] = /^# duration_ms (.*)$/m.exec(readFileSync(`${log}.tap`, 'utf8')) ?? [];
  return ms && Number(ms) / 1000;
}

const copies = Array.from({ length: availableParallelism() }, () => new Copy());
process.on('exit', () => { for (const copy of copies) copy.remove(); });

/**
 * As many at once as there are cores, each with a copy of its own.
 * @template T, R
 * @param {T[]} items  @param {(item: T, copy: Copy) => Promise<R>} work
 * @returns {Promise<R[]>}
 */
async function each(items, work) {
  /** @type {R[]} */
  const results = [];
  const waiting = items.entries(); // which all of the loops below share
  /** @param {Copy} copy */
  const loop = async (copy) => { for (const [i, item] of waiting) results[i] = await work(item, copy); };
  await Promise.all(copies.map(loop));
  return results;
}

/** @param {Run} run  @param {string} what */
function print({ id, name, file }, what) {
  console.log(`  ${id.padEnd(5)} ${name.padEnd(22)} ${file.replace('.test.js', '')}: ${what}`);
}

const bugs = readBugs().filter(({ id }) => id === (process.env.KVC_BUG ?? id))
  .map((bug) => ({ bug, ...bug, found: bug.found.map(foundOf) }));
const files = [...new Set(bugs.flatMap(({ found }) => found.map(({ file }) => file)))];
let [found, missed] = [0, 0];

const seconds = new Map(await each(files, async (file, copy) => {
  const known = secondsOf(process.argv[2], file);
  if (known !== undefined) return /** @type {const} */ ([file, SECONDS + 5 * known]);
  const start = performance.now();
  const run = { id: '', name: 'no bug', file };
  let { red, trouble } = await outcomeOf(run, SECONDS_WITHOUT, copy);
  // Node 20 can stop for ever in any process that compiles WebAssembly: nodejs/node#54918.
  if (red === HUNG) ({ red, trouble } = await outcomeOf(run, SECONDS_WITHOUT, copy));
  if (red || trouble) missed++, print(run, trouble ?? `RED WITHOUT A BUG: ${red}`);
  return /** @type {const} */ ([file, SECONDS + 5 * (performance.now() - start) / 1000]);
}));

const runs = bugs.flatMap(({ bug, id, name, found: tests }) => (
  tests.map((test) => ({ bug, id, name, ...test }))));
const outcomes = await each(runs, (run, copy) => outcomeOf(run, seconds.get(run.file) ?? SECONDS, copy));
for (const [i, { red, trouble = 'NOTHING FOUND IT' }] of outcomes.entries()) {
  print(runs[i], red ?? trouble);
  if (red) found++; else missed++;
}
console.log(`# found ${found}\n# missed ${missed}`);
process.exitCode = missed ? 1 : 0;
