// Plants a bug of bugs.txt into the modules as they are loaded; the files stay as they are:
//
//   KVC_BUG=J1a node --import ./tests/node/overlay.js tests/node/beam-endings.test.js
//
// Without KVC_BUG every module is what it is. KVC_BUGS names another list.
import { readFileSync } from 'node:fs';
import { register } from 'node:module';
import { fileURLToPath } from 'node:url';
import { isMainThread } from 'node:worker_threads';
import { lineOf, parseBugs } from '../../src/lab/plant.js';

/** @import { Bug } from '../../src/lab/plant.js' */

const ROOT = new URL('../../', import.meta.url);
const LIST = process.env.KVC_BUGS ?? fileURLToPath(new URL('bugs.txt', import.meta.url));

/**
 * All bugs, each with what finds it. A right line that is not in its file exactly once is an error.
 * @returns {(Bug & { found: string[] })[]}
 */
export function readBugs() {
  return parseBugs(readFileSync(LIST, 'utf8')).map((bug) => {
    const { id, found } = bug;
    if (!found) throw new Error(`bugs.txt: bug ${id} lacks a found line`);
    sourcesWith(bug);
    return { ...bug, found };
  });
}

/** What the files that a bug is in would hold, by their addresses. @param {Bug} bug */
function sourcesWith({ id, edits }) {
  /** @type {Map<string, string[]>} */
  const files = new Map();
  for (const { file, right, wrong } of edits) {
    const { href } = new URL(file, ROOT);
    const lines = files.get(href) ?? readFileSync(new URL(href), 'utf8').split('\n');
    files.set(href, lines.with(lineOf(lines, right, `${id}: ${file}`), wrong));
  }
  return new Map([...files].map(([href, lines]) => [href, lines.join('\n')]));
}

// ---- the loader, in a thread of its own -----------------------------------------------------------

/** @type {Map<string, string>} */
let sources = new Map();

/** @param {Bug} bug */
export function initialize(bug) {
  sources = sourcesWith(bug);
}

/**
 * @param {string} url  @param {object} context
 * @param {(url: string, context: object) => Promise<object>} next
 */
export async function load(url, context, next) {
  const source = sources.get(url);
  return source === undefined ? next(url, context) : { format: 'module', source, shortCircuit: true };
}

const id = process.env.KVC_BUG;
if (isMainThread && id) {
  const bug = readBugs().find((one) => one.id === id);
  if (!bug) throw new Error(`bugs.txt has no bug ${id}`);
  register(import.meta.url, { data: bug });
}
