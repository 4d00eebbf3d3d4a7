// Narrow caches: f16 and int8 stay near f32, within bounds that a longer run measured (npm run cache-types);
// and they too give the same bits for every split, fork and restart.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { loadModel } from 'kvcache-wasm';
import { compareCacheTypes } from '../bench/cache-types.js';
import { ownText } from '../../web/measure/narrow.js';
import { randomIds, seeded } from './helpers.js';
import { tinyBlobs } from './tiny-model.js';

const PAIRS = [
  ['f16', 'f16'], ['int8', 'int8'], ['int8', 'f16'], ['f32', 'int8'], ['int4', 'int4'], ['f16', 'int4'],
];
let stories;
let tiny;
before(async () => {
  stories = await loadModel(new URL('../../web/models/stories/', import.meta.url));
  tiny = await loadModel(tinyBlobs({ changes: { n_positions: 160, vocab_size: 257, eos_token_id: null } }));
});
after(() => {
  stories.dispose();
  tiny.dispose();
});

test('the shipped model over 300 tokens: f16 and int8 against f32 (B30)', async () => {
  const ids = await ownText(stories, 300, 2);
  assert.equal(ids.length, 300);
  const types = [
    ['f32', 'f32'], ['f16', 'f16'], ['int8', 'int8'], ['f16', 'int8'], ['int4', 'int4'], ['int8', 'int4'],
  ];
  const rows = compareCacheTypes(stories, ids, types);
  const [f32, f16, int8, values, int4, nibbles] = rows;
  assert.deepEqual([f32.logitError, f32.maxKL, f32.sameTop1], [0, 0, 1]);
  const within = (row, logitError, meanKL, maxKL, sameTop1) => {
    const seen = JSON.stringify(row);
    assert.ok(row.logitError > 0 && row.logitError < logitError, seen);
    assert.ok(row.meanKL > 0 && row.meanKL < meanKL, seen);
    assert.ok(row.maxKL < maxKL, seen);
    assert.ok(row.sameTop1 >= sameTop1, seen);
  };
  within(f16, 0.2, 1e-5, 1e-3, 0.98);
  within(values, 0.3, 1e-4, 2e-3, 0.98);
  within(int8, 3, 5e-3, 0.3, 0.94);
  within(nibbles, 3, 2e-2, 0.5, 0.9);
  within(int4, 12, 0.3, 3, 0.6);
  assert.ok(int4.meanKL > 2 * nibbles.meanKL && nibbles.meanKL > 2 * int8.meanKL); // keys suffer more
  assert.ok(int8.meanKL > f16.meanKL);
  // Bytes of K or V of a token, in all layers.
  const { nLayer, nKvHead, headDim } = stories.config;
  const half = 8 * Math.ceil(headDim / 8) / 2 + 2 * Math.ceil(headDim / 32);
  const [four, two, one, less] = [4 * headDim, 2 * headDim, headDim + 4, half].map((bytes) => (
    nLayer * nKvHead * bytes));
  assert.deepEqual(rows.map(({ bytesPerToken }) => bytesPerToken),
    [2 * four, 2 * two, 2 * one, two + one, 2 * less, one + less]);
});

test('every split of a prompt gives the same bits in every element type', () => {
  const ids = randomIds(100);
  const random = seeded(12);
  for (const [keyType, valueType] of PAIRS) {
    const once = tiny.createSession({ keyType, valueType });
    once.prefill(ids);
    for (let round = 0; round < 8; round++) {
      const session = tiny.createSession({ keyType, valueType });
      for (let at = 0; at < 100;) {
        const n = Math.min(100 - at, 1 + random.below(round < 2 ? 1 : 40));
        session.prefill(ids.slice(at, at + n));
        at += n;
      }
      assert.equal(session.logitsHash, once.logitsHash, `${keyType}, ${valueType}`);
      session.truncate(37);
      session.prefill(ids.slice(37));
      assert.equal(session.logitsHash, once.logitsHash, 'rewound and replayed');
      session.dispose();
    }
  }
});

test('without the cache nothing is rounded: the logits are those of f32', () => {
  const ids = randomIds(60);
  const exact = tiny.createSession();
  exact.prefill(ids);
  for (const [keyType, valueType] of PAIRS) {
    const session = tiny.createSession({ keyType, valueType, useCache: false });
    session.prefill(ids);
    assert.equal(session.logitsHash, exact.logitsHash);
    session.useCache = true;
    session.sync(ids.slice(0, 59));
    session.decode(ids[59]);
    assert.notEqual(session.logitsHash, exact.logitsHash);
  }
});
