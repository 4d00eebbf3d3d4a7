// A story that is longer than its cache, as the view has it: pages, places, bytes, speed, and what is said.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { loadModel } from 'kvcache-wasm';
import { NO_STORY, PROMPT, TRAINED, bytesAt, curveOf, findings, goneOf, grown, halvesOf, heldAt, kindOf,
  meanOf, pageBy, placeOf, ratesOf, rowsOf, wholeBytes } from '../../web/demo/window.js';
import { WINDOW } from '../../web/demo/words/window.js';
import { DeskClient } from './desk-client.js';

const written = (first, count) => Array.from({ length: count }, (_, i) => ({ id: 1, text: ` ${first + i}` }));
const PLACES = { capacity: 64, sinks: 16, memory: { usedBytes: 64, cacheBytes: 6400, bytesPerToken: 100 } };
/** 64 places, the first page stays, and tokens 16 to 47 had to go. */
const SLID = [
  { token: 0, place: 0, turned: 0, count: 16 }, { token: 48, place: 16, turned: 48, count: 16 },
  { token: 64, place: 32, turned: 48, count: 16 }, { token: 80, place: 48, turned: 48, count: 10 },
];

/** 40 tokens are the prompt, and 50 are written behind it. */
function story() {
  const spans = [{ token: 0, place: 0, turned: 0, count: 40 }];
  const begun = grown(NO_STORY, { written: written(0, 40), ms: 1, spans, ...PLACES });
  return { begun, slid: grown(begun, { written: written(40, 50), ms: 25, spans: SLID, ...PLACES }) };
}

test('a text is kept by pages, and a page that is gone is told from sinks and from what is held', () => {
  const { begun, slid } = story();
  assert.deepEqual([begun.tokens, begun.prompt, begun.pages.length, begun.speeds], [40, 40, 3, []]);
  assert.deepEqual([slid.tokens, slid.prompt, slid.pages.length], [90, 40, 6]);
  assert.equal(begun.pages.join(''), written(0, 40).map(({ text }) => text).join(''));
  assert.equal(slid.pages[2], written(32, 16).map(({ text }) => text).join(''), 'one page of both');
  assert.equal(begun.pages[2], written(32, 8).map(({ text }) => text).join(''), 'as it was');
  assert.deepEqual(slid.pages.map((_, page) => kindOf(slid, page)),
    ['sink', 'gone', 'gone', 'held', 'held', 'held']);
  assert.deepEqual([goneOf(begun), goneOf(slid)], [{ first: 40, count: 0 }, { first: 16, count: 32 }]);
  assert.deepEqual(goneOf({ spans: SLID.slice(1) }), { first: 0, count: 48 }, 'without sinks');
});

test('places: where a page lies, and by which place its keys were turned', () => {
  const { slid } = story();
  assert.deepEqual(placeOf(slid, 4), { token: 64, last: 79, place: 32, turned: 48 });
  assert.deepEqual(placeOf(slid, 1), { token: 16, last: 31 });
  assert.deepEqual(placeOf(slid, 5), { token: 80, last: 89, place: 48, turned: 48 }, 'as far as it is');
  const keys = ['ArrowLeft', 'ArrowRight', 'Home', 'End', 'PageUp', 'x'];
  assert.deepEqual(keys.map((key) => pageBy(5, key, slid)), [4, 5, 0, 5, 0, undefined]);
  assert.match(WINDOW.en.spot(placeOf(slid, 4)), /^Tokens 65 to 80 .* 33 to 48, written at 49 to 64\.$/);
  assert.match(WINDOW.en.spot(placeOf(slid, 0)), /where they were written\.$/);
  assert.match(WINDOW.en.spot(placeOf(slid, 1)), /^Tokens 17 to 32 of the text are gone/);
});

test('bytes stand still once the cache is full; speeds are of whole stretches', () => {
  const { slid } = story();
  const lengths = [1, 63, 64, 65, 80, 81, 1000];
  assert.deepEqual(lengths.map((tokens) => heldAt(slid, tokens)), [1, 63, 64, 49, 64, 49, 56]);
  assert.deepEqual([bytesAt(slid, 90), wholeBytes(slid, 90)], [5800, 9000]);
  assert.equal(SLID.reduce((sum, { count }) => sum + count, 0), heldAt(slid, 90), 'as the engine has it');
  const speeds = [[250, 250, 100], [256, 6, 28], [500, 244, 61]]
    .map(([end, tokens, ms]) => ({ end, tokens, ms }));
  const long = { ...slid, tokens: 520, speeds };
  assert.deepEqual(ratesOf(long), [{ end: 256, rate: 2000 }, { end: 512, rate: 4000 }]);
  assert.deepEqual(ratesOf({ ...long, tokens: 511 }).length, 1, 'not one that is still written');
  const uneven = [[400, 360, 360], [1000, 600, 300]].map(([end, tokens, ms]) => ({ end, tokens, ms }));
  assert.deepEqual(halvesOf({ ...long, tokens: 1000, speeds: uneven }), { first: 1000, second: 2000 });
  assert.equal(halvesOf(slid), undefined, 'of a short text');
  const [row] = rowsOf({ number: String, speed: String }, long);
  assert.deepEqual(row, ['256', '64', '6400', '25600', '2000']);
});

test('what forgetting costs is said as it was measured, whichever way it comes out', () => {
  const bits = (near, far) => Float32Array.from({ length: 2047 }, (_, i) => (i < TRAINED - 1 ? near : far));
  assert.equal(meanOf(Float32Array.of(1, 2, 6), 1), 4);
  assert.deepEqual(curveOf(bits(4, 8)).map((point) => point.bits).slice(6, 9), [4, 4.03125, 8]);
  const losses = { bits: { sinks: bits(4.5, 4.5), plain: bits(4.5, 4.5), whole: bits(4.25, 8) } };
  const calm = findings(losses, 128);
  assert.deepEqual([calm.near, calm.far.whole], [{ sinks: 4.5, whole: 4.25 }, 8]);
  assert.match(WINDOW.en.losses.said(calm, 128),
    /4\.50 bits a token; without sinks it is the same\. .* of 128 costs 0\.25 bits .* 8\.00 bits, because/);
  const harmful = findings({ bits: { ...losses.bits, plain: bits(5.4, 5.4) } }, 128);
  assert.match(WINDOW.en.losses.said(harmful, 128), /without sinks 5\.40 bits, 20 % more\./);
  const short = findings({ bits: Object.fromEntries(Object.entries(losses.bits).map(([way, all]) => (
    [way, all.subarray(0, 500)]))) }, 128);
  assert.match(WINDOW.en.losses.said(short, 128), /costs 0\.25 bits a token\.$/, 'nothing beyond');
  const helpful = findings({ bits: { ...losses.bits, plain: bits(3.6, 3.6), whole: bits(4.5, 4.4) } }, 128);
  assert.match(WINDOW.en.losses.said(helpful, 128),
    /20 % less\. .* costs nothing\. Beyond, the cache that keeps all has 4\.40 bits and the window 4\.50/);
});

// ---- the worker's requests ------------------------------------------------------------------------

const FOLDER = new URL('../../web/models/tales/', import.meta.url);
const NAMES = ['config.json', 'generation_config.json', 'model.safetensors', 'tokenizer.json',
  'tokenizer_config.json'];
const model = await loadModel(FOLDER);
const client = new DeskClient();
after(() => {
  client.dispose();
  model.dispose();
});
const CACHE = { capacity: 64, sinks: 4 };
const idsOf = (words) => [model.config.bosTokenId, ...model.encode(words)];

before(async () => {
  const files = Object.fromEntries(NAMES.map((name) => [name, readFileSync(new URL(name, FOLDER))]));
  await client.request('load', { files, capacity: 16 });
});

test('the request "window": what is held after every burst, and the same bits without', async () => {
  const all = [];
  let proving;
  const { reason, proof } = await client.request('window', { prompt: PROMPT, tokens: 150, seed: 3, ...CACHE },
    (event) => (event.type === 'held' ? all.push(event) : proving = event.tokens));
  const ids = all.flatMap((held) => held.written.map(({ id }) => id));
  assert.deepEqual([reason, ids.length, proof.tokens, proving], ['length', 150, 150, 150]);
  const session = model.createSession({ ...CACHE, whenFull: 'slide' });
  let position = 0;
  for (const { written: part, spans, memory, capacity, sinks } of all) {
    position += part.length;
    const { token, count } = spans.at(-1);
    assert.ok([position, position - 1].includes(token + count), 'the newest one may be unread');
    session.sync(ids.slice(0, token + count));
    assert.deepEqual([capacity, sinks], [64, 16]);
    const { tokens, places } = session.held;
    const flat = spans.flatMap((span) => Array.from({ length: span.count }, (_, i) => (
      [span.place + i, span.token + i, span.turned + i])));
    assert.deepEqual(flat, tokens.map((token, place) => [place, token, places[place]]));
    assert.ok(memory.usedBytes <= memory.cacheBytes && memory.cacheBytes === 64 * memory.bytesPerToken);
  }
  session.sync(ids);
  assert.deepEqual([proof.on, proof.off], [session.logitsHash, session.logitsHash]);
  session.dispose();
  const { position: after } = await client.request('status');
  assert.equal(after, 0, 'the run is not touched');
});

test('the request "losses": the bits are those of score(), whatever is kept', async () => {
  const words = PROMPT.repeat(8);
  const { tokens, bits, again } = await client.request('losses', { text: words, ...CACHE });
  const ids = idsOf(words);
  assert.equal(tokens, ids.length);
  const slide = { capacity: 64, whenFull: 'slide' };
  const ways = { sinks: { ...slide, sinks: 4 }, plain: { ...slide, sinks: 0 }, whole: {} };
  for (const [way, options] of Object.entries(ways)) {
    const session = model.createSession(options);
    const right = session.score(ids);
    assert.equal(bits[way].length, ids.length - 1);
    const off = right.map((each, i) => Math.abs(bits[way][i] + each / Math.LN2));
    assert.ok(off.every((each) => each < 1e-4), way);
    session.dispose();
  }
  assert.ok(again.times > 0 && again.same <= 1 && again.kl > 0 && again.slower > 0 && again.slid > 0);
  const short = await client.request('losses', { text: PROMPT, ...CACHE });
  assert.equal(short.again, undefined, 'nothing had to go');
});

test('what cannot be is refused, and a stop is heard', async () => {
  const job = { prompt: PROMPT, tokens: 150, ...CACHE };
  const refused = { tokens: 3, capacity: 0, sinks: 64, prompt: 5 };
  for (const [name, value] of Object.entries(refused)) {
    const wrong = client.request('window', { ...job, [name]: value });
    await assert.rejects(wrong, { code: 'invalid_argument' }, name);
  }
  const long = client.request('losses', { ...CACHE, text: 'a b '.repeat(900) });
  await assert.rejects(long, { code: 'context_full' });
  const stopped = await client.request('window', { ...job, tokens: 1e5 }, () => client.stop());
  assert.deepEqual(stopped, { reason: 'stopped' });
  const reading = client.request('losses', { text: PROMPT.repeat(60), ...CACHE }, () => client.stop());
  await assert.rejects(reading, { code: 'aborted' });
});
