// The page for those who come from Python: each name of ours on it exists, takes the options that it is shown
// with, and each file is there; its numbers are those that the package computes.
import assert from 'node:assert/strict';
import { readFile, stat } from 'node:fs/promises';
import { test } from 'node:test';
import * as kvc from 'kvcache-wasm';
import { CACHED_ATTENTION_OPTIONS } from '../../web/blocks/attention-options.js';
import { ENABLE_OPTIONS } from '../../web/blocks/enable-cache.js';
import { KV_CACHE_OPTIONS } from '../../web/cache/options.js';
import { table as chat } from '../../web/cli/commands/chat.js';
import { table as generate } from '../../web/cli/commands/generate.js';
import { MEMORY_OPTIONS, SPEEDUP_OPTIONS } from '../../web/measure/tables.js';
import { COMPARISON_OPTIONS } from '../../web/measure/benchmark.js';
import { SOURCE_BENCHMARK } from '../../web/measure/sources.js';
import { Model } from '../../web/session/model.js';
import { SESSION_OPTIONS } from '../../web/session/options.js';
import { GENERATE_OPTIONS } from '../../web/session/sampling.js';
import { Session } from '../../web/session/session.js';

const PAGE = new URL('../../web/docs/coming-from-python.md', import.meta.url);
const page = await readFile(PAGE, 'utf8');

/** What the page calls objects, and what they are. */
const CLASSES = { cache: kvc.KVCache, attention: kvc.CachedAttention, session: Session, model: Model };
const COMMANDS = { chat, generate };

/** The options of each call that is shown with some. */
const OPTIONS = {
  'new KVCache': KV_CACHE_OPTIONS,
  'new CachedAttention': CACHED_ATTENTION_OPTIONS,
  'model.createSession': SESSION_OPTIONS,
  'session.generate': GENERATE_OPTIONS,
  enableKVCache: ENABLE_OPTIONS,
  benchmarkComparison: COMPARISON_OPTIONS,
  benchmarkSources: SOURCE_BENCHMARK,
  analyzeMemory: MEMORY_OPTIONS,
  analyzeSpeedup: SPEEDUP_OPTIONS,
  'model.forward': ['cache', 'row'], // of a model that is not ours, once its cache is enabled
  'cache.update': ['row'],
  'cache.get': ['row'],
};
const KNOWN = [...KV_CACHE_OPTIONS, ...CACHED_ATTENTION_OPTIONS]; // that may stand alone

/** Whether a piece of code names what there is; else what is wrong with it. */
function wrong(code) {
  const command = code.match(/^npx kvcache-wasm (\w+) --([\w-]+) (\w+)$/);
  if (command) {
    const [, name, option, value] = command;
    return COMMANDS[name]?.[option]?.choices.includes(value) ? undefined : 'no such command';
  }
  if (code.startsWith('--') || /^\w+\/$|\.(js|c)$/.test(code)) return undefined; // a link's text
  const [, fresh, object, name, args] = code.match(/^(new )?(?:(\w+)\.)?(\w+)(?:\((.*)\))?$/) ?? [];
  if (!name) return 'not understood';
  if (name in kvc.ERROR_CODES || (args === undefined && KNOWN.includes(name))) return undefined;
  const call = `${fresh ?? ''}${object ? `${object}.` : ''}${name}`;
  const given = args?.match(/\{ (.*) \}/)?.[1].split(', ').map((option) => option.split(':')[0]) ?? [];
  const unknown = given.filter((option) => !OPTIONS[call]?.includes(option));
  if (unknown.length > 0) return `no option ${unknown}`;
  if (call === 'model.forward') return undefined;
  if (object) return object in CLASSES && memberOf(CLASSES[object], name, args !== undefined);
  return typeof kvc[name] === 'function' ? undefined : 'not exported';
}

/** @returns {string | undefined} what is wrong */
function memberOf(Class, name, isCalled) {
  for (let from = Class.prototype; from !== Object.prototype; from = Object.getPrototypeOf(from)) {
    const found = Object.getOwnPropertyDescriptor(from, name);
    if (found) return (typeof found.value === 'function') === isCalled ? undefined : 'a call, or none';
  }
  return 'no such member';
}

/** The cells of all tables, without their heads: what they say, what we have, how that compares. */
const rows = page.split('\n').filter((line, i, lines) => (
  line.startsWith('| ') && !line.startsWith('| ---') && !lines[i + 1]?.startsWith('| ---')))
  .map((line) => line.slice(1, -1).split('|').map((cell) => cell.trim()));

test('every name of ours is there, and takes what it is shown with', () => {
  let checked = 0;
  for (const [, ours, verdict] of rows) {
    for (const [, code] of `${ours} ${verdict}`.matchAll(/`([^`]+)`/g)) {
      assert.equal(wrong(code), undefined, code);
      checked++;
    }
  }
  assert.ok(checked > 60, `only ${checked}`);
});

test('the check finds what is not there', () => {
  for (const [code, words] of [
    ['cache.updates(layer)', 'no such member'], ['cache.position()', 'a call, or none'],
    ['new KVCache({ maxSeqLen, layers })', 'no option layers'], ['enableCache(model)', 'not exported'],
    ['npx kvcache-wasm chat --cache both', 'no such command'],
    ['session.generate(x, { top_k })', 'no option top_k'],
  ]) assert.equal(wrong(code), words, code);
});

test('every row says whether it is there, better or not; every file is', async () => {
  for (const [theirs, , verdict] of rows) {
    assert.match(verdict, /^(?:(?:there|better|other numbers|not)\b|`)/, theirs);
  }
  for (const [, link] of page.matchAll(/\]\(([^)#:]+)\)/g)) await stat(new URL(link, PAGE));
});

test('its numbers are those that the package computes', () => {
  const memory = (shape, type, lengths) => kvc.analyzeMemory({ types: [type], ...lengths && { lengths } })
    .find((row) => row.shape === shape);
  assert.equal((memory('GPT-2', 'f32').cacheBytes / 1e6).toFixed(1), '75.5');
  assert.equal((memory('GPT-2', 'f16').cacheBytes / 1e6).toFixed(1), '37.7');
  assert.equal((memory('GPT-3', 'f32').cacheBytes / 1e9).toFixed(1), '19.3');
  assert.equal((memory('GPT-3', 'f16').cacheBytes / 1e9).toFixed(2), '9.66');
  assert.equal((memory('GPT-3', 'f16').bytesPerToken / 1e6).toFixed(1), '4.7');
  assert.equal(Math.round(100 * memory('GPT-2', 'f32').share), 15);
  assert.equal((100 * memory('GPT-3', 'f32').share).toFixed(1), '2.8');
  const [{ projectionsOff, projectionsRedundant, projectionsSpeedUp, pairsSpeedUp }] = (
    kvc.analyzeSpeedup({ lengths: [100] }));
  assert.deepEqual([projectionsOff, projectionsRedundant], [5050, 4950]);
  assert.deepEqual([projectionsSpeedUp, pairsSpeedUp], [50.5, 67]);
});
