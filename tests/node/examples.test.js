// The programs of web/examples/programs/, run as they are: each prints what it says it does. Where a figure
// is measured, it is there; where one is computed, it is right.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const FOLDER = fileURLToPath(new URL('../../web/examples/programs/', import.meta.url));
const tested = new Set();

/** The lines that a program prints. */
async function linesOf(file, ...args) {
  tested.add(file);
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [join(FOLDER, file), ...args]);
  assert.equal(stderr, '');
  return stdout.trimEnd().split('\n');
}

test('generate.js: five ways to choose a token, one prompt in the cache', async () => {
  const lines = await linesOf('generate.js', 'Once upon a time');
  const held = lines.pop();
  assert.deepEqual(lines.map((line) => line.match(/^[\w-]+, \d of 4/)?.[0]),
    ['greedy, 0 of 4', 'temperature, 3 of 4', 'top-k, 3 of 4', 'nucleus, 3 of 4', 'combined, 3 of 4']);
  const texts = lines.map((line) => JSON.parse(line.slice(line.indexOf('"'))));
  assert.ok(texts.every((text) => text.startsWith('Once upon a time') && text.length > 40));
  assert.equal(new Set(texts).size, texts.length, 'each way its own text');
  assert.equal(held, `20 tokens cached, 4224 bytes each: ${20 * 4224} of ${128 * 4224}`);
});

test('drop-in.js: a decoder that knows no cache, the same tokens with one', async () => {
  const [off, on, same] = await linesOf('drop-in.js', '24');
  assert.match(off, /^cache off: 24 tokens in \d+ ms$/);
  assert.match(on, /^cache on: 24 tokens in \d+ ms$/);
  assert.equal(same, 'the same tokens: true');
});

test('cache-types.js: bytes as they follow from the types, errors that grow as they shrink', async () => {
  const lines = await linesOf('cache-types.js', 'Once upon a time there was a king who had three daughters.');
  const figures = lines.map((line) => {
    const [, bytes, all, error, same, of] = line.match(
      /(\d+) bytes a token, (\d+) in all; error (\S+) of .* token (\d+) of (\d+)$/).map(Number);
    assert.equal(all, 256 * bytes);
    assert.ok(same >= of - 1, line);
    return { bytes, error };
  });
  assert.deepEqual(figures.map(({ bytes }) => bytes), [4224, 2112, 1632, 1152, 912]);
  const [exact, half, mixed, small, smallest] = figures.map(({ error }) => error);
  assert.equal(exact, 0);
  assert.ok(half > 0 && half < mixed && mixed < small && small < smallest && smallest < 0.1,
    String(lines));
});

test('benchmark.js: both speeds at every length, and their curves', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'kvc-'));
  t.after(() => rm(folder, { recursive: true }));
  const file = join(folder, 'speed.svg');
  const lines = await linesOf('benchmark.js', file, '8,40', '2', '1');
  assert.equal(lines.pop(), `${file}: both curves`);
  assert.deepEqual(lines.map((line) => parseInt(line, 10)), [8, 40]);
  for (const line of lines) {
    const [, on, off, times] = line.match(/decode (\S+)\/s .*, (\S+)\/s without: (\S+) times/).map(Number);
    assert.ok(on > 0 && off > 0 && Math.abs(times - on / off) < 0.1 + 0.01 * times, line);
  }
  const svg = await readFile(file, 'utf8');
  const curves = [...svg.matchAll(/points="([^"]+)"/g)].map(([, points]) => points.split(' ').length);
  assert.deepEqual(curves, [2, 2]);
  assert.doesNotMatch(svg, /NaN|undefined|Infinity/);
});

// ---- models with an encoder ---------------------------------------------------------------------

const { words } = JSON.parse(await readFile(new URL('../fixtures/sounds.json', import.meta.url), 'utf8'));

const LAYERS = 3; // of the decoder of sounds

test('pronounce.js: each word read once, and the sounds of transformers, greedy and by beams', async () => {
  const asked = words.slice(0, 2);
  const lines = await linesOf('pronounce.js', ...asked.map(({ word }) => word));
  const [cached, source] = lines.splice(-2);
  for (const [i, { word, text, greedy, beams3 }] of asked.entries()) {
    assert.deepEqual(beams3, greedy);
    const [first, second, third] = lines.slice(3 * i, 3 * i + 3);
    assert.equal(first, `${word}, greedy, encoded now: ${text}`);
    assert.equal(second, `${word}, 3 beams, in the cross cache: ${text}`);
    assert.ok(third.startsWith(`${word}, drawn, in the cross cache: `), third);
  }
  const bytes = LAYERS * 2 * 128 * 4; // layers, keys and values, width, f32
  assert.match(cached, new RegExp(`^\\d+ tokens cached, ${bytes} bytes each: \\d+$`));
  const n = asked[1].source.length;
  assert.equal(source, `${n} of the source, ${bytes} bytes each: ${n * bytes}`);
});

test('two-caches.js: what each saves, counted and measured; the same hash four times', async () => {
  const { word, source, greedy } = words.find((one) => one.greedy.length > 15);
  const lines = await linesOf('two-caches.js', word);
  assert.deepEqual(lines.splice(-2),
    ['the same bits after each token: true', 'switched on and off while it writes: true']);
  const ways = lines.map((line) => line.match(/^cache (\w+), cross cache (\w+): (\d+) tokens in (\S+) ms; /));
  assert.deepEqual(ways.map(([, own, cross]) => `${own} ${cross}`), ['on on', 'on off', 'off on', 'off off']);
  assert.ok(ways.every(([, , , tokens]) => Number(tokens) === greedy.length), String(lines));
  assert.ok(ways.every(([, , , , ms]) => Number(ms) > 0), String(lines));
  const counted = lines.map((line) => line.match(/adds: (\d+) through .*, (\d+) for keys and .*; (\w{16})$/));
  const once = source.length * LAYERS * 2 * 128 * 128; // layers, keys and values, width to width
  const passes = greedy.length + 1; // the start token's too
  assert.deepEqual(counted.map(([, , macs]) => Number(macs)), [once, once * passes, once, once * passes]);
  const [on, same, off, none] = counted.map(([, macs]) => Number(macs));
  assert.ok(on === same && off === none && off > passes / 3 * on, String(lines));
  assert.equal(new Set(counted.map(([, , , hash]) => hash)).size, 1);
});

test('source-types.js: both caches in f16 take half, in int8 about a quarter; the same word', async () => {
  const lines = (await linesOf('source-types.js', words[0].word)).map((line) => line.match(
    /^(\w+): (\d+) bytes for the text, (\d+) for the source; error (\S+) of .*: true$/));
  const rows = { f32: 4 * 128, f16: 2 * 128, int8: 128 + 4 * 4 }; // with a scale for each of 4 heads
  assert.deepEqual(lines.map(([, type, text, source]) => [type, Number(text), Number(source)]),
    Object.entries(rows).map(([type, row]) => [type, 48 * LAYERS * 2 * row, 32 * LAYERS * 2 * row]));
  const [f32, f16, int8] = lines.map((line) => Number(line[4]));
  assert.ok(f32 === 0 && f16 > 0 && int8 > f16 && int8 < 0.05, String(lines));
});

test('benchmark-sources.js: four speeds for each length of a source, and bars as long as these', async () => {
  const lines = await linesOf('benchmark-sources.js', '8,16', '12', '1');
  assert.equal(lines.length, 12);
  const bars = [];
  for (const [i, tokens] of [8, 16].entries()) {
    const [head, ...rest] = lines.slice(6 * i, 6 * i + 6);
    assert.match(head, new RegExp(`^${tokens} tokens of source, read at \\d+/s; behind 12 of text`));
    const ways = rest.slice(0, 4).map((line) => line.match(/ (#+) (\d+) \(\d+ to \d+\)$/));
    bars.push(...ways.map(([, bar, rate]) => ({ length: bar.length, rate: Number(rate) })));
    const [both, , , neither] = ways.map(([, , rate]) => Number(rate));
    const [, times] = rest[4].match(/^both are (\S+) times as fast .*: \w{16}$/);
    assert.ok(Math.abs(times - both / neither) < 0.1 + 0.02 * times, rest[4]);
  }
  const most = Math.max(...[bars[0], bars[4]].map(({ rate }) => rate)); // with both caches: 40 characters
  for (const { length, rate } of bars) assert.ok(Math.abs(length - 40 * rate / most) <= 1.1, String(lines));
});

test('tales.js: a tale of the second storyteller with either weights, and what its cache takes', async () => {
  const lines = await linesOf('tales.js', 'The old woman', '3');
  const figures = lines.map((line) => line.match(/^(f32|int8): 120 tokens at \d+\/s; (.*)$/)).filter(Boolean);
  const cache = `2 heads of keys for 6 of queries, ${4 * 2 * 2 * 32 * 4} bytes a token`;
  assert.deepEqual(figures.map(([, weights, words]) => [weights, words]), [['f32', cache], ['int8', cache]]);
  assert.equal(lines.filter((line) => line.startsWith('The old woman')).length, 2);
});

// ---- what else one does with a cache ------------------------------------------------------------

test('grow.js: room that doubles, less memory, the same bits', async () => {
  const lines = await linesOf('grow.js', '140');
  const rooms = lines.slice(0, -2)
    .map((line) => line.match(/room for (\d+) in (\d+) bytes$/).slice(1).map(Number));
  assert.deepEqual(rooms.map(([room]) => room), [64, 128, 256]);
  const [, all] = lines.at(-2).match(/^room for 1024 from the start: (\d+) bytes$/);
  assert.ok(rooms.every(([, bytes], i) => bytes > (rooms[i - 1]?.[1] ?? 0) && bytes < all));
  assert.equal(lines.at(-1), 'the same logits, to the last bit: true');
});

test('selective.js: bytes by the layers that are cached, the same bits', async () => {
  const lines = await linesOf('selective.js', '32');
  const layer = 32 * 2 * 64 * 4; // tokens, keys and values, width, f32
  for (const [i, [cached, scratch]] of [[8, 0], [3, 1], [0, 1]].entries()) {
    const right = `${cached} of 8 layers cached: ${(cached + scratch) * layer} bytes, 32 tokens in `;
    assert.ok(lines[i].startsWith(right) && lines[i].endsWith('to the last bit: true'), lines[i]);
  }
  const [all, some, none] = lines.map((line) => Number(line.match(/in (\d+) ms/)[1]));
  assert.ok(all < some && some < none, String(lines));
});

test('adaptive.js: within its budget narrower and narrower, and the error is said', async () => {
  const figures = /^(\d+) tokens in (\w+): (\d+) of 32768 bytes, room for (\d+), error (\S+) of the largest/;
  const lines = (await linesOf('adaptive.js')).map((line) => line.match(figures).slice(1));
  assert.deepEqual(lines.map((line) => line.slice(0, 4).join()), [
    '1,f32,32768,16', '16,f32,32768,16', '17,f16,32768,32', '32,f16,32768,32', '33,int8,30720,48',
    '48,int8,30720,48',
  ]);
  const [, f32, f16, , , int8] = lines.map((line) => Number(line[4]));
  assert.ok(f32 < 1e-5 && f16 > f32 && int8 > f16 && int8 < 0.05, String(lines));
});

test('evict.js: what a full cache keeps, and what is refused', async () => {
  assert.deepEqual(await linesOf('evict.js'), [
    'slide, after 1000 tokens, 984 evicted: 0 1 2 3 988 989 990 991 992 993 994 995 996 997 998 999',
    'stop, after 16 tokens: 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15',
    'attention: 0 1 2 10 20 30 40 50 60 93 94 95 96 97 98 99',
    'keynorm: 0 84 85 86 87 88 89 91 92 93 94 95 96 97 98 99',
    'evict(4, 8): 0 1 2 3 12 13 14 15',
    'error: cache_full',
    'a session whose positions are learned: unsupported',
    'a session that slides by attention: 54 of 150 tokens, the first 16 and the last 32 among them: true; '
      + 'looked at: true',
  ]);
});

test('slide.js: on past the context, the same bytes, the bits of no cache, not of a new one', async () => {
  const lines = await linesOf('slide.js');
  const held = [250, 500, 750, 1000].map((n) => n - 16 * Math.max(0, Math.ceil((n - 256) / 16)));
  assert.deepEqual(lines.slice(0, 5), [
    ...held.map((n, i) => `${250 * (i + 1)} tokens, ${n} in the cache: ${2048 * n} bytes`),
    'the same bits without a cache: true',
  ]);
  const [, away, times] = lines[5].match(/^the 252 .* anew: ([\d.]+) nats away, .* (\d) of 8 times$/);
  assert.ok(Number(away) > 0 && Number(away) < 0.02 && Number(times) >= 7, lines[5]);
});

test('persist.js: gone on with from a file, bit for bit; broken files change nothing', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'kvc-'));
  t.after(() => rm(folder, { recursive: true }));
  const [saved, ...rest] = await linesOf('persist.js', join(folder, 'session.kvc'));
  assert.match(saved, /^saved after 24 tokens: \d+ bytes$/);
  assert.deepEqual(rest, [
    'restored: 24 of 24 tokens need no computing', 'the same text: true', 'the same bits: true',
    'cut short: state_invalid; as it was: true', 'altered: state_invalid; as it was: true',
  ]);
});

test('stream.js: up to a stop string, aborted, left, and gone on with', async () => {
  const lines = await linesOf('stream.js');
  const [ended, aborted, left] = lines.splice(-3);
  assert.doesNotMatch(lines.join('\n'), /\./);
  assert.ok(lines.join('').length > 10);
  assert.equal(ended, 'ended by: stop, "."');
  assert.match(aborted, /^aborted after 5 tokens; the session has 8$/);
  assert.equal(left, 'left the loop: stopped; 8 tokens were reused');
});

test('every program is tested above', async () => {
  assert.deepEqual([...tested].sort(), (await readdir(FOLDER)).sort());
});
