// What loading costs beside reading: node tests/bench/loading.js [ROUNDS]. A model of SmolLM2-135M's shape,
// in F16, comes from a server in a process of its own; each way takes its turn in every round.
import { fork } from 'node:child_process';
import { open, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadModel } from '../../web/index.js';
import { serve } from '../serve.js';
import { LLAMAS, randomModel } from './shapes.js';

const PIECE = 2 ** 18; // bytes of one read, as loadModel() asks for

if (process.argv[2] === 'serve') {
  const server = await serve(process.argv[3]);
  process.send?.(/** @type {import('node:net').AddressInfo} */ (server.address()).port);
} else {
  await main(Number(process.argv[2] ?? 7));
}

/** @param {number} rounds */
async function main(rounds) {
  const folder = await mkdtemp(join(tmpdir(), 'kvc-loading-'));
  for (const [name, blob] of randomModel(LLAMAS.SMOL)) await write(join(folder, name), blob);
  const server = fork(fileURLToPath(import.meta.url), ['serve', folder]);
  try {
    const port = await new Promise((resolve) => { server.once('message', resolve); });
    report(await measured(waysOf(folder, `http://127.0.0.1:${port}/`), rounds));
  } finally {
    server.kill();
    await rm(folder, { recursive: true });
  }
}

/** @param {string} path  @param {Blob} blob */
async function write(path, blob) {
  const file = await open(path, 'w');
  for await (const chunk of blob.stream()) await file.writeFile(chunk);
  await file.close();
}

/** @param {string} folder  @param {string} url  @returns {Record<string, () => Promise<void>>} */
function waysOf(folder, url) {
  const load = async (/** @type {string} */ source, /** @type {'f32' | 'int8'} */ weights) => {
    (await loadModel(source, { weights, tokenizer: false })).dispose();
  };
  return {
    'read and let go': () => read(`${url}model.safetensors`),
    'read with arrayBuffer()': async () => { await (await fetch(`${url}model.safetensors`)).arrayBuffer(); },
    'load as int8': () => load(url, 'int8'),
    'load as f32': () => load(url, 'f32'),
    'load as int8 from a disk': () => load(folder, 'int8'),
  };
}

/** In one piece of memory over and over again. @param {string} url */
async function read(url) {
  const { body } = await fetch(url);
  const reader = /** @type {ReadableStream} */ (body).getReader({ mode: 'byob' });
  for (let memory = new ArrayBuffer(PIECE); ;) {
    const { done, value } = await reader.read(new Uint8Array(memory));
    if (done) return;
    memory = value.buffer;
  }
}

/**
 * Milliseconds of each way, of the clock and of the processor.
 * @param {Record<string, () => Promise<void>>} ways  @param {number} rounds
 */
async function measured(ways, rounds) {
  for (const way of Object.values(ways)) await way();
  /** @type {{ name: string, ms: number[], cpu: number[] }[]} */
  const rows = Object.keys(ways).map((name) => ({ name, ms: [], cpu: [] }));
  for (let round = 0; round < rounds; round++) {
    for (const { name, ms, cpu } of rows) {
      const [start, before] = [performance.now(), process.cpuUsage()];
      await ways[name]();
      const { user, system } = process.cpuUsage(before);
      ms.push(performance.now() - start);
      cpu.push((user + system) / 1000);
    }
  }
  return rows;
}

/** @param {Awaited<ReturnType<typeof measured>>} rows */
function report(rows) {
  const best = (/** @type {number[]} */ list) => Math.round(Math.min(...list));
  const median = (/** @type {number[]} */ list) => (
    Math.round(list.toSorted((a, b) => a - b)[list.length >> 1]));
  console.log('| | Best, ms | Median, ms | Best of the processor, ms |\n| --- | ---: | ---: | ---: |');
  for (const { name, ms, cpu } of rows) {
    console.log(`| ${name} | ${best(ms)} | ${median(ms)} | ${best(cpu)} |`);
  }
}
