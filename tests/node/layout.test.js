// The layout is a promise: data flows one way through the rooms, nothing goes in a circle, and files and
// functions stay small enough to read.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { test } from 'node:test';

const C_ROOMS = ['base', 'kernels', 'cache', 'model', 'forward', 'session', 'wasm', 'lab'];
const JS_ROOMS = [
  'engine',
  'models',
  'files',
  'config',
  'cache',
  'session',
  'blocks',
  'measure',
  'index.js',
  'lab',
  'lab.js',
  'worker',
  'demo',
  'embed',
  'page',
  'cli',
  'examples',
];
const MAX_FILE = 300,
  MAX_FUNCTION = 60,
  MAX_COLUMNS = { c: 90, h: 90, js: 110 };

const files = execFileSync(
  'git',
  ['ls-files', '--cached', '--others', '--exclude-standard', 'src', 'web', 'tests', 'include'],
  { encoding: 'utf8' },
)
  .trim()
  .split('\n');
const texts = new Map(
  files
    .filter((file) => /\.(c|h|js|css|html|py|mk|sh)$/.test(file))
    .map((file) => [file, readFileSync(file, 'utf8')]),
);
const sources = [...texts.keys()].filter((file) => /^(src|web)\//.test(file));

/** "src/cache/pages.c" -> "cache" */
const roomOf = (file) => file.split('/')[1];

/** Every #include of a file of ours by a file of src/. @returns {{ from: string, to: string }[]} */
function includes() {
  return sources
    .filter((file) => /\.[ch]$/.test(file))
    .flatMap((from) =>
      [...texts.get(from).matchAll(/#include "(.+?)"/g)]
        .filter(([, name]) => name !== 'kvc.h')
        .map(([, name]) => ({ from, to: `src/${name}` })),
    );
}

/** Every import within web/. @returns {{ from: string, to: string, type: boolean }[]} type: of types alone */
function imports() {
  const runtime =
    /^\s*(?:im|ex)port\b[^'"`;]*?from '(\..+?)'|^import '(\..+?)'|(?:await|=>|return) import\('(\..+?)'\)/gm;
  const types = /@import\b[^'"]*from '(\..+?)'|\{[^}\n]*import\('(\..+?)'\)/g;
  return sources
    .filter((file) => file.endsWith('.js'))
    .flatMap((from) => {
      const text = texts.get(from);
      const found = (pattern, type) =>
        [...text.matchAll(pattern)].map((match) => ({
          from,
          type,
          to: normalize(join(dirname(from), match.slice(1).find(Boolean))),
        }));
      return [...found(runtime, false), ...found(types, true)];
    });
}

/** The edges that lead to a room that comes later, and rooms that nobody knows. */
function upwards(edges, rooms) {
  const rank = (file) => rooms.indexOf(roomOf(file));
  return edges
    .filter(({ from, to }) => rank(from) < 0 || rank(to) < 0 || rank(to) > rank(from))
    .map(({ from, to }) => `${from} -> ${to}`);
}

/** A circle of edges as a path, or undefined. */
function circle(edges) {
  const next = Map.groupBy
    ? Map.groupBy(edges, ({ from }) => from)
    : edges.reduce((map, edge) => {
        map.set(edge.from, [...(map.get(edge.from) ?? []), edge]);
        return map;
      }, new Map());
  const done = new Set();
  const visit = (node, path) => {
    if (path.includes(node)) return [...path.slice(path.indexOf(node)), node];
    if (done.has(node)) return undefined;
    for (const { to } of next.get(node) ?? []) {
      const found = visit(to, [...path, node]);
      if (found) return found;
    }
    done.add(node);
    return undefined;
  };
  for (const node of next.keys()) {
    const found = visit(node, []);
    if (found) return found.join(' -> ');
  }
  return undefined;
}

/** A .c file and its header are one unit. */
const unit = (file) => file.replace(/\.[ch]$/, '');

test('C: includes name the room, lead downwards, and never in a circle', () => {
  const edges = includes();
  assert.ok(edges.length > 60);
  for (const { from, to } of edges)
    assert.ok(texts.has(to), `${from} includes ${to}, which is not there under that name`);
  assert.deepEqual(upwards(edges, C_ROOMS), []);
  const units = edges
    .map(({ from, to }) => ({ from: unit(from), to: unit(to) }))
    .filter(({ from, to }) => from !== to);
  assert.equal(circle(units), undefined);
});

test('JavaScript: imports lead downwards, types too, and never in a circle', () => {
  const edges = imports();
  assert.ok(edges.filter(({ type }) => !type).length > 60);
  for (const { from, to } of edges) assert.ok(texts.has(to), `${from} imports ${to}, which is not there`);
  assert.deepEqual(upwards(edges, JS_ROOMS), []);
  assert.equal(circle(edges.filter(({ type }) => !type)), undefined);
});

test('the checks above see what they should', () => {
  assert.deepEqual(upwards([{ from: 'src/base/a.c', to: 'src/cache/b.h' }], C_ROOMS), [
    'src/base/a.c -> src/cache/b.h',
  ]);
  assert.deepEqual(upwards([{ from: 'src/attic/a.c', to: 'src/base/b.h' }], C_ROOMS), [
    'src/attic/a.c -> src/base/b.h',
  ]);
  assert.deepEqual(upwards([{ from: 'src/cache/a.c', to: 'src/base/b.h' }], C_ROOMS), []);
  const edge = (from, to) => ({ from, to });
  assert.equal(circle([edge('a', 'b'), edge('b', 'c'), edge('c', 'a')]), 'a -> b -> c -> a');
  assert.equal(circle([edge('a', 'b'), edge('a', 'c'), edge('b', 'c')]), undefined);
  assert.deepEqual(functions('js', 'class A {\n  f(x) {\n    if (x) {\n    }\n  }\n}\n'), [
    { line: 2, lines: 4 },
  ]);
  assert.deepEqual(functions('c', 'int f(int a,\n      int b)\n{\n    return a;\n}\n'), [
    { line: 3, lines: 3 },
  ]);
});

/** Where functions begin and how long they are, by the indentation that all files keep. */
function functions(kind, text) {
  const lines = text.split('\n');
  const begins =
    kind === 'js'
      ? /^(\s*)(?!.*\b(?:class|if|for|while|switch|catch|else|do|try)\b.*\{$).*(?:\)|=>) \{$/
      : /^()\{$/;
  return lines.flatMap((line, i) => {
    const indent = line.match(begins)?.[1];
    if (indent === undefined) return [];
    const end = lines.findIndex((other, j) => j > i && other.startsWith(`${indent}}`));
    return end < 0 ? [] : [{ line: i + 1, lines: end - i + 1 }];
  });
}

test(`src/, web/: no file over ${MAX_FILE} lines, no function over ${MAX_FUNCTION}`, () => {
  const long = sources
    .map((file) => [file, texts.get(file).split('\n').length - 1])
    .filter(([, lines]) => lines > MAX_FILE);
  assert.deepEqual(long, []);
  const slow = sources
    .filter((file) => /\.(c|js)$/.test(file))
    .flatMap((file) =>
      functions(file.endsWith('.c') ? 'c' : 'js', texts.get(file))
        .filter(({ lines }) => lines > MAX_FUNCTION)
        .map(({ line, lines }) => `${file}:${line}: ${lines} lines`),
    );
  assert.deepEqual(slow, []);
});

test('lines fit: 90 columns in C, 110 in JavaScript', () => {
  const wide = [...texts].flatMap(([file, text]) => {
    const most = MAX_COLUMNS[file.split('.').at(-1)] ?? Infinity;
    return text
      .split('\n')
      .flatMap((line, i) => (line.length > most ? [`${file}:${i + 1}: ${line.length} columns`] : []));
  });
  assert.deepEqual(wide, []);
});

test('seams: no lab in shipped C, no architecture outside its table, no ids outside the page', () => {
  const lines = (pattern, allowed) =>
    sources
      .filter((file) => /\.(c|h|js)$/.test(file) && !allowed.test(file))
      .filter((file) => pattern.test(texts.get(file)));
  assert.deepEqual(lines(/KVC_BUG|kvc_lab/, /^src\/lab\/|^web\/lab[./]/), []);
  assert.deepEqual(lines(/\barch == /, /^src\/model\/arch\//), []);
  assert.deepEqual(lines(/getElementById/, /^web\/(page|embed)\//), []);
});

test('styles: the sheet of a view leaves the classes of the figure alone, but inside its own', () => {
  const selectorsOf = (file) =>
    [...texts.get(file).replace(/\/\*.*?\*\//gs, '').matchAll(/([^{};]+)\{/g)]
      .map(([, selectors]) => selectors.trim())
      .filter((selectors) => !selectors.startsWith('@'))
      .flatMap((selectors) => selectors.split(/,(?![^(]*\))/).map((one) => one.trim()));
  const classes = (selector) => [...selector.matchAll(/\.([a-z][\w-]*)/g)].map(([, name]) => name);
  const figure = new Set(selectorsOf('web/demo/demo.css').flatMap(classes));
  assert.ok(figure.has('switch') && figure.has('word'));
  const sheets = sources.filter((file) => /^web\/demo\/(views|parts)\/.*\.css$/.test(file));
  assert.ok(sheets.length > 3);
  const leaks = sheets.flatMap((file) =>
    selectorsOf(file)
      .filter((selector) => classes(selector).length > 0)
      .filter((selector) => classes(selector).every((name) => figure.has(name)))
      .map((selector) => `${file}: ${selector}`),
  );
  assert.deepEqual(leaks, []);
});
