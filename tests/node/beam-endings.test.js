// How beams end, on a model so sure of itself that few of them matter: each case is one in which the tokens
// that end a text decide about the result.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { loadModel } from 'kvcache-wasm';
import { blobOf, randomIds, safetensors, smallConfig } from './helpers.js';
import { plainBeamSearch, result } from './plain-beams.js';
import { randomTensors, tinyBlobs } from './tiny-model.js';

const changes = { n_positions: 48, vocab_size: 257, eos_token_id: null };
const SHARPER = 14; // times as far apart are the logits

const sharper = (bytes) => Float32Array.from(new Float32Array(bytes.buffer), (x) => SHARPER * x);
const tensors = randomTensors(smallConfig(changes)).map((tensor) => (tensor.name !== 'ln_f.weight' ? tensor
  : { ...tensor, bytes: new Uint8Array(sharper(tensor.bytes).buffer) }));

/** The model, whose texts these tokens end. @param {number[]} ends */
const endingWith = (ends) => loadModel(tinyBlobs({ changes, generation: { eos_token_id: ends } })
  .set('model.safetensors', blobOf(safetensors(tensors))));

let endless;
before(async () => { endless = await endingWith([]); });
after(() => endless.dispose());

/** The k likeliest tokens at each of n steps that take the likeliest one. */
function likeliest(prompt, n, k) {
  const session = endless.createSession();
  session.prefill(prompt);
  const steps = Array.from({ length: n }, () => {
    const ids = session.top(k).map(({ id }) => id);
    session.decode(ids[0]);
    return ids;
  });
  session.dispose();
  return steps;
}

/** The result, which must be that of the plain search. */
async function searched(prompt, ends, options) {
  const model = await endingWith(ends);
  const found = await result(model.createSession().generate(prompt, options));
  assert.deepEqual(found.ids, plainBeamSearch(model, prompt, { ...options, ends }));
  model.dispose();
  return found;
}

test('a single token that ends the text: as many beams go on as before', async () => {
  let ended = 0;
  for (let seed = 1; seed <= 12; seed++) {
    const prompt = randomIds(6, seed);
    for (const end of likeliest(prompt, 1, 2)[0]) {
      for (const numBeams of [2, 3]) {
        const { reason } = await searched(prompt, [end], { numBeams, maxTokens: 8 });
        ended += reason === 'eos' ? 1 : 0;
      }
    }
  }
  assert.ok(ended > 3 && ended < 45, `${ended} of 48 ended by themselves`);
});

test('an ending that is not among the first numBeams continuations is none', async () => {
  for (let seed = 1; seed <= 5; seed++) {
    const prompt = randomIds(6, seed);
    const [[,, third]] = likeliest(prompt, 1, 3);
    // With this penalty the shortest of all texts, that of no token, would win.
    const { ids } = await searched(prompt, [third], { numBeams: 2, maxTokens: 8, lengthPenalty: -1 });
    assert.ok(ids.length > 0);
  }
});

test('"never" with a negative length penalty: a longer text may still win', async () => {
  const prompt = randomIds(6, 44);
  const steps = likeliest(prompt, 4, 2);
  // Two poor endings, then that of the likeliest text.
  const ends = [steps[0][1], steps[1][1], steps[3][0]];
  const options = { numBeams: 2, maxTokens: 36, earlyStopping: 'never', lengthPenalty: -1 };
  const { ids, reason } = await searched(prompt, ends, options);
  assert.deepEqual([ids, reason], [steps.slice(0, 3).map(([id]) => id), 'eos']);
});
