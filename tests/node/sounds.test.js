// From letters to sounds: how sounds are written, what is seen and counted of a word, and the worker's
// request behind it, which measures each step with one cache, both or none: the same bits.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { loadModel } from 'kvcache-wasm';
import { SOUNDS as RECORDED } from '../../web/demo/recorded/sounds.js';
import { cacheWords, lookWords, outWords, payoffWords, pictureOf, recordedOf, rowsOf,
  stepAt, stepWords } from '../../web/demo/sounds-shown.js';
import {
  BOTH, EXAMPLES, costOf, ipaOf, ipaWord, isSame, keyOf, looksAt, momentsOf, slownessOf, soundsOf,
  strongest, tellingHead, timesWritten, wayOf, wordOf,
} from '../../web/demo/sounds.js';
import { SOUNDS } from '../../web/demo/words/sounds.js';
import { DeskClient } from './desk-client.js';

const MODEL = new URL('../../web/models/sounds/', import.meta.url);
const WAYS = [
  BOTH, { self: true, cross: false }, { self: false, cross: true }, { self: false, cross: false },
];

test('a word is one word of the letters that the model knows', () => {
  assert.deepEqual(wordOf('  Knight '), { word: 'knight' });
  assert.deepEqual(wordOf('Naïve’s'), { word: "naive's" });
  assert.deepEqual(wordOf(' '), { problem: { what: 'empty' } });
  assert.deepEqual(wordOf('two words'), { problem: { what: 'words' } });
  assert.deepEqual(wordOf('4ever'), { problem: { what: 'letters', letter: '4' } });
  assert.deepEqual(wordOf('x'.repeat(28)).word?.length, 28);
  assert.deepEqual(wordOf('x'.repeat(29)), { problem: { what: 'long' } });
});

test('sounds as dictionaries write them: the stress before its syllable, none on one alone', () => {
  const written = (sounds) => ipaWord(sounds.split(' '));
  assert.equal(written('N AY1 T'), 'naɪt');
  assert.equal(written('S AY0 K AA1 L AH0 JH IY0'), 'saɪˈkɑlədʒi');
  assert.equal(written('EH1 K S T R AH0'), 'ˈɛkstɹə');
  assert.equal(written('K AH0 N S T R AH1 K T'), 'kənˈstɹʌkt');
  assert.equal(written('S IH1 NG IH2 NG'), 'ˈsɪŋˌɪŋ'); // no syllable begins with ng
  assert.equal(written('P W EH1 B L OW0'), 'ˈpwɛbloʊ'); // a word's first consonants begin one
  assert.deepEqual(['ER0', 'ER1', 'AH0', 'AH1', 'ZH'].map(ipaOf), ['ɚ', 'ɝ', 'ə', 'ʌ', 'ʒ']);
});

test('the words that the page offers are said as English has them', async () => {
  const model = await loadModel(MODEL);
  const session = model.createSession();
  const said = [];
  for (const word of EXAMPLES) {
    let text = '';
    for await (const token of session.generate(word, { temperature: 0 })) text += token.text;
    said.push(text.trim());
  }
  assert.deepEqual(said, ['TH AO1 T', 'Y AA1 T', 'S AY0 K AA1 L AH0 JH IY0',
    'AE2 N T IY0 D IH2 S AH0 S T AE2 B L IH0 SH M AH0 N T EH1 R IY0 AH0 N IH2 Z AH0 M']);
  model.dispose();
});

/** A trace by hand: two letters and the end, two sounds and the end; one layer of two heads. */
function traceOf(way) {
  const weights = Float32Array.of(
    0.5, 0.5, 0, /**/ 0.9, 0.1, 0,
    0.25, 0.5, 0.25, /**/ 0, 0.8, 0.2,
    1, 0, 0, /**/ 0, 0, 1);
  const step = (id, text, i) => ({
    id, text, hash: `h${i}`, ms: way.self ? 0.05 : 0.05 * (i + 1), macs: 100 + (way.cross ? 0 : 60),
    crossMacs: way.cross ? 0 : 60, rows: way.self ? 1 : i + 1,
  });
  return {
    source: [3, 4, 1].map((id) => ({ id, text: '' })),
    reading: { ms: 0.2, macs: 500, crossMacs: way.cross ? 60 : 0 },
    steps: [step(8, 'HH', 0), step(9, ' AY1', 1), step(null, '', 2)],
    ...(keyOf(way) === 'both' && { looks: { layers: 1, heads: 2, weights } }),
    bytes: { self: 3000, cross: 600 },
  };
}

test('looks: those of a head, the strongest, and the head that goes through the letters', () => {
  const { looks } = traceOf(BOTH);
  assert.deepEqual(looksAt(looks, 3, 1, { layer: 0, head: 0 }), [0.25, 0.5, 0.25]);
  assert.deepEqual(looksAt(looks, 3, 2, { layer: 0, head: 1 }), [0, 0, 1]);
  assert.deepEqual(tellingHead(traceOf(BOTH)), { layer: 0, head: 1 }); // the other one goes back
  assert.deepEqual(strongest([0.25, 0.5, 0.05, 0.2], 0.1).map(({ letter }) => letter), [1, 0, 3]);
});

test('costs: what was computed how often, with each choice of caches', () => {
  const cached = traceOf(BOTH);
  const costs = WAYS.map((way) => costOf(traceOf(way), cached));
  assert.deepEqual(costs.map(({ projected }) => projected), [1, 3, 1, 3]);
  assert.deepEqual(costs.map(({ read }) => read), [3, 0, 3, 0]);
  assert.deepEqual(costs.map(({ rows }) => rows), [3, 3, 6, 6]);
  assert.deepEqual(costs.map(({ macs }) => macs), [300, 480, 300, 480]);
  assert.deepEqual(timesWritten(traceOf(WAYS[2]), 3), [3, 2, 1]);
  assert.deepEqual(timesWritten(traceOf(WAYS[2]), 2), [2, 1]);
  assert.deepEqual(timesWritten(cached, 3), [1, 1, 1]);
});

test('slow motion: as slow for each choice, and as measured', () => {
  const cached = traceOf(BOTH);
  assert.equal(slownessOf(cached), 5000); // 0.05 ms become 250
  const ends = momentsOf(traceOf(WAYS[2]), 1000);
  assert.equal(ends.read, 200);
  assert.deepEqual(ends.steps.map(Math.round), [250, 350, 500]);
  const again = momentsOf(traceOf(WAYS[2]), 1000, true); // the letters were read before
  assert.deepEqual([again.read, ...again.steps.map(Math.round)], [0, 50, 150, 300]);
});

test('before anything was run, the word is there as it was recorded, with any caches', () => {
  const said = SOUNDS.en;
  for (const [i, way] of WAYS.entries()) {
    const shown = recordedOf(RECORDED, way);
    assert.equal(outWords(shown), 'knight → /naɪt/');
    assert.deepEqual(wayOf(keyOf(way)), way);
    assert.match(cacheWords(said, shown).cross, way.cross ? /Filled once, read 4 times/ : /computed 4 times/);
    assert.equal(lookWords(said, shown), lookWords(said, recordedOf(RECORDED, WAYS[0])), `way ${i}`);
    const steps = ['Home', 'ArrowDown', 'End', 'x'].map((key) => stepAt(shown, key));
    assert.deepEqual(steps, [0, 2, 3, undefined]);
  }
});

test('equal is what has the same tokens and the same bits', () => {
  const changed = (change) => {
    const trace = traceOf(WAYS[1]);
    Object.assign(trace.steps[1], change);
    return trace;
  };
  assert.ok(isSame(traceOf(BOTH), changed({ ms: 7 })));
  assert.ok(!isSame(traceOf(BOTH), changed({ hash: 'x' })));
  assert.ok(!isSame(traceOf(BOTH), changed({ id: 10 })));
});

test('what is seen of it: a picture, sentences, a table, and nothing before it has come', () => {
  const said = SOUNDS.en;
  const tried = WAYS.map((way) => ({ way, trace: traceOf(way) }));
  const shown = { word: 'hi', way: BOTH, tried, passed: 2, head: { layer: 0, head: 1 }, slowness: 5000 };
  const picture = pictureOf(said, shown);
  assert.deepEqual([picture.letters, picture.shown, picture.current], [['h', 'i', '·'], 1, 0]);
  assert.deepEqual(picture.rows.map(({ input, sound }) => [input, sound]),
    [['start', 'h'], ['h', 'aɪ'], ['aɪ', 'end']]);
  assert.equal(rowsOf(said, shown).length, 1);
  assert.deepEqual([0, 1, 2, 4].map((passed) => stepWords(said, { ...shown, passed })),
    ['start', 'start', '1 of 3: h', '3 of 3: end']);
  assert.match(lookWords(said, shown), /^For \/h\/, head 2 of layer 1 looks at “h” \(90%\)/);
  assert.match(cacheWords(said, shown).cross, /600 B\. Filled once, read 1 time\./);
  assert.match(cacheWords(said, { ...shown, passed: 1 }).cross, /Filled once\.$/);
  const all = { ...shown, way: WAYS[3], passed: 4 };
  assert.equal(pictureOf(said, all).projected, 3);
  assert.match(cacheWords(said, all).self, /computed 6 times for 3 rows/);
  assert.match(payoffWords(said, all),
    /^With neither, the sounds take 1\.6 times the multiply-adds and 2 times the time/);
  tried[3].trace.steps[0].hash = 'other';
  assert.equal(payoffWords(said, all), said.differs);
});

const client = new DeskClient();
after(() => client.dispose());

test('the request "trace": each choice of caches, the same bits; the run is another one', async () => {
  await client.request('load', { url: MODEL.href });
  const traces = [];
  for (const { self, cross } of WAYS) {
    traces.push(await client.request('trace', {
      source: 'knight', maxTokens: 40, useCache: self, useCrossCache: cross }));
  }
  const [cached] = traces;
  assert.equal(soundsOf(cached).join(' '), 'N AY1 T');
  for (const trace of traces) assert.ok(isSame(trace, cached));
  assert.deepEqual(traces.map((trace) => costOf(trace, cached).projected), [1, 4, 1, 4]);
  assert.deepEqual(traces.map((trace) => costOf(trace, cached).rows), [4, 4, 10, 10]);
  assert.ok(traces.every(({ steps }) => steps.every(({ ms }) => ms > 0 && ms < 1000)));
  assert.equal(cached.looks.weights.length, 3 * 4 * 4 * 7); // layers, heads, sounds, letters

  const { tried } = recordedOf(RECORDED, BOTH);
  const counted = ({ steps, bytes, source }) => (
    [bytes, source, steps.map(({ id, text, macs, crossMacs, rows }) => [id, text, macs, crossMacs, rows])]);
  for (const [i, { way, trace }] of tried.entries()) {
    assert.deepEqual([way, counted(trace)], [WAYS[i], counted(traces[i])], 'npm run record');
    assert.ok(isSame(trace, tried[0].trace));
  }
  for (const [i, share] of tried[0].trace.looks.weights.entries()) {
    assert.ok(Math.abs(share - cached.looks.weights[i]) < 1e-4);
  }

  const model = await loadModel(MODEL);
  const session = model.createSession({ capacity: 8 });
  await session.setSource('knight');
  session.append([0]);
  for (const [step, { hash, id }] of cached.steps.entries()) {
    assert.equal(session.logitsHash, hash);
    assert.deepEqual(looksAt(cached.looks, 7, step, { layer: 2, head: 1 }),
      [...session.crossAttentionWeights(2, 1)]);
    if (id !== null) session.append([id]);
  }
  model.dispose();
  const { position } = await client.request('status');
  assert.equal(position, 0, 'no run was begun');
  const short = await client.request('trace', { source: 'knight', maxTokens: 2 });
  assert.deepEqual(soundsOf(short), ['N', 'AY1']);
  const refused = (fields, code = 'invalid_argument') => (
    assert.rejects(client.request('trace', fields), { code }));
  await refused({ source: ['knight'], maxTokens: 3 });
  await refused({ source: 'knight', maxTokens: 0 });
  await refused({ source: 'knight', maxTokens: 3, useCache: 'no' });
  await client.request('load', { url: new URL('../stories/', MODEL).href });
  await refused({ source: 'knight', maxTokens: 3 }, 'unsupported');
});
