// The native side of the benchmark: writes the job that native.h describes and reads the lines of native.c.
import { execFile, spawn } from 'node:child_process';
import { mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { parseConfig } from '../../web/config/config.js';
import { LAYOUTS } from '../../web/engine/abi.js';
import { DECODED, benchmarkIds, spread } from '../../web/measure/benchmark.js';
import { structOf } from '../../web/session/weights.js';
import { linesOf } from './lines.js';
import { LLAMAS, SHAPES, randomModel } from './shapes.js';

/**
 * @import { Config } from '../../web/config/config.js'
 * @import { Job, Tell } from './suite.js'
 * @import { LlamaSizes, Sizes } from './shapes.js'
 * @import { Weights } from '../../web/session/weights.js'
 */

const PROGRAM = fileURLToPath(new URL('../../build/bench/native', import.meta.url));
const SHIPPED = fileURLToPath(new URL('../../web/models/stories/', import.meta.url));

/** @param {Job} job  @param {(runtime: string) => Tell} keep */
export async function runNative(job, keep) {
  const { stdout: version } = await promisify(execFile)('gcc', ['-dumpfullversion']);
  const tell = keep(`gcc ${version.trim()} -O3 -march=native`);
  const folder = await mkdtemp(join(tmpdir(), 'kvc-bench-'));
  try {
    for (const name of job.models) {
      const directory = name === 'shipped' ? SHIPPED : await writeModel(folder, SHAPES[name] ?? LLAMAS[name]);
      for (const weights of job.weights) await measureModel({ name, directory, weights }, job, tell);
    }
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** @param {string} folder  @param {Sizes | LlamaSizes} sizes */
async function writeModel(folder, sizes) {
  for (const [name, blob] of randomModel(sizes)) await writeFile(join(folder, name), blob.stream());
  return folder;
}

/**
 * @param {{ name: string, directory: string, weights: string }} what
 * @param {Job} job  @param {Tell} tell
 */
async function measureModel({ name, directory, weights }, job, tell) {
  const config = parseConfig(JSON.parse(await readFile(join(directory, 'config.json'), 'utf8')));
  const contexts = job.contexts.filter((n) => n + DECODED <= config.nPositions);
  if (contexts.length === 0) return;
  const file = join(directory, 'model.safetensors');
  const child = spawn(PROGRAM, [file], { stdio: ['pipe', 'pipe', 'inherit'] });
  child.stdin.on('error', () => {}); // it ended early: its exit status says so
  child.stdin.end(await jobText(config, file, contexts, weights, job));
  tell({ kind: 'note', text: `${name}, ${weights}, native` });
  for await (const line of linesOf(child)) {
    const { decode, prefill, uncached, read, peak, ...rest } = JSON.parse(line);
    tell({
      kind: 'row', model: name, build: 'native', weights, ...rest,
      decode: spread(decode), read: spread(read), peak: spread(peak),
      ...(prefill.length > 0 && { prefill: spread(prefill), uncached: spread(uncached) }),
    });
  }
}

/**
 * @param {Readonly<Config>} c  @param {string} file  @param {number[]} contexts
 * @param {string} weights  @param {Job} job
 */
async function jobText(c, file, contexts, weights, { runs, windowMs, patienceMs }) {
  const { header, start } = await readHeader(file);
  const tensors = Object.entries(header).filter(([name]) => name !== '__metadata__');
  const places = tensors.map(([name, { dtype, shape, data_offsets: [begin, end] }]) => (
    [name, dtype, start + begin, end - begin, shape.length, ...shape].join(' ')));
  const words = wordsOf(structOf(c, /** @type {Weights} */ (weights)));
  const ids = benchmarkIds(Math.max(...contexts) + DECODED, c.vocabSize);
  return [
    words.length, words.join(' '),
    [runs, windowMs, patienceMs, DECODED].join(' '),
    places.length, ...places, contexts.length, contexts.join(' '), ids.length, ids.join(' '), '',
  ].join('\n');
}

/** A kvc_config, word by word. @param {Record<string, number>} struct */
function wordsOf(struct) {
  const { bytes, fields } = LAYOUTS.kvc_config;
  const view = new DataView(new ArrayBuffer(bytes));
  for (const { name, type, offset } of fields) {
    if (type === 'f32') view.setFloat32(offset, struct[name], true);
    else view.setUint32(offset, struct[name], true);
  }
  return Array.from({ length: bytes / 4 }, (_, i) => view.getUint32(4 * i, true));
}

/** The header of a safetensors file of our own, and where its data begin. @param {string} path */
async function readHeader(path) {
  const file = await open(path);
  try {
    const prefix = await file.read(new DataView(new ArrayBuffer(8)), 0, 8, 0);
    const length = Number(prefix.buffer.getBigUint64(0, true));
    const { buffer } = await file.read(new Uint8Array(length), 0, length, 8);
    return { header: JSON.parse(new TextDecoder().decode(buffer)), start: 8 + length };
  } finally {
    await file.close();
  }
}
