// What a model costs while it loads: its weights as they are kept, and hardly more. Neither the file nor one
// of its tensors is ever held whole, and what is read goes into the same memory again and again.
import assert from 'node:assert/strict';
import { openAsBlob } from 'node:fs';
import { mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { loadModel } from 'kvcache-wasm';
import { randomModel } from '../bench/shapes.js';
import { serve } from '../serve.js';
import { FakeCaches, withCaches } from './fake-caches.js';
import { collectGarbage } from './helpers.js';

const MB = 2 ** 20;
// 77 MB in F16: the embedding is 20 of them, nine layers of 6 are the rest.
const SIZES = { n_layer: 9, n_embd: 512, n_head: 8, n_positions: 64, vocab_size: 20480 };
const C = SIZES.n_embd;
const MATRICES = SIZES.vocab_size * C + SIZES.n_layer * 12 * C * C; // weights
const VECTORS = (SIZES.n_positions + 2 + SIZES.n_layer * 13) * C;
const LARGEST = 2 * SIZES.vocab_size * C; // bytes, of a tensor in the file
const SCALED = 1 + 4 / 32; // bytes of an int8 weight: 32 of them share a scale
const PACKED = { f32: 4 * (MATRICES + VECTORS), int8: SCALED * MATRICES + 4 * VECTORS };
const INSTANCE = MB; // stack, buffers, tables
const ALLOWED = LARGEST + 32 * MB;

const folder = await mkdtemp(join(tmpdir(), 'kvc-load-'));
let server;
before(async () => {
  for (const [name, blob] of randomModel(SIZES)) {
    const file = await open(join(folder, name), 'w');
    for await (const chunk of blob.stream()) await file.writeFile(chunk);
    await file.close();
  }
  server = await serve(folder);
});
after(async () => {
  server.close();
  await rm(folder, { recursive: true });
});

/** A load, and by how much the memory outside of JavaScript's heap grew at most. */
async function measured(source, weights, keep = false) {
  for (let i = 0; i < 3; i++) { // what was there goes in the background
    collectGarbage();
    await new Promise((resolve) => { setTimeout(resolve, 20); });
  }
  const before = process.memoryUsage();
  let [most, arrays] = [0, 0];
  const look = () => {
    const { external, arrayBuffers } = process.memoryUsage();
    most = Math.max(most, external - before.external);
    arrays = Math.max(arrays, arrayBuffers - before.arrayBuffers);
  };
  const looking = setInterval(look, 1);
  try {
    const model = await loadModel(source, { tokenizer: false, weights, keep });
    look();
    const { totalBytes } = model.memoryUsage();
    model.dispose();
    return { wasm: totalBytes, most, arrays };
  } finally {
    clearInterval(looking);
  }
}

for (const weights of /** @type {const} */ (['f32', 'int8'])) {
  test(`${weights} from disk, from a Blob, over http: packed weights, and no file with them`, async (t) => {
    const names = ['config.json', 'model.safetensors'];
    const blobs = new Map();
    for (const name of names) blobs.set(name, await openAsBlob(join(folder, name)));
    const sources = { disk: folder, Blob: blobs, http: `http://127.0.0.1:${server.address().port}/` };
    for (const [name, source] of Object.entries(sources)) {
      const { wasm, most, arrays } = await measured(source, weights);
      const packed = PACKED[weights];
      const [over, peak, outside] = [wasm - packed, most - packed, arrays].map((bytes) => bytes / MB);
      const figures = [over.toFixed(2), peak.toFixed(1), outside.toFixed(1)];
      t.diagnostic(`${name}: MB beside the packed weights in wasm, in all, in arrays: ${figures}`);
      assert.ok(over >= 0 && over * MB <= INSTANCE, `${name}: ${over} MB in wasm beside the weights`);
      assert.ok(peak * MB <= ALLOWED, `${name}: ${peak} MB beside the weights`);
      if (name === 'disk') assert.ok(outside < 4, `${name}: ${outside} MB of arrays`);
    }
  });
}

/** Entries of a cache, which lie on the disk. */
class OnDisk extends Map {
  async set(url, bytes) {
    const path = join(folder, `entry-${this.size}`);
    super.set(url, path);
    await writeFile(path, bytes);
  }

  async get(url) {
    const path = super.get(url);
    return path && readFile(path);
  }
}

test('a load that keeps the file, and one that reads what is kept, hold no more', async (t) => {
  withCaches(t, new FakeCaches(new OnDisk()));
  const source = `http://127.0.0.1:${server.address().port}/`;
  for (const name of ['kept while it comes', 'read where it is kept']) {
    const { most } = await measured(source, 'int8', true);
    const peak = most - PACKED.int8;
    t.diagnostic(`${name}: ${(peak / MB).toFixed(1)} MB beside the packed weights`);
    assert.ok(peak <= ALLOWED, `${name}: ${peak / MB} MB beside the weights`);
    const parts = Math.ceil(2 * (MATRICES + VECTORS) / MB);
    assert.equal(caches.store.size, 1 + parts + 2); // with the record, and config.json with its own
  }
});
