// What a token costs behind a long text, with caches of every type: attention beside its bytes.
//
//   npm run lengths [-- --lengths LIST] [--rounds N] [--json FILE]
//
//   ms           one token with the cache on, behind so many; all types in turns, medians
//   to f32       tokens per second as a multiple of those with f32
//   attention    what it takes more than behind 64 tokens: as a multiple of the time that its bytes take to
//                be read from memory, one after the other, by the same build in the same round
import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { loadModel } from 'kvcache-wasm';
import { TYPE_NAMES } from '../../web/cache/types.js';
import { threadClock } from '../../web/engine/clock.js';
import { table } from '../../web/measure/figures.js';
import { Limits } from '../../web/measure/limits.js';
import { LONG, randomModel } from './shapes.js';

/** @import { Model } from '../../web/session/model.js' */

const SHORT = 64, TOKENS = 16;
const MEMORY = 256e6; // bytes: more than any cache of a processor holds
const text = /** @type {const} */ ({ type: 'string' });
const { values } = parseArgs({ options: { lengths: text, rounds: text, json: text } });
const lengths = values.lengths?.split(',').map(Number) ?? [1000, 8192];
const rounds = Number(values.rounds ?? 15);

/** @param {number[]} numbers */
const median = (numbers) => numbers.sort((a, b) => a - b)[numbers.length >> 1];

/** @param {Model} model  @param {number} length */
function begun(model, length) {
  const ids = Array.from({ length }, (_, i) => (31 * i) % model.config.vocabSize);
  return TYPE_NAMES.map((type) => {
    const session = model.createSession({ capacity: length + TOKENS, keyType: type, valueType: type });
    session.prefill(ids);
    return { type, session, length, ms: /** @type {number[]} */ ([]) };
  });
}

/** Milliseconds of a token; the text stays as long as it is. @param {ReturnType<typeof begun>[0]} one */
function tokenMs({ session, length }) {
  const clock = threadClock();
  const start = clock.edge();
  for (let i = 0; i < TOKENS; i++) session.decode(i);
  const ms = (clock.read() - start) / TOKENS;
  session.truncate(length);
  return ms;
}

const model = await loadModel(randomModel(LONG), { tokenizer: false });
const all = [];
for (const length of lengths) {
  const [short, long] = [begun(model, SHORT), begun(model, length)];
  const limits = await Limits.create({ variant: model.variant }, MEMORY);
  const reads = [];
  for (const one of [...short, ...long]) tokenMs(one); // warm
  for (let i = 0; i < rounds; i++) {
    reads.push(1e3 / limits.read(50));
    for (const one of [...short, ...long]) one.ms.push(tokenMs(one));
  }
  const perByte = median(reads);
  const [exact] = long.map(({ ms }) => median(ms));
  for (const [i, { type, session, ms }] of long.entries()) {
    const { bytesPerToken } = session.memoryUsage();
    const more = median(ms) - median(short[i].ms);
    all.push({
      variant: model.variant, length, type, ms: median(ms), toExact: exact / median(ms),
      attention: more / ((length - SHORT) * bytesPerToken * perByte), bytesPerToken,
    });
  }
  for (const { session } of [...short, ...long]) session.dispose();
  limits.dispose();
}
model.dispose();
console.log(table(['Tokens', 'Cache', 'Bytes a token', 'ms', 'To f32', 'Attention'], all.map((row) => [
  String(row.length), row.type, String(row.bytesPerToken), row.ms.toFixed(3), row.toExact.toFixed(2),
  row.attention.toFixed(2),
]), 2));
if (values.json) await writeFile(values.json, `${JSON.stringify(all, null, 1)}\n`);
