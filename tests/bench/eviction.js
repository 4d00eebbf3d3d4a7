// What a cache that slides costs in quality, by which page goes: the second storyteller reads texts that it
// has not seen, with room for all of each and with less, and the logits after every token are compared from
// where the smallest cache has begun to slide.
//
//   npm run eviction -- TEXT [--model DIR] [--budgets 128,256,512] [--documents N] [--tokens N] [--json FILE]
//
//   KL            of the next token's distribution from that with the whole cache, in nats
//   same top-1    share of tokens after which the likeliest next token is the same
//   bits/byte     of the text; TEXT holds documents separated by lines of <|endoftext|>
import { readFile, writeFile } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { loadModel } from 'kvcache-wasm';
import { table } from '../../web/measure/figures.js';
import { difference } from '../../web/measure/narrow.js';
import { documentsOf } from './eval.js';

/**
 * @import { Model } from '../../web/session/model.js'
 * @import { Policy } from '../../web/cache/options.js'
 *
 * @typedef {{ evict: Policy, share?: number }} Way  share: of the room beside the sinks that the last tokens
 *                                                   keep
 */

/** @type {readonly Way[]} */
export const WAYS = [
  { evict: 'oldest' },
  { evict: 'attention', share: 3 / 4 }, { evict: 'attention', share: 1 / 2 },
  { evict: 'keynorm', share: 3 / 4 }, { evict: 'keynorm', share: 1 / 2 },
];
const SINKS = 16;

/** ln p of an id. @param {Float32Array} logits  @param {number} id */
function logProbOf(logits, id) {
  let max = -Infinity;
  for (const x of logits) max = Math.max(max, x);
  let sum = 0;
  for (const x of logits) sum += Math.exp(x - max);
  return logits[id] - max - Math.log(sum);
}

/**
 * @param {Model} model
 * @param {readonly number[][]} texts   ids, one more than the tokens that are read
 * @param {readonly number[]} budgets   tokens that a cache has room for
 * @param {readonly Way[]} [ways]
 */
export function compareEviction(model, texts, budgets, ways = WAYS) {
  const whole = { name: 'whole', session: model.createSession(), kl: 0, same: 0, nats: 0 };
  const rows = budgets.flatMap((capacity) => ways.map(({ evict, share }) => {
    const recent = share && Math.floor(share * (capacity - SINKS));
    const session = model.createSession({ capacity, whenFull: 'slide', sinks: SINKS, evict, recent });
    return { capacity, evict, recent: recent ?? null, session, kl: 0, same: 0, nats: 0 };
  }));
  const first = Math.min(...budgets);
  let tokens = 0;
  for (const ids of texts) {
    for (const { session } of [whole, ...rows]) session.reset();
    for (let t = 0; t + 1 < ids.length; t++) {
      const exact = whole.session.decode(ids[t]);
      if (t >= first) tokens++;
      for (const row of rows) {
        const logits = row.session.decode(ids[t]);
        if (t < first) continue;
        const { kl, same } = difference(exact, logits);
        row.kl += kl;
        row.same += Number(same);
        row.nats -= logProbOf(logits, ids[t + 1]);
      }
      if (t >= first) whole.nats -= logProbOf(exact, ids[t + 1]);
    }
  }
  for (const { session } of [whole, ...rows]) session.dispose();
  return {
    tokens, nats: whole.nats / tokens,
    rows: rows.map(({ capacity, evict, recent, kl, same, nats }) => (
      { capacity, evict, recent, kl: kl / tokens, same: same / tokens, nats: nats / tokens })),
  };
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const { values, positionals: [path] } = parseArgs({
    allowPositionals: true,
    options: {
      model: { type: 'string', default: new URL('../../web/models/tales/', import.meta.url).href },
      budgets: { type: 'string', default: '128,256,512' },
      documents: { type: 'string', default: '8' },
      tokens: { type: 'string', default: '1023' },
      json: { type: 'string' },
    },
  });
  const model = await loadModel(values.model);
  const tokens = Number(values.tokens);
  const texts = documentsOf(await readFile(path, 'utf8'))
    .map((text) => [Number(model.config.bosTokenId), ...model.encode(text)])
    .filter((ids) => ids.length > tokens).slice(0, Number(values.documents))
    .map((ids) => ids.slice(0, tokens + 1));
  const budgets = values.budgets.split(',').map(Number);
  const { rows, ...all } = compareEviction(model, texts, budgets);
  // Of the same tokens with either cache: bits per token, over bytes per token.
  const first = Math.min(...budgets);
  const bytes = texts.reduce((sum, ids) => (
    sum + Buffer.byteLength(model.decode(ids.slice(first + 1)))), 0);
  const bits = (/** @type {number} */ nats) => (nats / Math.LN2 * all.tokens / bytes).toFixed(4);
  console.log(`${texts.length} texts of ${tokens} tokens, compared from token ${first} on: ${all.tokens} `
    + `tokens; with room for all of them ${bits(all.nats)} bits per byte; ${SINKS} sinks\n`);
  const head = ['Room', 'Goes first', 'Recent ones kept', 'KL', 'Same top-1', 'Bits per byte'];
  console.log(table(head, rows.map((row) => [
    String(row.capacity), row.evict, row.recent === null ? '-' : String(row.recent), row.kl.toFixed(4),
    `${(100 * row.same).toFixed(1)} %`, bits(row.nats),
  ]), 1));
  if (values.json) await writeFile(values.json, `${JSON.stringify({ ...all, rows }, null, 2)}\n`);
}
