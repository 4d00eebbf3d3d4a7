// The bugs of bugs.txt, and copies of the sources with one of them.
import { linkSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync }
  from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { lineOf, parseBugs } from '../../src/lab/plant.js';

/** @import { Bug } from '../../src/lab/plant.js' */

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const LIST = process.env.KVC_BUGS ?? fileURLToPath(new URL('bugs.txt', import.meta.url));
const COPIED = ['tests', 'web']; // what is imported by its address, by tests and by what they test

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

/** What the files that a bug is in would hold, by their paths. @param {Bug} bug */
function sourcesWith({ id, edits }) {
  /** @type {Map<string, string[]>} */
  const files = new Map();
  for (const { file, right, wrong } of edits) {
    const lines = files.get(file) ?? readFileSync(join(ROOT, file), 'utf8').split('\n');
    files.set(file, lines.with(lineOf(lines, right, `${id}: ${file}`), wrong));
  }
  return new Map([...files].map(([file, lines]) => [file, lines.join('\n')]));
}

/** A second name for each file of a folder. @param {string} from  @param {string} to */
function linkAll(from, to) {
  mkdirSync(to);
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (entry.isDirectory()) linkAll(source, target); else linkSync(source, target);
  }
}

/** The checkout once more, in next to no time and room, to plant bugs in: what changes is a new file. */
export class Copy {
  #folder;

  constructor() {
    mkdirSync(join(ROOT, 'build'), { recursive: true });
    this.#folder = mkdtempSync(join(ROOT, 'build', 'planted-'));
    for (const name of readdirSync(ROOT)) {
      if (COPIED.includes(name)) linkAll(join(ROOT, name), join(this.#folder, name));
      else symlinkSync(join(ROOT, name), join(this.#folder, name));
    }
  }

  get folder() {
    return this.#folder;
  }

  /** @param {Bug} bug  @returns {() => void}  takes it out again */
  plant(bug) {
    const sources = sourcesWith(bug);
    for (const [file, source] of sources) {
      rmSync(join(this.#folder, file));
      writeFileSync(join(this.#folder, file), source);
    }
    return () => {
      for (const file of sources.keys()) {
        rmSync(join(this.#folder, file));
        linkSync(join(ROOT, file), join(this.#folder, file));
      }
    };
  }

  remove() {
    rmSync(this.#folder, { recursive: true });
  }
}
