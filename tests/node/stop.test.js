// Stop strings and stop tokens: where a text ends, what is given out of it, and what is said of its end.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { loadModel } from 'kvcache-wasm';
import { StopText } from '../../web/session/stop-text.js';
import { collect, idsOf, rejectsCode, seeded } from './helpers.js';
import { tinyBlobs } from './tiny-model.js';

const CHANGES = { n_positions: 160, vocab_size: 257, eos_token_id: null };
const model = await loadModel(tinyBlobs({ changes: CHANGES })); // a token for each byte
const stories = await loadModel(new URL('../../web/models/stories/', import.meta.url));
after(() => {
  model.dispose();
  stories.dispose();
});

/** What a text comes to, letter by letter: up to the stop string that is complete first, the longest. */
function plainly(text, stops) {
  for (let end = 1; end <= text.length; end++) {
    const [found] = stops.filter((stop) => text.slice(0, end).endsWith(stop))
      .sort((a, b) => b.length - a.length);
    if (found) return { text: text.slice(0, end - found.length), found };
  }
  return { text, found: null };
}

test('wherever pieces end, a text ends at the same place; no letter of a stop string is out', () => {
  const random = seeded(3);
  const letters = (n) => Array.from({ length: n }, () => 'ab'[random.below(2)]).join('');
  let [found, held] = [0, 0];
  for (let round = 0; round < 3000; round++) {
    const text = letters(1 + random.below(24));
    const stops = Array.from({ length: 1 + random.below(3) }, () => letters(1 + random.below(6)));
    const expected = plainly(text, stops);
    const pieces = [];
    for (let at = 0; at < text.length;) pieces.push(text.slice(at, at += random.below(5)));
    const stream = { push: (i) => pieces[i], flush: () => '' };
    const search = new StopText(stream, stops, 0);
    let out = '';
    for (let i = 0; i < pieces.length && search.found === null; i++) {
      out += search.push(i);
      assert.ok(expected.text.startsWith(out), `${text}, ${stops}: ${out}`);
      if (out.length < pieces.slice(0, i + 1).join('').length) held++;
    }
    out += search.flush();
    assert.deepEqual({ text: out, found: search.found }, expected, `${text}, ${stops}`);
    if (search.found) found++;
  }
  assert.ok(found > 1000 && held > 1000, `${found}, ${held}`);
});

test('what can no longer become a stop string is given out at once', () => {
  const text = 'Hello, W';
  const stream = { push: (i) => text[i], flush: () => '!' };
  const search = new StopText(stream, ['lo!', 'Wo'], 0);
  const pieces = [...text].map((_, i) => search.push(i));
  assert.deepEqual(pieces, ['H', 'e', '', 'l', '', 'lo,', ' ', '']);
  assert.equal(search.flush(), 'W!');
  assert.equal(search.found, null);
});

/** A run's tokens, its text, and how it ended. */
async function run(session, prompt, options) {
  const tokens = await collect(session.generate(prompt, options));
  return { tokens, text: tokens.map(({ text }) => text).join(''), reason: session.finishReason,
    by: session.finishedBy };
}

test('a stop string across tokens: the text up to it, cache on and off, one or many', async () => {
  const prompt = 'Once upon a time there was a king';
  const how = { maxTokens: 60, seed: 3 };
  const session = stories.createSession();
  const whole = await run(session, prompt, how);
  for (let at = 5; at < whole.text.length - 9; at += 23) {
    for (const length of [1, 4, 9]) {
      const stop = whole.text.slice(at, at + length);
      for (const useCache of [true, false]) {
        const { text, tokens, reason, by } = await run(session, prompt, { ...how, stop, useCache });
        assert.deepEqual({ text, reason, by },
          { text: whole.text.slice(0, whole.text.indexOf(stop)), reason: 'stop', by: stop });
        assert.deepEqual(idsOf(tokens), idsOf(whole.tokens).slice(0, tokens.length));
        assert.ok(stories.decode(idsOf(tokens)).includes(stop), 'its last token completes it');
        assert.equal(session.position, stories.encode(prompt).length + tokens.length);
      }
    }
  }
  const none = await run(session, prompt, { ...how, stop: ['Nobody says this', whole.text.slice(-3) + 'x'] });
  assert.deepEqual([none.text, none.reason, none.by], [whole.text, 'length', null]);
  const stop = [' the ', '.'];
  const many = await collect(session.generate(prompt, { ...how, n: 3, stop }));
  for (const i of [0, 1, 2]) {
    const lone = await run(stories.createSession(), prompt, { ...how, seed: 3 + i, stop });
    const own = many.filter(({ sequence }) => sequence === i);
    assert.deepEqual(own.map(({ id, text }) => [id, text]), lone.tokens.map(({ id, text }) => [id, text]));
  }
});

test('stop tokens end a text, and it is said which; nothing ends it before minTokens', async () => {
  const session = model.createSession();
  const how = { maxTokens: 50, temperature: 1.2, seed: 9 };
  const ids = idsOf((await run(session, 'Hello', how)).tokens);
  for (const n of [0, 1, 20]) {
    const at = ids.indexOf(ids[n]);
    for (const stopTokens of [[ids[n]], Uint32Array.of(256, ids[n])]) {
      const cut = await run(session, 'Hello', { ...how, stopTokens });
      assert.deepEqual([idsOf(cut.tokens), cut.reason, cut.by], [ids.slice(0, at), 'stop', ids[n]]);
    }
  }
  const beams = { maxTokens: 20, numBeams: 3 };
  const liked = idsOf((await run(session, 'Hello', beams)).tokens)[4];
  const ended = await run(session, 'Hello', { ...beams, stopTokens: [liked] });
  if (ended.reason === 'stop') assert.equal(ended.by, liked);
  const many = Array.from({ length: 128 }, (_, i) => 2 * i); // every second one would end it
  for (const minTokens of [0, 1, 13]) {
    const late = await run(session, 'Hello', { ...how, stopTokens: many, minTokens });
    assert.equal(late.reason, 'stop');
    assert.ok(late.tokens.length >= minTokens && late.tokens.length < minTokens + 25);
    assert.ok(late.tokens.every(({ id }) => id % 2 === 1));
  }
  const letters = Array.from({ length: 26 }, (_, i) => String.fromCharCode(97 + i));
  const first = await run(session, 'Hello', { ...how, stop: letters });
  const later = await run(session, 'Hello', { ...how, stop: letters, minTokens: first.tokens.length });
  assert.ok(later.tokens.length > first.tokens.length);
  assert.deepEqual([first.reason, later.reason], ['stop', 'stop']);
});

test('a last token that completes a stop string; an end-of-text token among several', async () => {
  const session = stories.createSession();
  const how = { seed: 3, maxTokens: 12 };
  const whole = await run(session, 'Once', how);
  const stop = whole.text.slice(-2);
  if (whole.text.indexOf(stop) === whole.text.length - 2) {
    assert.deepEqual((await run(session, 'Once', { ...how, stop })).by, stop);
  }
  const [eos] = stories.generation.eosTokenIds;
  const end = await run(session, 'Once', { ...how, logitBias: { [eos]: 1e6 } });
  assert.deepEqual([end.reason, end.by, end.text], ['eos', eos, '']);
  assert.deepEqual((await run(session, 'Once', how)).by, null, 'what was said before is gone');
  const endings = await loadModel(tinyBlobs({ changes: CHANGES, generation: { eos_token_id: [4, 9] } }));
  const other = endings.createSession();
  const forced = { maxTokens: 5, temperature: 0, onLogits: (logits) => { logits[9] = 1e6; } };
  assert.deepEqual((await run(other, 'Hello', forced)).by, 9);
  assert.deepEqual((await run(other, 'Hello', { ...forced, numBeams: 2, temperature: undefined })).by, 9);
  endings.dispose();
});

test('what the makers ask for holds until an option says otherwise, or is said once', async (t) => {
  const said = t.mock.method(console, 'warn', () => {});
  const plain = await run(model.createSession(), 'Hello', { temperature: 0, maxTokens: 20 });
  const generation = { stop_strings: [plain.text.slice(4, 6)], no_repeat_ngram_size: 2, min_new_tokens: 1,
    suppress_tokens: [plain.tokens[0].id], typical_p: 0.5, num_beams: 3 };
  const made = await loadModel(tinyBlobs({ changes: CHANGES, generation }));
  assert.deepEqual(said.mock.calls.map(({ arguments: [text] }) => text), ['generation_config.json asks for '
    + 'num_beams, typical_p: generate() does not do that by itself.']);
  const session = made.createSession();
  const off = { stop: [], noRepeatNgramSize: 0, minTokens: 0, logitBias: {} };
  const how = { maxTokens: 20 };
  assert.deepEqual((await run(session, 'Hello', { ...how, ...off })).text, plain.text);
  const { stop, noRepeatNgramSize, minTokens, logitBias } = made.generation;
  assert.deepEqual(await run(session, 'Hello', how).then(({ tokens, ...rest }) => [idsOf(tokens), rest]),
    await run(model.createSession(), 'Hello', { ...how, temperature: 0, stop, noRepeatNgramSize, minTokens,
      logitBias }).then(({ tokens, ...rest }) => [idsOf(tokens), rest]));
  assert.notEqual((await run(session, 'Hello', { ...how, stop: [] })).text, plain.text);
  await rejectsCode(session.generate('Hello', { numBeams: 2 }).next(), 'invalid_argument',
    /stop: \[\] turns off those of the model's makers/);
  assert.equal(said.mock.callCount(), 1);
  made.dispose();
});

test('refused: empty strings, what is no string, and texts of a model without its tokenizer', async () => {
  const session = model.createSession();
  for (const stop of ['', [''], [5], 7, {}, ['a', null]]) {
    await rejectsCode(session.generate('Hello', { stop }).next(), 'invalid_argument',
      /stop is .*; it must be a string/);
  }
  await rejectsCode(session.generate('Hello', { stop: 'a', numBeams: 2 }).next(), 'invalid_argument',
    /leave out stop, or numBeams/);
  await rejectsCode(session.generate('Hello', { stopTokens: 5 }).next(), 'invalid_argument',
    /must be an array/);
  const mute = await loadModel(tinyBlobs({ changes: CHANGES }), { tokenizer: false });
  const silent = mute.createSession();
  await rejectsCode(silent.generate([1, 2], { stop: 'a' }).next(), 'tokenizer_invalid',
    /without its tokenizer/);
  assert.equal((await collect(silent.generate([1, 2], { stop: [], maxTokens: 2 }))).length, 2);
  mute.dispose();
});
