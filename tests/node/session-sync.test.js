// An edited prompt costs what is new of it: the longest common prefix, by token ids, is reused, and no bit
// tells.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { loadModel } from 'kvcache-wasm';
import { collect, idsOf, randomIds, rejectsCode, seeded, throwsCode } from './helpers.js';
import { tinyBlobs } from './tiny-model.js';

const POSITIONS = 160;
let model;
before(async () => {
  model = await loadModel(tinyBlobs({ changes: { n_positions: POSITIONS, vocab_size: 257,
    eos_token_id: null } }));
});
after(() => model.dispose());

/** The hash of these tokens in a session that has seen nothing else. */
function freshHash(ids, options) {
  const session = model.createSession(options);
  session.prefill(ids);
  const hash = session.logitsHash;
  session.dispose();
  return hash;
}

/** The same ids with another one at i. */
const edited = (ids, i) => ids.map((id, t) => (t === i ? (id + 1) % 256 : id));

test('a prompt edited at token i reuses exactly i tokens, for every i (B17)', () => {
  const ids = randomIds(100);
  const session = model.createSession();
  for (let i = 0; i < 100; i++) {
    session.reset();
    assert.deepEqual(session.sync(ids), { reused: 0, computed: 100 });
    const changed = edited(ids, i);
    assert.deepEqual(session.sync(changed), { reused: i, computed: 100 - i });
    assert.equal(session.logitsHash, freshHash(changed), `edited at ${i}`);
    assert.equal(session.position, 100);
    assert.equal(session.cachedTokens, 100);
  }
});

test('longer, shorter, the same: a hit of 100 % still has its logits (B19)', () => {
  const ids = randomIds(90);
  const session = model.createSession();
  session.prefill(ids.slice(0, 40));
  assert.deepEqual(session.sync(ids), { reused: 40, computed: 50 });
  const hash = session.logitsHash;
  assert.equal(hash, freshHash(ids));
  assert.deepEqual(session.sync(ids), { reused: 90, computed: 0 }); // these very tokens, and their logits
  assert.equal(session.logitsHash, hash);
  // a prefix: its last logits are gone
  assert.deepEqual(session.sync(ids.slice(0, 33)), { reused: 32, computed: 1 });
  assert.equal(session.logitsHash, freshHash(ids.slice(0, 33)));
  session.truncate(20);
  assert.deepEqual(session.sync(ids.slice(0, 20)), { reused: 19, computed: 1 });
  assert.equal(session.logitsHash, freshHash(ids.slice(0, 20)));
});

test('the same text through other tokens is not the same prompt (B18)', () => {
  const session = model.createSession();
  const ids = model.encode('abcabc');
  session.sync(ids);
  assert.deepEqual(session.sync([...ids.slice(0, 3), 256, ...ids.slice(4)]), { reused: 3, computed: 3 });
});

test('with the cache off nothing is reused; switched on again, what it holds is', () => {
  const ids = randomIds(60);
  const session = model.createSession();
  session.sync(ids.slice(0, 50));
  session.useCache = false;
  assert.deepEqual(session.sync(ids), { reused: 0, computed: 60 });
  assert.equal(session.logitsHash, freshHash(ids));
  session.useCache = true;
  const changed = edited(ids, 58);
  assert.deepEqual(session.sync(changed), { reused: 50, computed: 10 });
  assert.equal(session.logitsHash, freshHash(changed));
});

test('random edits, cached and not: as if from scratch, each time', () => {
  const random = seeded(21);
  const session = model.createSession();
  let ids = randomIds(80, 3);
  for (let round = 0; round < 150; round++) {
    const at = random.below(ids.length + 1);
    const cut = random.below(20);
    const put = randomIds(random.below(20), 100 + round);
    ids = [...ids.slice(0, at), ...put, ...ids.slice(at + cut)].slice(0, POSITIONS);
    if (ids.length === 0) ids = [7];
    session.useCache = random() < 0.8;
    const { reused, computed } = session.sync(ids);
    assert.equal(reused + computed, ids.length);
    assert.equal(session.logitsHash, freshHash(ids), `round ${round}`);
    if (random() < 0.3 && session.position < POSITIONS) {
      ids.push(random.below(256)), session.decode(ids.at(-1));
    }
  }
});

test('generate reuses the prompt: the next turn of a conversation, an edit, the same again', async () => {
  const session = model.createSession();
  const options = { temperature: 1.3, maxTokens: 20, seed: 5 };
  const run = async (prompt) => {
    const ids = idsOf(await collect(session.generate(prompt, options)));
    return { ids, hash: session.logitsHash };
  };
  const prompt = randomIds(50);
  const first = await run(prompt);
  assert.equal(session.prefillStats.reused, 0);
  assert.equal(session.prefillStats.tokens, 50);
  const again = await run(prompt); // regenerate: one token is computed
  assert.deepEqual({ tokens: session.prefillStats.tokens, reused: session.prefillStats.reused },
    { tokens: 50, reused: 49 });
  assert.deepEqual(again, first);
  const turn = [...prompt, ...first.ids, ...randomIds(10, 9)];
  const reply = await run(turn);
  assert.equal(session.prefillStats.reused, 70);
  const other = model.createSession();
  assert.deepEqual(idsOf(await collect(other.generate(turn, options))), reply.ids);
  assert.equal(other.logitsHash, reply.hash);
  await run(edited(turn, 12));
  assert.equal(session.prefillStats.reused, 12);
  session.prefill(randomIds(3));
  assert.deepEqual([session.prefillStats.tokens, session.prefillStats.reused], [3, 0]);
});

test('a stopped prompt leaves what was reused of it, and the rest is computed next time', async () => {
  const slow = await loadModel(tinyBlobs({ changes: { n_layer: 6, n_embd: 128, n_positions: 512 } }),
    { variant: 'scalar' });
  const session = slow.createSession();
  const ids = randomIds(500);
  session.sync(ids.slice(0, 100));
  const controller = new AbortController();
  setTimeout(() => controller.abort(), 1);
  await rejectsCode(session.generate(ids, { signal: controller.signal }).next(), 'aborted');
  assert.equal(session.position, 100);
  assert.deepEqual(session.sync(ids), { reused: 100, computed: 400 });
  slow.dispose();
});

test('what sync refuses leaves the session as it was', () => {
  const session = model.createSession({ capacity: 20 });
  session.prefill([1, 2, 3]);
  const hash = session.logitsHash;
  throwsCode(() => session.sync([]), 'invalid_argument');
  throwsCode(() => session.sync([1, 2, 999]), 'token_out_of_range');
  throwsCode(() => session.sync(randomIds(21)), 'context_full', /21 tokens .* 20/);
  assert.equal(session.position, 3);
  assert.equal(session.logitsHash, hash);
});
