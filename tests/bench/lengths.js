// What a token costs behind a long text, with caches of every type: attention beside its bytes.
//
//   npm run lengths [-- --lengths LIST] [--types LIST] [--rounds N] [--json FILE]
//
//   ms           one token with the cache on, behind so many; all types in turns, medians
//   to f32       tokens per second as a multiple of those with the first type, f32 unless told otherwise
//   attention    what it takes more than behind 64 tokens: as a multiple of what a token behind 64 takes
//                more when the same build reads as many bytes after it, one after the other, and that is
//                all: what these bytes push out of the processor's caches is on both sides. "-": too little
//   to memory    the same time as a multiple of that in which its bytes are read from memory, with nothing
//                in a cache; what they push out is on one side only
//
// In processor time: what else runs on the machine costs little more than bandwidth then.
import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { loadModel } from 'kvcache-wasm';
import { TYPE_NAMES } from '../../web/cache/types.js';
import { PROBE } from '../../web/engine/abi.js';
import { Engine } from '../../web/engine/engine.js';
import { table } from '../../web/measure/figures.js';
import { LONG, randomModel } from './shapes.js';

/** @import { Model } from '../../web/session/model.js' */

const SHORT = 64, TOKENS = 16;
const MEMORY = 2 ** 28; // bytes: more than any cache of a processor holds
const text = /** @type {const} */ ({ type: 'string' });
const { values } = parseArgs({ options: { lengths: text, types: text, rounds: text, json: text } });
const lengths = values.lengths?.split(',').map(Number) ?? [1000, 8192];
const asked = values.types?.split(',');
const types = TYPE_NAMES.filter((name) => asked?.includes(name) ?? true);
const rounds = Number(values.rounds ?? 15);

/** @param {number[]} numbers */
const median = (numbers) => numbers.sort((a, b) => a - b)[numbers.length >> 1];

/** @param {Model} model  @param {number} length */
function begun(model, length) {
  const ids = Array.from({ length }, (_, i) => (31 * i) % model.config.vocabSize);
  return types.map((type) => {
    const session = model.createSession({ capacity: length + TOKENS, keyType: type, valueType: type });
    session.prefill(ids);
    return { type, session, length, ms: /** @type {number[]} */ ([]) };
  });
}

/** Milliseconds of processor time. @param {() => void} work */
function spent(work) {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e3;
}

/**
 * Milliseconds of a token, and of what is done after it; the text stays as long as it is.
 * @param {ReturnType<typeof begun>[0]} one  @param {() => void} [after]
 */
function tokenMs({ session, length }, after = () => {}) {
  const ms = spent(() => {
    for (let i = 0; i < TOKENS; i++) {
      session.decode(i);
      after();
    }
  });
  session.truncate(length);
  return ms / TOKENS;
}

const model = await loadModel(randomModel(LONG), { tokenizer: false });
const engine = await Engine.create({ variant: model.variant });
const memory = engine.allocate(MEMORY, 'There is no room for what is read beside the caches.');
engine.memory.bytes(memory, MEMORY).fill(1); // untouched pages would all be one page of zeros
/** @param {number} bytes */
function read(bytes) {
  engine.call('kvc_probe_read', memory, Math.ceil(bytes / PROBE.BLOCK) * PROBE.BLOCK, 1);
}

const all = [];
for (const length of lengths) {
  const long = begun(model, length);
  const short = begun(model, SHORT).map((one, i) => {
    const bytes = (length - SHORT) * long[i].session.memoryUsage().bytesPerToken;
    return { ...one, bytes, reading: /** @type {number[]} */ ([]) };
  });
  const reads = [];
  for (let i = -1; i < rounds; i++) {
    const perByte = spent(() => read(MEMORY)) / MEMORY;
    const timed = [...long, ...short].map((one) => ({ list: one.ms, ms: tokenMs(one) }));
    timed.push(...short.map((one) => ({ list: one.reading, ms: tokenMs(one, () => read(one.bytes)) })));
    if (i < 0) continue; // that was to warm up
    reads.push(perByte);
    for (const { list, ms } of timed) list.push(ms);
  }
  const perByte = median(reads);
  const [exact] = long.map(({ ms }) => median(ms));
  for (const [i, { type, session, ms }] of long.entries()) {
    const { bytesPerToken } = session.memoryUsage();
    const alone = median(short[i].ms);
    const [more, moreToRead] = [median(ms) - alone, median(short[i].reading) - alone];
    all.push({
      variant: model.variant, length, type, bytesPerToken, ms: median(ms), toExact: exact / median(ms),
      attention: moreToRead > alone / 10 ? more / moreToRead : undefined,
      toMemory: more / (short[i].bytes * perByte),
    });
  }
  for (const { session } of [...short, ...long]) session.dispose();
}
engine.dispose();
model.dispose();
const columns = ['Tokens', 'Cache', 'Bytes a token', 'ms', 'To f32', 'Attention', 'To memory'];
console.log(table(columns, all.map((row) => [
  String(row.length), row.type, String(row.bytesPerToken), row.ms.toFixed(3), row.toExact.toFixed(2),
  row.attention?.toFixed(2) ?? '-', row.toMemory.toFixed(2),
]), 2));
if (values.json) await writeFile(values.json, `${JSON.stringify(all, null, 1)}\n`);
