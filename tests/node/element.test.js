// <kv-cache-demo> where there are no elements, and what its attributes mean; the manual and
// custom-elements.json say the same.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import {
  ATTRIBUTES, OTHERS, VIEWS, attributeOf, textOf, valueOf, viewsIn,
} from '../../web/demo/attributes.js';
import { isUsedBy } from '../../web/demo/keys.js';
import { views, viewsNamed } from '../../web/demo/views/index.js';

const ROOT = new URL('../../', import.meta.url);

test('both modules can be imported without a document, and do nothing then', async () => {
  const before = Object.keys(globalThis);
  const { KvCacheDemo } = await import('../../web/demo/element.js');
  const registering = await import('../../web/demo/kv-cache-demo.js');
  assert.equal(registering.KvCacheDemo, KvCacheDemo);
  assert.deepEqual(Object.keys(globalThis), before);
  assert.deepEqual(KvCacheDemo.observedAttributes, [...ATTRIBUTES.map(({ name }) => name), ...OTHERS]);
  const { version } = JSON.parse(await readFile(new URL('package.json', ROOT), 'utf8'));
  assert.equal(KvCacheDemo.version, version);
  for (const { property } of ATTRIBUTES) assert.ok(property in KvCacheDemo.prototype, property);
});

const value = (property, text) => valueOf(attributeOf(property), text);

test('what an attribute says, or else what holds without it', () => {
  assert.equal(value('seed', null), null);
  assert.equal(value('seed', ' 7 '), 7);
  assert.equal(value('seed', '7.6'), 8);
  assert.equal(value('seed', '-3'), 0);
  assert.equal(value('seed', '1e20'), 2 ** 32 - 1);
  for (const text of ['', 'seven', '7a', 'NaN', 'Infinity', '0x7', '1,5', '--1']) {
    assert.equal(value('seed', text), null, text);
    assert.equal(value('pace', text), 0, text);
  }
  assert.equal(value('temperature', '.5'), 0.5);
  assert.equal(value('topP', '0'), 0.01);
  assert.equal(value('cache', 'RACE '), 'race');
  assert.equal(value('cache', 'yes'), 'off');
  assert.equal(value('theme', null), 'auto');
  assert.equal(value('autorun', ''), true);
  assert.equal(value('autorun', 'false'), true, 'as HTML has it: it is there');
  assert.equal(value('autorun', null), false);
  assert.equal(value('prompt', 'a\r\nb\rc\ud800'), 'a\nb\nc\ufffd');
  assert.equal(value('prompt', ''), '');
  assert.equal(value('views', ' Chart,story chart '), 'chart story');
  assert.equal(value('views', ' , '), VIEWS.join(' '));
  assert.deepEqual(viewsIn('story benchmarks'), { views: ['story'], unknown: ['benchmarks'] });
});

test('a property writes what its attribute reads', () => {
  for (const attribute of ATTRIBUTES) {
    const { preset, kind, choices = [], min, max } = attribute;
    const samples = { choice: choices, number: [min, max], flag: [true, false], names: ['story chart'],
      text: ['', 'A "fox"'], address: ['a/b?c=d'] }[kind];
    for (const sample of samples) assert.equal(valueOf(attribute, textOf(attribute, sample)), sample);
    for (const nothing of [null, undefined, NaN]) {
      assert.equal(valueOf(attribute, textOf(attribute, nothing)), preset, attribute.name);
    }
  }
});

test('the views that can be named are those of the figure that are not always there', () => {
  const named = views.filter(({ always }) => !always).map(({ view }) => view.name);
  assert.deepEqual([...named].sort(), [...VIEWS].sort());
  const always = views.length - VIEWS.length;
  const shown = viewsNamed(['table', 'chart']).map(({ view }) => view.name);
  assert.equal(shown.length, always + 2);
  assert.deepEqual(shown.slice(-2), ['table', 'chart']);
  assert.equal(viewsNamed([]).length, always);
  assert.equal(viewsNamed(), views);
});

test('the keys of each kind of control, and those that stay the host’s', () => {
  const matching = (selector) => ({ matches: (list) => list.split(', ').includes(selector) });
  const [field, button, box, nothing] = ['input', 'button', '[tabindex="0"]', 'p'].map(matching);
  for (const key of ['a', '/', 'Escape', 'ArrowLeft', ' ', 'Enter']) assert.ok(isUsedBy(field, key), key);
  for (const key of [' ', 'Enter']) assert.ok(isUsedBy(button, key), key);
  for (const key of [' ', 'ArrowDown', 'End']) assert.ok(isUsedBy(box, key), key);
  for (const key of ['a', '/', 'Escape', 'ArrowLeft']) assert.ok(!isUsedBy(button, key), key);
  for (const target of [field, button, box, nothing]) assert.ok(!isUsedBy(target, 'Tab'));
  for (const key of ['a', ' ', 'Enter', 'ArrowDown']) assert.ok(!isUsedBy(nothing, key), key);
});
