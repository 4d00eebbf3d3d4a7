// A site for browsers: a copy of dist/ in a subdirectory, which a test may change.
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after } from 'node:test';
import { byteTokenizer } from '../node/helpers.js';
import { tinyFiles } from '../node/tiny-model.js';
import { serve } from '../serve.js';

/** Serves it at /some/where/ until the tests of this file are over. */
export async function serveSite() {
  const root = await mkdtemp(join(tmpdir(), 'kvc-site-'));
  const folder = join(root, 'some', 'where');
  await mkdir(folder, { recursive: true });
  await cp(resolve('dist'), folder, { recursive: true });
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
