// Plants each bug of bugs.txt in turn and shows the tests that find it, as tests/mutants.sh does for those in
// C. The same tests are green without a bug. From the root of the repository:
//
//   node tests/node/mutants.js
import { spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { readBugs } from './overlay.js';

const SECONDS = 20; // besides five times what a file takes without a bug: one may hang it
const SECONDS_WITHOUT = 120;
const HUNG = 'crashed or hung';

/**
 * @typedef {{ id: string, name: string, file: string }} Run  of one file, with a bug or with none: ''
 * @typedef {{ red?: string, trouble?: string }} Outcome  the first red test; why none is red, and none green
 */

/** @param {Run} run  @param {number} seconds  it may take  @returns {Promise<Outcome>} */
function outcomeOf({ id, file }, seconds) {
  const args = ['--import', './tests/node/overlay.js', '--test-reporter=tap', `tests/node/${file}`];
  const child = spawn(process.execPath, args, { env: { ...process.env, KVC_BUG: id } });
  const timer = setTimeout(() => child.kill('SIGKILL'), 1000 * seconds);
  let [tap, errors] = ['', ''];
  child.stdout.on('data', (text) => { tap += text; });
  child.stderr.on('data', (text) => { errors += text; });
  return new Promise((resolve) => child.on('close', (status, signal) => {
    clearTimeout(timer);
    const red = /^ *not ok \d+ - (.*)$/m.exec(tap)?.[1] ?? (signal ? HUNG : undefined);
    const green = status === 0 && /^# pass [1-9]/m.test(tap);
    resolve(red || green ? { red } : { trouble: `NO TEST RAN\n${errors}` });
  }));
}

/**
 * As many at once as there are cores.
 * @template T, R
 * @param {T[]} items  @param {(item: T) => Promise<R>} work
 * @returns {Promise<R[]>}
 */
async function each(items, work) {
  /** @type {R[]} */
  const results = [];
  const waiting = items.entries(); // which all of the loops below share
  const loop = async () => { for (const [i, item] of waiting) results[i] = await work(item); };
  await Promise.all(Array.from({ length: availableParallelism() }, loop));
  return results;
}

/** @param {Run} run  @param {string} what */
function print({ id, name, file }, what) {
  console.log(`  ${id.padEnd(5)} ${name.padEnd(22)} ${file.replace('.test.js', '')}: ${what}`);
}

const bugs = readBugs();
const files = [...new Set(bugs.flatMap(({ found }) => found))];
let [found, missed] = [0, 0];

const seconds = new Map(await each(files, async (file) => {
  const start = performance.now();
  const run = { id: '', name: 'no bug', file };
  let { red, trouble } = await outcomeOf(run, SECONDS_WITHOUT);
  // Node 20 can stop for ever in any process that compiles WebAssembly: nodejs/node#54918.
  if (red === HUNG) ({ red, trouble } = await outcomeOf(run, SECONDS_WITHOUT));
  if (red || trouble) missed++, print(run, trouble ?? `RED WITHOUT A BUG: ${red}`);
  return /** @type {const} */ ([file, SECONDS + 5 * (performance.now() - start) / 1000]);
}));

const runs = bugs.flatMap(({ id, name, found: tests }) => tests.map((file) => ({ id, name, file })));
const outcomes = await each(runs, (run) => outcomeOf(run, seconds.get(run.file) ?? SECONDS));
for (const [i, { red, trouble = 'NOTHING FOUND IT' }] of outcomes.entries()) {
  print(runs[i], red ?? trouble);
  if (red) found++; else missed++;
}
console.log(`# found ${found}\n# missed ${missed}`);
process.exitCode = missed ? 1 : 0;
