// Memory that runs out, at every allocation in turn, once and from then on: an error that says so, nothing
// leaked, and every object goes on as if nothing had been asked of it. build/failing.wasm is the module with
// failing.c in front of its allocator.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { loadModel } from 'kvcache-wasm';
import { directoryOf } from './golden.js';
import { rejectsCode } from './helpers.js';

const CONFIG = { n_layer: 2, n_head: 2, n_embd: 16, n_inner: 20, n_positions: 64, vocab_size: 40 };
const PROMPT = [3, 14, 15, 9, 26];
const files = directoryOf(CONFIG, 1);
const wasm = await WebAssembly.compile(await readFile(new URL('../../build/failing.wasm', import.meta.url)));

/** Calls work with the exports of the next instance, as soon as it is there. */
async function withInstance(prepare, work) {
  const { instantiate } = WebAssembly;
  WebAssembly.instantiate = async (...args) => {
    const instance = await instantiate(...args);
    prepare(instance.exports);
    return instance;
  };
  try {
    return await work();
  } finally {
    WebAssembly.instantiate = instantiate;
  }
}

const load = (options) => loadModel(files, { wasm, tokenizer: false, ...options });

/** A model, and what makes its allocations fail. */
async function failingModel() {
  let failing;
  const model = await withInstance((exports) => { failing = exports; }, () => load());
  return { model, failing };
}

/**
 * Fails each allocation of work in turn. After each, check() must find everything as it was.
 * @param {WebAssembly.Exports} failing
 * @param {() => unknown} work  returns what it made, to be disposed of, if anything
 * @param {() => unknown} check
 */
async function atEveryAllocation(failing, work, check) {
  for (const everAfter of [false, true]) {
    for (let n = 1; ; n++) {
      const live = failing.failing_live();
      failing.failing_set(n, everAfter);
      const outcome = (async () => work())();
      await outcome.catch(() => {});
      const hasFailed = failing.failing_has_failed() === 1;
      failing.failing_set(0, false);
      if (!hasFailed) {
        assert.ok(n > 1, 'it allocates');
        (await outcome)?.dispose?.();
        assert.equal(failing.failing_live(), live, 'what it made is freed');
        break;
      }
      await rejectsCode(outcome, 'out_of_memory');
      assert.equal(failing.failing_live(), live, `allocation ${n} failed, and something leaked`);
      await check();
    }
  }
}

test('loading a model', async () => {
  for (const everAfter of [false, true]) {
    let n = 0;
    for (let hasFailed = true; hasFailed; n++) {
      let failing;
      const loading = withInstance((exports) => { failing = exports; exports.failing_set(n + 1, everAfter); }, () => load());
      await loading.catch(() => {});
      hasFailed = failing.failing_has_failed() === 1;
      if (hasFailed) {
        await rejectsCode(loading, 'out_of_memory');
        assert.equal(failing.failing_live(), 0);
      } else {
        (await loading).dispose();
      }
    }
    assert.ok(n > 1, 'it allocates');
  }
});

/** A session with a text, which goes on to the same logits whatever failed in between. */
async function sessionTest(name, options, work) {
  test(name, async () => {
    const { model, failing } = await failingModel();
    const session = model.createSession(options);
    session.prefill(PROMPT);
    session.decode(1);
    const hash = session.logitsHash;
    const check = () => {
      assert.equal(session.logitsHash, hash);
      assert.equal(session.position, PROMPT.length + 1);
      session.truncate(2);
      session.prefill([...PROMPT.slice(2), 1]);
      assert.equal(session.logitsHash, hash);
    };
    await atEveryAllocation(failing, () => work(session, model), check);
    check();
    session.dispose();
    model.dispose();
  });
}

sessionTest('creating a session', {}, (session, model) => model.createSession());
sessionTest('creating a session of several sequences', {}, (session, model) => model.createSession({ sequences: 3, keyType: 'int8' }));
sessionTest('the likeliest tokens', {}, (session) => session.top(3));
sessionTest('a snapshot of the cache', {}, (session) => session.snapshot({ layer: 1, head: 0 }));
