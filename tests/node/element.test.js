// <kv-cache-demo> where there are no elements, and what its attributes mean; the manual and
// custom-elements.json say the same.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import {
  ATTRIBUTES, OTHERS, USUAL, VIEWS, attributeOf, textOf, valueOf, viewsIn,
} from '../../web/demo/attributes.js';
import { isUsedBy } from '../../web/demo/keys.js';
import { nameOf, views, viewsNamed } from '../../web/demo/views/index.js';
import { elementIn, manual, readManifest } from './manual.js';

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
  assert.equal(value('views', ' , '), USUAL.join(' '));
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
  const named = views.filter(({ always }) => !always).map(nameOf);
  assert.deepEqual([...named].sort(), [...VIEWS].sort());
  const always = views.length - VIEWS.length;
  const shown = viewsNamed(['benchmark', 'table', 'chart']).map(nameOf);
  assert.equal(shown.length, always + 3);
  assert.deepEqual(shown.slice(-3), ['benchmark', 'table', 'chart']);
  assert.deepEqual(viewsNamed(['benchmark']).map(nameOf), ['announcer', 'benchmark']);
  assert.equal(viewsNamed(), views);
});

test('the usual views are there from the start; of the others, the place is known', () => {
  const isLater = (placed) => 'load' in placed;
  assert.deepEqual(views.filter(isLater).map(nameOf).sort(),
    VIEWS.filter((name) => !USUAL.includes(name)).sort());
  for (const { room } of views.filter(isLater)) assert.ok(room > 0);
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

// ---- custom-elements.json and the manual ----------------------------------------------------------

const manifest = await readManifest();
const element = elementIn(manifest);
const names = (list) => list.map(({ name }) => name);
const source = (path) => readFile(new URL(path, ROOT), 'utf8');

test('custom-elements.json has the shape of its schema, 2.1', () => {
  assert.equal(manifest.schemaVersion, '2.1.0');
  const [module, ...others] = manifest.modules;
  assert.deepEqual(others, []);
  assert.equal(module.kind, 'javascript-module');
  assert.deepEqual(module.exports.map(({ kind, name }) => [kind, name]),
    [['js', 'KvCacheDemo'], ['custom-element-definition', 'kv-cache-demo']]);
  for (const { declaration } of module.exports) assert.equal(declaration.name, element.name);
  assert.deepEqual([element.kind, element.tagName, element.customElement], ['class', 'kv-cache-demo', true]);
  const { attributes, members, events, cssProperties, cssParts, slots } = element;
  for (const { kind, name } of members) assert.ok(name && ['field', 'method'].includes(kind), name);
  for (const { type } of [...attributes, ...events]) assert.equal(typeof type.text, 'string');
  for (const { description } of [...attributes, ...events, ...cssProperties, ...cssParts, ...slots]) {
    assert.ok(description.length > 5 && !description.endsWith('.'));
  }
});

/** The type of a property, as an editor shows it. */
function typeOf({ kind, choices, preset }) {
  if (kind === 'choice') return choices.map((choice) => `'${choice}'`).join(' | ');
  if (kind === 'number') return preset === null ? 'number | null' : 'number';
  return kind === 'flag' ? 'boolean' : 'string';
}

test('it names the attributes of the table, their properties, types, ranges and presets', () => {
  assert.deepEqual(names(element.attributes), [...names(ATTRIBUTES), ...OTHERS]);
  const fields = element.members.filter(({ attribute }) => attribute);
  assert.deepEqual(fields.map(({ attribute }) => attribute), names(element.attributes));
  for (const attribute of ATTRIBUTES) {
    const { name, property, kind, preset, min, max } = attribute;
    const said = element.attributes.find((one) => one.name === name);
    const field = fields.find((one) => one.attribute === name);
    assert.deepEqual([said.fieldName, field.name, field.reflects], [property, property, true], name);
    assert.deepEqual([said.type.text, field.type.text], Array(2).fill(typeOf(attribute)), name);
    const usual = typeof preset === 'string' ? `'${preset}'` : String(preset);
    assert.equal(said.default, preset === null || preset === '' ? undefined : usual, name);
    if (kind !== 'number') continue;
    assert.match(said.description, new RegExp(`^(Whole, from|From) ${min} to ${max}\\. `), name);
  }
});

test('it names the methods, events and custom properties that there are', async () => {
  const { KvCacheDemo } = await import('../../web/demo/element.js');
  for (const { kind, name, static: own } of element.members) {
    const { [name]: found } = Object.getOwnPropertyDescriptors(own ? KvCacheDemo : KvCacheDemo.prototype);
    const type = typeof found?.value;
    if (kind === 'method') assert.equal(type, 'function', name);
    else if (own) assert.equal(type, 'string', name);
  }
  const methods = Object.getOwnPropertyNames(KvCacheDemo.prototype).filter((name) => (
    name !== 'constructor' && name !== 'state' && !name.endsWith('Callback')));
  assert.deepEqual(names(element.members.filter(({ kind }) => kind === 'method')), methods);
  const events = [...(await source('web/demo/events.js')).matchAll(/@property \{(\w+Detail)\} (\w+)/g)];
  assert.deepEqual(element.events.map(({ name, type }) => [name, type.text]),
    events.map(([, detail, name]) => [`kv-${name}`, `CustomEvent<${detail}>`]));
  const used = (await source('web/demo/demo.css')).match(/--kvc-[a-z-]+/g);
  assert.deepEqual(names(element.cssProperties).sort(), [...new Set(used)].sort());
});

test('the manual has the same table: node tests/node/manual.js writes it', async () => {
  const { text, wanted } = await manual();
  assert.equal(text, wanted);
  assert.ok(text.includes('| `--kvc-on` |') && text.includes('| `::part(go)` |'));
});
