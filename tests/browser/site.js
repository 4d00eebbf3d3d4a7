// A site for browsers: dist/ in a subdirectory, to which a test may add files, or take some away.
import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after } from 'node:test';
import { byteTokenizer } from '../node/helpers.js';
import { tinyFiles } from '../node/tiny-model.js';
import { serve } from '../serve.js';

/** Links to all files of a folder, in folders of their own: a copy would take longer than many a test. */
async function link(from, to) {
  await mkdir(to, { recursive: true });
  for (const entry of await readdir(from, { withFileTypes: true })) {
    const [source, target] = [from, to].map((folder) => join(folder, entry.name));
    await (entry.isDirectory() ? link(source, target) : symlink(source, target));
  }
}

/** Serves it at /some/where/ until the tests of this file are over. */
export async function serveSite() {
  const root = await mkdtemp(join(tmpdir(), 'kvc-site-'));
  const folder = join(root, 'some', 'where');
  await link(resolve('dist'), folder);
  const server = await serve(root);
  after(async () => {
    server.close();
    server.closeAllConnections();
    await rm(root, { recursive: true });
  });
  return { server, folder, url: `http://127.0.0.1:${server.address().port}/some/where/` };
}

/** A small random model in the site, to be broken: 64 positions, each byte a token. */
export async function addModel(site, name, tokenizer = {}) {
  const target = join(site.folder, name);
  const files = {
    ...tinyFiles({ changes: { n_positions: 64, vocab_size: 320 } }),
    'tokenizer.json': JSON.stringify(byteTokenizer(tokenizer)),
  };
  await mkdir(target);
  const write = (file, content) => writeFile(join(target, file), content);
  for (const [file, content] of Object.entries(files)) await write(file, content);
  const remove = (file) => rm(join(target, file));
  const restore = (file) => write(file, files[file]);
  return { query: `?model=${name}/`, files, write, remove, restore };
}
