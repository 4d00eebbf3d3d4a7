// What a narrow KV cache costs in quality: the shipped model reads a text that it has written itself, once
// with a cache of f32 and once with each narrower one, and the logits after every token are compared.
//
//   npm run cache-types [-- --model DIR] [--tokens N] [--seed N] [--json FILE]
//
//   logit error   max |logit - logit in f32|
//   KL            of the next token's distribution from that in f32, in nats: sum p ln(p / q)
//   same top-1    share of tokens after which the likeliest next token is the same
import { writeFile } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { loadModel } from 'kvcache-wasm';
import { architecture, table } from '../../web/measure/figures.js';
import { difference, ownText } from '../../web/measure/narrow.js';
import { counted } from '../../web/measure/numbers.js';

/**
 * @import { CacheType } from '../../web/cache/options.js'
 * @import { Model } from '../../web/session/model.js'
 */

/** @type {[CacheType, CacheType][]} of keys and values */
const TYPES = [
  ['f16', 'f16'], ['int8', 'f16'], ['f16', 'int8'], ['int8', 'int8'],
  ['int4', 'int8'], ['int8', 'int4'], ['int4', 'int4'],
];

/**
 * @param {Model} model
 * @param {number[]} ids
 * @param {[CacheType, CacheType][]} [types]
 */
export function compareCacheTypes(model, ids, types = TYPES) {
  const exact = model.createSession({ capacity: ids.length });
  const rows = types.map(([keyType, valueType]) => {
    const session = model.createSession({ capacity: ids.length, keyType, valueType });
    const { bytesPerToken } = session.memoryUsage();
    return { keyType, valueType, session, bytesPerToken, logitError: 0, sumKL: 0, maxKL: 0, same: 0 };
  });
  for (const id of ids) {
    const logits = exact.decode(id);
    for (const row of rows) {
      const { error, kl, same } = difference(logits, row.session.decode(id));
      row.logitError = Math.max(row.logitError, error);
      row.sumKL += kl;
      row.maxKL = Math.max(row.maxKL, kl);
      if (same) row.same++;
    }
  }
  exact.dispose();
  return rows.map(({ session, sumKL, same, ...row }) => {
    session.dispose();
    return { ...row, meanKL: sumKL / ids.length, sameTop1: same / ids.length };
  });
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const { values } = parseArgs({
    options: {
      model: { type: 'string', default: new URL('../../web/models/stories/', import.meta.url).href },
      tokens: { type: 'string', default: '1000' },
      seed: { type: 'string', default: '1' },
      json: { type: 'string' },
    },
  });
  const model = await loadModel(values.model);
  const ids = await ownText(model, Number(values.tokens), Number(values.seed));
  const rows = compareCacheTypes(model, ids);
  const full = model.createSession({ capacity: 1 }).memoryUsage().bytesPerToken;
  const { nLayer, nEmbd, nHead } = model.config;
  console.log(`${ids.length} tokens, seed ${values.seed}; ${architecture(model.config)}, ${nLayer} layers, `
    + `width ${nEmbd}, ${nHead} heads; against a cache of f32 (${full} bytes per token)\n`);
  const head = ['Keys', 'Values', 'Bytes per token', 'Max logit error', 'Mean KL', 'Max KL', 'Same top-1'];
  console.log(table(head, rows.map((row) => [
    row.keyType, row.valueType, counted(row.bytesPerToken), row.logitError.toPrecision(2),
    row.meanKL.toExponential(1), row.maxKL.toExponential(1), `${(100 * row.sameTop1).toFixed(1)} %`,
  ]), 2));
  if (values.json) {
    const results = { tokens: ids.length, seed: Number(values.seed), rows };
    await writeFile(values.json, `${JSON.stringify(results, null, 2)}\n`);
  }
  model.dispose();
}
