// Pages with one of the figure's builds, on a site and on a reader's disk; each writes the same short story.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { pathToFileURL } from 'node:url';
import { SEED, written } from './expected.js';

export const TOKENS = 8;
export const story = written.first(TOKENS);
export const SHORT = `n=${TOKENS}&cache=on&seed=${SEED}`;
export const TAG = `<kv-cache-demo loading="eager" max-tokens="${TOKENS}" cache="on" seed="${SEED}">
  </kv-cache-demo>`;

let pages = 0;

/** A page in a folder. @returns its name */
export async function page(folder, body) {
  const name = `page-${++pages}.html`;
  await writeFile(join(folder, name),
    `<!doctype html><html lang="en"><meta charset="utf-8"><link rel="icon" href="data:,">${body}</html>`);
  return name;
}

/** A folder with single files, as on a reader's disk, until the tests are over. */
export async function disk() {
  const folder = await mkdtemp(join(tmpdir(), 'kvc-alone-'));
  after(() => rm(folder, { recursive: true }));
  /** A copy of single files of dist/. */
  const take = (...files) => Promise.all(files.map(async (file) => (
    writeFile(join(folder, file), await readFile(join('dist', file))))));
  await take('kv-cache-demo.html', 'kv-cache-demo.inline.js');
  return { folder, take, url: (name) => pathToFileURL(join(folder, name)).href };
}
