// The manuals are true: their examples run and print what their comments say, their tables list what the code
// has, and their links lead somewhere.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, readFile, readdir, stat, writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { brotliCompressSync } from 'node:zlib';
import { CachedAttention, ERROR_CODES, KVCache } from 'kvcache-wasm';
import { camelCase } from '../../web/cli/options.js';
import { SAMPLING_OPTIONS } from '../../web/cli/sampling.js';
import { Model } from '../../web/session/model.js';
import { GENERATE_OPTIONS } from '../../web/session/sampling.js';
import { Session } from '../../web/session/session.js';
import { filesOf } from '../hosts/snippets.js';

const ROOT = new URL('../../', import.meta.url);
const read = (path) => readFile(new URL(path, ROOT), 'utf8');
const run = promisify(execFile);
const manual = await read('web/README.md');
const embedding = (await readdir(new URL('web/docs/embedding/', ROOT)))
  .map((file) => `web/docs/embedding/${file}`);

const PRINTED = {
  'README.md': [/^Once upon a time.{40,}\ntrue\n$/s],
  'web/README.md': [
    /^true 35\n3\ntrue\ntrue\n$/,
    /^10 8\ntrue\ntrue 256\n$/,
    /^true\ntrue\n$/,
    /^4 true\n192\n\[ 1, 4, 3, 16 \] 208\n$/,
    /^5050 4950 50\.5\n67\n36\n$/,
    /^17\ntrue\n$/,
  ],
};

for (const [name, printed] of Object.entries(PRINTED)) {
  test(`the examples of ${name} run and print what they say`, async () => {
    const examples = [...(await read(name)).matchAll(/^```js\n(.*?)^```$/gms)].map((match) => match[1]);
    assert.equal(examples.length, printed.length);
    await mkdir(new URL('build/', ROOT), { recursive: true });
    for (const [i, example] of examples.entries()) {
      // Within the package, so that its own name resolves.
      const file = fileURLToPath(new URL(`build/${name.replace('/', '-')}-example-${i}.mjs`, ROOT));
      await writeFile(file, example);
      const { stdout, stderr } = await run(process.execPath, [file], { cwd: fileURLToPath(ROOT) });
      assert.match(stdout, printed[i]);
      assert.equal(stderr, '');
    }
  });
}

// ---- tables -------------------------------------------------------------------------------------

/** The names in the first column of a table of the manual. */
function listed(title, columns) {
  const head = title.replace(/[()]/g, '\\$&');
  const table = new RegExp(`^\\| ${head} ${columns}\\n\\| ---.*\\n((?:\\|.*\\n)+)`, 'm');
  const [, rows] = manual.match(table) ?? assert.fail(`there is no table "${title}"`);
  const cells = rows.split('\n').map((row) => row.split(' | ')[0]).join();
  const names = [...cells.matchAll(/`(\w+)[^`]*`/g)].map(([, name]) => name);
  assert.equal(new Set(names).size, names.length, `${title} lists a name twice`);
  return names.sort();
}

/** The public names of a class, those of its base included, and of what its constructor puts there. */
function namesOf(Class, fields) {
  const names = new Set(fields);
  for (let from = Class.prototype; from !== Object.prototype; from = Object.getPrototypeOf(from)) {
    for (const name of Object.getOwnPropertyNames(from)) if (name !== 'constructor') names.add(name);
  }
  return [...names].sort();
}

const SIZES = [
  'batchSize', 'maxSeqLen', 'numLayers', 'numHeads', 'headDim', 'keyType', 'valueType', 'whenFull', 'sinks',
  'policy', 'recent',
];
const CLASSES = [
  ['Of a model', Model, ['loadModel', 'config', 'generation', 'weights', 'variant', 'sampledIds']],
  ['Of a session', Session, ['capacity', 'sourceCapacity']],
  ['Of a KVCache', KVCache, SIZES],
  ['Of a CachedAttention', CachedAttention, ['cache']],
];

for (const [title, Class, fields] of CLASSES) {
  test(`"${title}" lists exactly what the class has`, () => {
    assert.deepEqual(listed(title, '\\| \\|'), namesOf(Class, fields));
  });
}

/** The properties of an options type, wherever it is declared. */
async function propertiesOf(type) {
  const declaration = new RegExp(`@typedef \\{object\\} ${type}\\b(.*?)(?:@typedef|\\*/)`, 's');
  const files = await readdir(new URL('web/', ROOT), { recursive: true });
  for (const file of files.filter((path) => path.endsWith('.js'))) {
    const [, body] = (await read(`web/${file}`)).match(declaration) ?? [];
    if (body) return [...body.matchAll(/@property \{.*?\} \[?(\w+)/g)].map(([, name]) => name).sort();
  }
  return assert.fail(`no file declares ${type}`);
}

const OPTIONS = [
  ['loadModel()', 'LoadOptions'], ['createSession()', 'SessionOptions'], ['generate()', 'GenerateOptions'],
  ['new KVCache()', 'KVCacheOptions'], ['new CachedAttention()', 'CachedAttentionOptions'],
  ['enableKVCache()', 'EnableOptions'], ['applyChatTemplate()', 'ChatOptions'],
];

for (const [what, type] of OPTIONS) {
  test(`"Option of ${what}" lists exactly the properties of ${type}`, async () => {
    assert.deepEqual(listed(`Option of \`${what}\``, '\\| Default \\| \\|'), await propertiesOf(type));
  });
}

test('the options of generate() that the command takes are those that it is said to take', () => {
  const [, said] = manual.match(/^`generate\(\)` that both take: ((?:`--[a-z-]+`[, \n]*)+)\./m);
  assert.deepEqual(said.match(/[a-z]+(?:-[a-z]+)*/g), Object.keys(SAMPLING_OPTIONS));
  const names = Object.keys(SAMPLING_OPTIONS).map(camelCase);
  assert.deepEqual(names.filter((name) => !GENERATE_OPTIONS.includes(name)), []);
});

test('the error codes that the manual names exist', () => {
  const codes = [...manual.matchAll(/`([a-z]+(?:_[a-z]+)+)`/g)].map(([, code]) => code);
  assert.ok(codes.includes('cache_full') && codes.includes('outputs_differ'));
  assert.deepEqual(codes.filter((code) => !(code in ERROR_CODES)), []);
});

test('the README shows the medians of the results', async () => {
  const rowsOf = (text) => text.match(/^\| Weights \| Tokens of context .*\n\| ---.*\n((?:\|.*\n)+)/m)[1];
  const results = rowsOf(await read('tests/bench/RESULTS.md'));
  assert.equal(rowsOf(await read('README.md')), results.replace(/ \([^)]*\)/g, ''));
});

test('every address of the package names this release and a file that it has', async () => {
  const { version } = JSON.parse(await read('package.json'));
  for (const page of ['README.md', ...embedding]) {
    for (const [url] of (await read(page)).matchAll(/https:\/\/cdn\.jsdelivr\.net\/[^\s"`>)']*/g)) {
      const [, release, file] = url.match(/\/npm\/kvcache-wasm@([\d.]+)\/(dist\/.*)$/) ?? [];
      assert.equal(release, version, `${page}: ${url}`);
      assert.doesNotMatch(file, /\.html$/, `${page}: the network gives pages out as text`);
      await stat(new URL(file, ROOT)).catch(() => assert.fail(`${page}: ${url}`));
    }
  }
});

test('the snippets that hosts are tried with ask our own server', async () => {
  let files = 0;
  for (const page of embedding) {
    for (const [name, text] of Object.entries(filesOf(await read(page), 'http://here/'))) {
      assert.doesNotMatch(text, /jsdelivr|YOUR-SITE/, `${page}: ${name}`);
      if (text.includes('http://here/')) files++;
    }
  }
  assert.ok(files > 5);
});

test('no two trainings of the recipe go on from the same checkpoint', async () => {
  const recipe = (await read('src/train/README.md')).replaceAll('\\\n', ' ');
  const folders = [...recipe.matchAll(/src\/train\/train\.py .*/g)].map(
    ([command]) => command.match(/--work (\S+)/)?.[1] ?? 'build/train');
  assert.ok(folders.length > 1);
  assert.deepEqual([...new Set(folders)], folders);
});

// ---- sizes --------------------------------------------------------------------------------------

const DIST = new URL('dist/', ROOT);

/** A script of the site, and what it imports before it can begin. */
async function startOf(file, found = new Set()) {
  if (found.has(file)) return found;
  found.add(file);
  const text = await readFile(new URL(file, DIST), 'utf8');
  for (const [, name] of text.matchAll(/\b(?:from|import)"\.\/([^"]+)"/g)) await startOf(name, found);
  return found;
}

/** Thousands of bytes as they come over the network. */
async function compressed(files) {
  const each = await Promise.all(files.map((file) => readFile(new URL(file, DIST))));
  return each.reduce((sum, bytes) => sum + brotliCompressSync(bytes).length, 0) / 1e3;
}

test('sizes are those of the files, to one in the last digit', async () => {
  const [registers, library] = ['kv-cache-demo.js', 'kvcache-wasm.js'];
  const first = await startOf(registers);
  const text = await readFile(new URL(registers, DIST), 'utf8');
  const [, figure] = text.match(/"\.\/(kv-cache-demo-inside-\w+\.js)"/);
  const later = [...await startOf(figure)].filter((file) => !first.has(file));
  const sizeOf = async (file) => (await stat(new URL(file, DIST))).size;
  const [lone, page, whole] = await Promise.all(
    [library, 'kv-cache-demo.html', 'kv-cache-demo.inline.js'].map(sizeOf));
  const bundlers = 'web/docs/embedding/bundlers.md';
  const expected = [
    ['web/README.md', /Some (\d+) KB are fetched at first/, await compressed([...first])],
    ['web/README.md', /at first, (\d+) KB more/, await compressed(later)],
    ['CHANGELOG.md', /and (\d+) KB come before the first click/, await compressed([...first, ...later])],
    [bundlers, /inside \((\d+) KB, /, lone / 1e3],
    [bundlers, /KB, (\d+) KB with Brotli/, await compressed([library])],
    ['web/docs/embedding/lms.md', /one page of ([\d.]+) MB/, page / 1e6],
    ...['web/README.md', ...embedding].map((name) => [name, /inside[^.\d]* ?\(?([\d.]+) MB/, whole / 1e6]),
  ];
  let said = 0;
  for (const [name, words, size] of expected) {
    const [, number] = (await read(name)).match(words) ?? [];
    if (number === undefined) continue;
    said++;
    assert.ok(Math.abs(number - size) < (number.includes('.') ? 0.1 : 1), `${name}: ${words} is ${size}`);
  }
  assert.equal(said, 10);
});

// ---- links --------------------------------------------------------------------------------------

test('every file and folder that the manuals link to, or list as a file, is there', async () => {
  const entries = await readdir(new URL('tests/', ROOT), { withFileTypes: true });
  const rings = entries.filter((entry) => entry.isDirectory()).map(({ name }) => `tests/${name}/`);
  const folders = ['', 'src/', 'web/', ...rings, 'tests/bench/peers/'];
  const pages = [...folders.map((folder) => `${folder}README.md`), 'tests/bench/RESULTS.md', ...embedding,
    '.github/CONTRIBUTING.md', '.github/SECURITY.md'];
  for (const page of pages) {
    const text = await read(page);
    const links = [...text.matchAll(/\]\(([^)#:]+)\)/g)].map(([, link]) => link);
    const tables = embedding.includes(page) ? '' : text; // those tell of another folder's files
    const cells = [...tables.matchAll(/^\| (`.*?`) \|/gm)].map(([, cell]) => cell);
    const files = cells.flatMap((cell) => cell.match(/[\w./-]+\.\w+/g) ?? []);
    for (const path of [...links, ...files]) {
      await stat(new URL(path, new URL(page, ROOT))).catch(() => assert.fail(`${page}: ${path}`));
    }
  }
});

/** What the first cells of a manual's tables name, of paths like these. */
const namedIn = (text, path) => text.split('\n').filter((line) => line.startsWith('| `'))
  .flatMap((line) => [...line.split(' | ')[0].matchAll(/`([^`]+)`/g)].map(([, name]) => name))
  .filter((name) => path.test(name));

test('the tables of files name each file once, and no other', async () => {
  const sources = await readdir(new URL('web/', ROOT), { recursive: true });
  const named = namedIn(manual, /^[a-z]+\/[\w/.-]*(?:\.js|\/)$/);
  assert.deepEqual(named.filter((name, i) => named.indexOf(name) !== i), [], 'named twice');
  const rooms = new Set(named.map((name) => name.split('/')[0]));
  const folders = named.filter((name) => name.endsWith('/'));
  const missing = sources.filter((file) => /^[a-z]+\/.*\.js$/.test(file) && rooms.has(file.split('/')[0])
    && !named.includes(file) && !folders.some((folder) => file.startsWith(folder)));
  assert.deepEqual(missing, [], 'not named');
  assert.deepEqual(named.filter((name) => !sources.includes(name.replace(/\/$/, ''))), [], 'not there');
  const files = (await readdir(new URL('tests/browser/', ROOT))).filter((file) => file.endsWith('.test.js'));
  assert.deepEqual(namedIn(await read('tests/browser/README.md'), /\.test\.js$/).sort(), files.sort());
});
