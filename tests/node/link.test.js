// A figure's state in an address, and the code to embed it: what goes out comes back, and what comes in from
// anybody is checked and clamped.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { VIEWS, attributeOf, textOf, valueOf } from '../../web/demo/attributes.js';
import { LINKED, embedCode, encodeState, parseState } from '../../web/demo/link.js';
import { splitMix64 } from './golden.js';

test('a state travels in an address', () => {
  const state = { prompt: 'A fox & a "hen"\n50 % = more?', seed: 7, cache: 'race', maxTokens: 40, topP: 0.9 };
  const query = encodeState(state);
  assert.equal(query, 'p=A+fox+%26+a+%22hen%22%0A50+%25+%3D+more%3F&cache=race&n=40&seed=7&top-p=0.9');
  for (const written of [query, `?${query}`, `#${query}`]) assert.deepEqual(parseState(written), state);
  assert.deepEqual(parseState(''), {});
  assert.equal(encodeState({ seed: null, cache: undefined }), '', 'the model’s own needs no word');
  assert.equal(encodeState({ prompt: '', cache: 'off' }), 'p=&cache=off');
  assert.deepEqual(parseState('p='), { prompt: '' });
});

const draw = splitMix64(12n);
const below = (n) => Number(draw() >> 32n) % n;
const pick = (list) => list[below(list.length)];
const CHARACTERS = [...'aZ \n\t&=+%#?"<é漢🦊\u202e\0'];

/** Any value that an attribute can have. */
function anyValue({ kind, choices, min, max, whole }) {
  if (kind === 'choice') return pick(choices);
  if (kind === 'text') return Array.from({ length: below(40) }, () => pick(CHARACTERS)).join('');
  const names = new Set(Array.from({ length: 1 + below(5) }, () => pick(VIEWS)));
  if (kind === 'names') return [...names].join(' ');
  const value = min + (max - min) * (below(1000) / 999);
  return whole ? Math.round(value) : value;
}

test('any state comes back as it was', () => {
  for (let i = 0; i < 500; i++) {
    const chosen = LINKED.filter(() => below(2) === 0);
    const state = Object.fromEntries(chosen.map((attribute) => [attribute.property, anyValue(attribute)]));
    assert.deepEqual(parseState(encodeState(state)), state);
  }
});

const HOSTILE = [
  '', '?', '#', '&&&', '===', '%', '%zz', '%E0%A4%A', 'p', 'p=%FF', 'p=\ud800', 'p=%00', 'seed', 'seed=',
  'seed=NaN', 'seed=-1', 'seed=1e400', 'seed=0x10', 'seed=7;drop', 'seed=٧', 'n=Infinity', 'n=1e99', 'n=-5',
  'temperature=-0', 'temperature=2,5', 'top-p=0', 'cache=true', 'cache=ON', 'cache=__proto__', '__proto__=1',
  'constructor=1', 'views=constructor', 'views=story,story,evil', 'pace=1e9', 'pace=0.4',
  'src=https://evil.example/',
  'wasm=https://evil.example/x.wasm', 'autorun=', 'weights=int8', `p=${'x'.repeat(1e6)}`, '&'.repeat(1e6),
  `views=${'chart,'.repeat(1e5)}`, 'p=1&p=2', 'p=%F0%9F%A6',
];

test('hostile addresses give nothing but values that an attribute can have', () => {
  const properties = LINKED.map(({ property }) => property);
  const random = Array.from({ length: 300 }, () => Array.from({ length: below(60) },
    () => pick(['p=', 'seed=', 'views=', 'n=', '&', '%', ...CHARACTERS, '9', '-', 'e'])).join(''));
  for (const query of [...HOSTILE, ...random]) {
    const state = parseState(query);
    for (const [property, value] of Object.entries(state)) {
      assert.ok(properties.includes(property), `${property} in ${query.slice(0, 80)}`);
      const attribute = attributeOf(property);
      assert.deepEqual(valueOf(attribute, textOf(attribute, value)), value, query.slice(0, 80));
    }
    assert.ok(encodeState(state).length < 200_000);
    assert.deepEqual(parseState(encodeState(state)), state, query.slice(0, 80));
  }
  assert.deepEqual(parseState('seed=-1&n=1e99&top-p=0&pace=1e9&temperature=99&cache=ON'),
    { seed: 0, maxTokens: 2 ** 20, topP: 0.01, pace: 1000, temperature: 10, cache: 'on' });
  assert.deepEqual(parseState('seed=7;drop&n=0x10&temperature=2,5&views=evil&src=//evil.example'), {});
  assert.deepEqual(parseState('views=proof,evil,chart'), { views: 'proof chart' });
  assert.equal(parseState(`p=${'x'.repeat(1e6)}`).prompt.length, 16384);
  assert.equal(parseState('p=a%0D%0Ab%0Dc').prompt, 'a\nb\nc', 'as a field gives it back');
});

const STATE = { prompt: '"Who are you?" asked <b>the fox</b> & ran\naway', seed: 7, cache: 'on' };
const BASE = 'https://example.org/kv/';

/** The attributes of the one element of this name, as a parser of HTML reads them. */
function attributesIn(html, tag) {
  const [, inside] = html.match(new RegExp(`<${tag}((?: [\\w-]+="[^"<>]*")*)>`));
  return Object.fromEntries([...inside.matchAll(/ ([\w-]+)="([^"]*)"/g)].map(([, name, value]) => (
    [name, value.replace(/&#(\d+);/g, (_, code) => String.fromCharCode(code))])));
}

test('embed code: the tag, with its script', () => {
  const html = embedCode('tag', STATE, BASE);
  assert.ok(html.startsWith(`<script type="module" src="${BASE}kv-cache-demo.js"></script>\n`));
  assert.deepEqual(attributesIn(html, 'kv-cache-demo'), { prompt: STATE.prompt, cache: 'on', seed: '7' });
  assert.match(html, /<\/kv-cache-demo>\n$/);
  assert.equal(embedCode('tag', {}, BASE).split('\n')[1], '<kv-cache-demo></kv-cache-demo>');
});

test('embed code: a frame of this site, and of the single file beside the article', () => {
  for (const [kind, page] of [['iframe', `${BASE}embed.html`], ['file', 'kv-cache-demo.html']]) {
    const { src, title, height, ...rest } = attributesIn(embedCode(kind, STATE, BASE), 'iframe');
    const [address, query] = src.split('?');
    assert.equal(address, page);
    assert.deepEqual(parseState(query), STATE);
    assert.ok(title && Number(height) > 300);
    assert.equal(rest.style, undefined, 'a policy of the host may forbid it');
    assert.equal(attributesIn(embedCode(kind, {}, BASE), 'iframe').src, page);
  }
  assert.ok(!embedCode('iframe', {}, 'https://a.example/"><script>/').includes('"><script>'));
});
