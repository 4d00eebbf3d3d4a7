// What the demo says: every language says all of it, with its own numbers, and nothing is said in the code
// of the views.
import assert from 'node:assert/strict';
import { readFile, readdir } from 'node:fs/promises';
import { test } from 'node:test';
import { loadModel } from 'kvcache-wasm';
import { ERROR_CODES } from '../../web/engine/errors.js';
import { numbersIn } from '../../web/measure/numbers.js';
import { STORIES } from '../../web/demo/recorded/stories.js';
import { memoryFact } from '../../web/demo/views/facts.js';
import { failureText } from '../../web/demo/words.js';
import { CHOICE } from '../../web/demo/words/choice.js';
import { CALCULATOR } from '../../web/demo/words/calculator.js';
import { DICTIONARIES as SHARED, wordsFor } from '../../web/demo/words/index.js';
import { EDIT } from '../../web/demo/words/edit.js';
import { FRAME } from '../../web/demo/words/frame.js';
import { LAB } from '../../web/demo/words/lab.js';
import { LENS } from '../../web/demo/words/lens.js';
import { MEASURED } from '../../web/demo/words/measured.js';
import { RACE } from '../../web/demo/words/race.js';
import { LOOKS } from '../../web/demo/words/looks.js';
import { SOUNDS } from '../../web/demo/words/sounds.js';
import { SOUNDS_ABSENT } from '../../web/demo/words/sounds-absent.js';
import { STEP } from '../../web/demo/words/step.js';
import { MAP } from '../../web/demo/words/map.js';
import { TEXT } from '../../web/demo/words/text.js';
import { STRIPS } from '../../web/demo/words/strips.js';
import { TOUR } from '../../web/demo/words/tour.js';
import { WINDOW } from '../../web/demo/words/window.js';
import { WINDOW_ABSENT } from '../../web/demo/words/window-absent.js';
import { WORK } from '../../web/demo/words/work.js';
import { notStarted } from '../../web/demo/words/shell.js';

/** With the words that come with a view. */
const LATER = {
  calculator: CALCULATOR,
  choice: CHOICE,
  edit: EDIT,
  frame: FRAME,
  lab: LAB,
  lens: LENS,
  measured: MEASURED,
  race: RACE,
  looks: LOOKS,
  strips: STRIPS,
  sounds: SOUNDS,
  soundsAbsent: SOUNDS_ABSENT,
  step: STEP,
  map: MAP,
  text: TEXT,
  tour: TOUR,
  window: WINDOW,
  windowAbsent: WINDOW_ABSENT,
  work: WORK,
};
const DICTIONARIES = Object.fromEntries(Object.entries(SHARED).map(([language, dictionary]) => (
  [language, { ...dictionary, ...Object.fromEntries(Object.entries(LATER).map(([name, words]) => (
    [name, words[language]]))) }])));
const { en, ...others } = DICTIONARIES;
const FREE = ['failures']; // said before what is English
const DATE = '2026-01-05T09:07:00.000Z';

/** Every entry of a dictionary, by its path: "status.writing.on". */
function entriesOf(dictionary, path = '') {
  return Object.entries(dictionary).flatMap(([key, value]) => {
    const name = path ? `${path}.${key}` : key;
    if (FREE.includes(name) || value === dictionary.format) return [];
    return typeof value === 'object' ? entriesOf(value, name) : [[name, value]];
  });
}

const SPOT = { position: 17, text: ' king', layer: 1, head: 2 };

/** What the functions of a dictionary are called with: what they take apart, or else numbers and names. */
const GIVEN = {
  'measured.place': [{
    date: DATE, build: 'simd', machine: { browser: 'B 1', system: 'S', logicalCores: 4 },
    config: { modelType: 'gpt2', nLayer: 1, nEmbd: 2, nHead: 3, vocabSize: 4000 },
  }],
  'benchmark.step': [{ weights: 'f32', context: 1000 }, 50],
  'benchmark.second': ['int8'],
  'measured.notLoaded': ['int8'],
  'measured.copied': ['JSON'],
  'choice.sizes': [{
    kind: 'llama', parameters: 135e6, layers: 30, heads: 9, shared: 3, numbers: 64, vocabulary: 49152,
    positions: 8192,
  }],
  'choice.use': ['a model', 3e8],
  'status.stalled': ['model.safetensors'],
  'story.caughtUp': [2, '3 ms'],
  'sampling.allowed': [{ whole: true, above: false, min: 0, max: 1 }],
  'chart.last': ['on', 1234.5, 7],
  'numbers.nowMeans': [[{ tokens: 2, ms: 1.5 }]],
  'facts.memoryMeans': [
    { layers: 1, heads: 2, numbers: 3, used: 4, room: 5, usedBytes: 6000, freedBytes: 9,
      totalBytes: 7000 }],
  'proof.equalRest': ['prompt', 3],
  'proof.differentRest': ['text', 3],
  'calculator.type': ['int8', { each: 1, scale: 4, block: Infinity }],
  'calculator.formula': [{
    parts: [{ layers: 2, tokens: 512 }, { layers: 1, tokens: 8192 }], heads: 1, numbers: 256,
    each: 1, scale: 4, texts: 2, bytes: 3e6,
  }],
  'take.download': ['SVG'],
  'take.saved': ['a.svg'],
  'table.counted': ['cache on'],
  'race.one': [{ on: 2, off: 1 }, 12],
  'race.other': [{ on: 1, off: 2 }],
  'race.besides': [{ on: 100, off: 200 }, 30],
  'text.prompt': [{ total: 9, new: 2, again: 0, kept: 7, past: 0 }],
  'text.source': [5, false, { total: 1 }],
  'text.on': [3, { total: 9, new: 1, again: 2, kept: 0, past: 0 }],
  'text.off': [3, { total: 9, new: 1, again: 8, kept: 0, past: 0 }],
  'text.holds': [3, 4000, true],
  'text.token.bytes': [{ layers: 2, heads: 3, numbers: 4, each: 1, scale: 4, bytes: 96 }],
  'text.token.vector': ['K', 3, -1, 1],
  'frame.download': ['SVG'],
  'frame.saved': ['a.svg'],
  'edit.some': [12, 28, { ms: 1.5, error: 0.01 }, { ms: 2.5, error: 0.01 }],
  'edit.none': [28, { ms: 2.5, error: 0.01 }, { ms: 2.6, error: 0.01 }],
  'edit.stale.tried': [14, 'woman', 'giant'],
  'frame.source': [{ model: 'm', day: '1 Jan 2026', machine: 'a laptop', recorded: true }],
  'work.step': ['on', 3, 1],
  'strips.prompt': [{ step: 0, rows: 3, met: 3, sinks: 0 }],
  'strips.source': [5, false, { step: 0, rows: 1, met: 1, sinks: 0 }],
  'strips.on': [{ step: 2, rows: 3, met: 2, sinks: 0 }],
  'strips.off': [{ step: 131, rows: 140, met: 60, sinks: 16 }],
  'map.cell.there': [SPOT, 3, 2],
  'map.cell.missing': [SPOT],
  'map.cell.freed': [SPOT],
  'map.cell.free': [SPOT],
  'map.cell.vector': ['K', 44, -1.5, 2],
  'map.fork.said': [
    { both: 2, copied: 1, own: 1, pages: 2, used: 5e5, apart: 7e5, dropped: 4e5 }],
  'map.memory.formula': [{ layers: 3, heads: 4, numbers: 44, each: 1, scale: 4, tokens: 5, bytes: 5760 }],
  'map.memory.here': [40, [{ type: 'f16', error: 0.01 }]],
  'map.memory.cost': [[{ type: 'f16', error: 0.01 }]],
  'map.memory.rooms': [{ allocated: 4e6, slots: 1024, pages: 64, session: 7e6 }],
  'lens.failed': ['No.'],
  'lens.head': [1, 2, 0.5],
  'lens.alone': [{ text: 'a', position: 1, layer: 1, head: 2, first: 1, self: 1, sum: 1 }],
  'lens.reads': [{
    text: 'a', position: 3, seen: 3, layer: 1, head: 2, first: 0.5, self: 0.2, sum: 1,
    other: { text: 'b', position: 2, share: 0.3 },
  }],
  'sounds.payoff': ['none', 2, 3],
  'sounds.problems.letters': ['4'],
  'sounds.step': [1, 4, 'n'],
  'sounds.looks': [{ sound: 'n', letters: [{ letter: 'k', share: 0.9 }, { share: 0.1 }], layer: 1, head: 2 }],
  'sounds.same': [{ steps: 4, ways: 2, hash: '0123456789abcdef' }],
  'sounds.table.share': ['k', 0.5],
  'window.says': [{
    tokens: 2000, place: 120, capacity: 128, sinks: 16, gone: { first: 16, count: 1872 }, bytes: 2e5,
    whole: 4e6,
  }],
  'window.spot': [{ token: 1984, last: 1999, place: 96, turned: 112 }],
  'window.equalRest': [3072, '0123456789abcdef'],
  'window.losses.said': [{
    sinks: 4.5, plain: 4.6, near: { sinks: 4.4, whole: 4.3 }, far: { sinks: 4.5, whole: 7 },
  }, 128],
  'window.losses.reading': ['A', 0.5],
  'window.losses.again': [{ times: 24, same: 0.9, kl: 0.02, slower: 40, bits: 4.5, slid: 4.4 }],
  'recorded.on': ['2026-01-05', 'a laptop'],
};

/** What an entry says. */
const sentenceOf = ([name, entry]) => (
  typeof entry === 'function' ? entry(...GIVEN[name] ?? Array(entry.length || 1).fill(1234.5)) : entry);

test('every language has the same entries, of the same kinds, and none of them is empty', () => {
  const shape = (dictionary) => entriesOf(dictionary).map(([name, entry]) => (
    `${name}: ${typeof entry}${Array.isArray(entry) ? entry.length : ''}`));
  assert.ok(entriesOf(en).length > 150);
  for (const [language, dictionary] of Object.entries(DICTIONARIES)) {
    assert.deepEqual(shape(dictionary).sort(), shape(en).sort(), language);
    assert.equal(dictionary.lang, language);
    for (const entry of entriesOf(dictionary)) {
      const said = sentenceOf(entry);
      assert.ok(typeof said === 'string' && said.trim() !== '', `${language}: ${entry[0]} says nothing`);
      assert.doesNotMatch(said, /undefined|null|NaN|\[object|\$\{|  /, `${language}: ${entry[0]}`);
    }
  }
});

test('what is translated is translated: no sentence is the English one', () => {
  for (const [language, dictionary] of Object.entries(others)) {
    const english = new Map(entriesOf(en).map((entry) => [entry[0], sentenceOf(entry)]));
    const same = entriesOf(dictionary).filter((entry) => {
      const said = sentenceOf(entry);
      return said === english.get(entry[0]) && said.trim().split(' ').length > 2; // names and units are alike
    });
    assert.deepEqual(same.map(([name]) => name), [], language);
  }
});

test('a failure has a sentence in each language for every code, before the engine’s own', () => {
  const codes = [...Object.keys(ERROR_CODES).filter((code) => code !== '__proto__'),
    'internal', 'worker_lost'];
  for (const [language, { failures }] of Object.entries(others)) {
    assert.deepEqual(Object.keys(failures).sort(), codes.sort(), language);
    for (const code of codes) assert.match(failures[code], /^[A-ZÄÖÜ].*[.]$/, `${language}: ${code}`);
  }
  const failure = { code: 'file_unreachable', message: 'No such file.', offline: true };
  assert.equal(failureText(en, failure), 'No such file. You seem to be offline.');
  assert.equal(failureText(others.de, failure),
    'Eine Datei ließ sich nicht laden. No such file. Anscheinend besteht keine Verbindung zum Internet.');
  const unknown = failureText(others.de, { ...failure, code: 18 });
  assert.match(unknown, /^Auf dieser Seite ist etwas schiefgegangen\. No such/);
  const refused = { what: 'promptTooLong', tokens: 1200, room: 1024 };
  assert.equal(failureText(others.de, { code: 'context_full', message: 'x', refused, offline: false }),
    'Der Anfang ist zu lang: Er hat 1.200 Tokens, und das Modell hat Platz für 1.024. Auf 85 % seiner Länge '
      + 'kürzen.');
});

test('what is said beside the switch is short: on a narrow phone it has room for two lines', () => {
  for (const [language, { status, advice, controls, recorded }] of Object.entries(DICTIONARIES)) {
    const said = [
      [status.unloaded, advice.first.on], [status.unloaded, advice.first.off], [status.ready, advice.ready],
      [status.writing.on, advice.switchOff], [status.writing.off, advice.switchOn],
      [status.slowing, advice.switchOn],
      ...[status.stopped, status.finished, status.over, status.full].flatMap((end) => (
        [[end(1000), advice.again], [end(1000), advice.onward]])),
      [recorded.on(STORIES.date, STORIES.machine[language]), recorded.run],
      [status.racing, controls.locked], [status.loadingRival, controls.locked],
      [status.gaveWay, advice.retry], [status.gaveWay, advice.again], [status.loadStopped, advice.retry],
      [status.loadingBytes(4.9e6, 4.9e6)], [status.waiting],
    ].map((both) => both.join(' '));
    assert.deepEqual(said.filter(({ length }) => length > 83), [], language);
  }
});

test('numbers are written as the readers of a language write them', () => {
  const { measured, counted, megabytes, plain } = numbersIn('de');
  assert.deepEqual([measured(1234.5), measured(0.0456), counted(1234567), megabytes(4.93e6), plain(0.05)],
    ['1.230', '0,0456', '1.234.567', '4,9 MB', '0,05']);
  assert.equal(counted(1234.5), '1.234,5');
  assert.equal(numbersIn('en').counted(1234.5), '1,234.5');
  const shares = [0, 8e-32, 0.00034, 0.0777, 0.9949, 0.995, 0.99999, 1 - 2 ** -24, 1];
  assert.deepEqual(shares.map(numbersIn('en').share),
    ['0%', '<0.01%', '0.034%', '7.8%', '99%', '>99%', '>99%', '100%', '100%']);
  assert.deepEqual([8e-32, 0.0777, 0.999].map(numbersIn('de').share),
    ['<0,01\u00a0%', '7,8\u00a0%', '>99\u00a0%']);
  assert.equal(others.de.prompt.count(1, 1000), '1 Token von 1.000');
  assert.equal(others.de.prompt.count(1000, 1000), '1.000 Tokens von 1.000');
  const place = others.de.measured.place(...GIVEN['measured.place']);
  assert.match(place, /^Gemessen am 05\.01\.2026 um 09:07 Uhr .*, Vokabular 4\.000\.$/);
});

test('a language is found by any tag that a browser may give, and English is there for all others', () => {
  for (const tag of ['de', 'DE', 'de-AT', 'de-CH-1996', 'de_DE', 'de_DE.UTF-8', 'de@euro']) {
    assert.equal(wordsFor(tag), SHARED.de, tag);
    assert.equal(notStarted(tag).lang, 'de', tag);
  }
  for (const tag of ['en', 'en-GB', 'en-US@posix', 'C', '', '-', 'fr', 'den', 'ca@valencia', 'sr-RS@latin',
    'constructor', '__proto__', 'x-klingon']) {
    assert.equal(wordsFor(tag), SHARED.en, tag);
    assert.equal(notStarted(tag).lang, 'en', tag);
  }
  for (const language of Object.keys(DICTIONARIES)) assert.equal(notStarted(language).lang, language);
});

test('all that is said stands in the dictionaries: there are no words in the code beside them', async () => {
  const demo = new URL('../../web/demo/', import.meta.url);
  const files = (await readdir(demo, { recursive: true }))
    .filter((file) => file.endsWith('.js') && !file.startsWith('words/'));
  assert.ok(files.length >= 25);
  const said = [];
  for (const file of files) {
    const code = codeOf(await readFile(new URL(file, demo), 'utf8'));
    for (const [, named, , text] of code.matchAll(STRINGS)) {
      if (!named && isSaid(text)) said.push(`${file}: ${text}`);
    }
  }
  assert.deepEqual(said.filter((each) => !NOT_SAID.some((pattern) => pattern.test(each))), []);
  const style = await readFile(new URL('demo.css', demo), 'utf8');
  const contents = [...style.replace(/\/\*.*?\*\//gs, '').matchAll(/[\s;{]content:\s*([^;}]*)/g)];
  assert.ok(contents.length > 0);
  for (const [, content] of contents) assert.match(content, /^(none|""|attr\(.*\))$/);
});

test('the memory of a cache, as it is said, multiplies out: of shipped models, with a window', async () => {
  const entries = await readdir('web/models', { withFileTypes: true });
  const folders = entries.filter((entry) => entry.isDirectory()).map(({ name }) => `web/models/${name}`);
  assert.ok(folders.length >= 3);
  for (const folder of [...folders, 'tests/fixtures/mistral-bf16']) {
    const model = await loadModel(folder, { tokenizer: false });
    const session = model.createSession({ capacity: 60 });
    if (model.config.encoder) await session.setSource([5, 6, 7]);
    session.prefill(Array.from({ length: 50 }, (_, i) => i % 7));
    const memory = session.memoryUsage();
    for (const words of Object.values(DICTIONARIES)) {
      const [, means] = memoryFact(words.facts, memory, model.config);
      const [said] = means.split(';');
      const [, terms, given = '0', sum] = said.match(/: (.*?)(?: - ([\d.,]+) .*?)? = ([\d.,]+)/);
      const factors = terms.split('×').map((term) => Number(/[\d.,]+/.exec(term)[0].replace(/[.,]/g, '')));
      assert.equal(factors.length, 6, said);
      const [product, back, used] = [factors.reduce((a, b) => a * b),
        ...[given, sum].map((number) => Number(number.replace(/[.,]/g, '')))];
      assert.equal(product - back, used, `${folder}: ${said}`);
      assert.equal(used, memory.usedBytes);
    }
    assert.equal(memory.freedBytes > 0, model.config.window !== undefined, folder);
    model.dispose();
  }
});

/** What is no sentence, or none in the language of the reader. */
const NOT_SAID = [
  /: (Enter|Escape|Chromium|Markdown|npm run bench)$/, // keys, names, a command
  /: \([a-z-]+: [a-z]+\)$/, // media queries
  /^element\.js: :host/, // a style sheet
  /^inside\.js: .*(knows no view|join)|^kv-cache-demo\.js: A second copy/, // for authors, in the console
  /^attributes\.js: Once upon a time|^broken\.js: (Once upon a time|\$\{BEGINNING\})/, // the model's language
  /^edit\.js: (That was|forest\.|That$|This$)/, // likewise
  /^(keys|link)\.js: (Tab|Home|End|<|input,|button,)/, // keys, selectors, HTML
  /^chapter\.js: |^window\.js: Once upon a time/, // likewise
  /^cache-size\.js: /, // names of models, and what others have said
  /^report\.js: /, // for issues and tables, English everywhere
  /^(views\/prompt|lessons\/\w+)\.js: /, // beginnings, in the model's language
];

/** Strings, those that only name something apart. */
const STRINGS = /((?:\b(?:case|class:|part:|type:|stage:)|===) )?(['`])((?:\\.|(?!\2).)*)\2/gs;

/** Without comments, imports, errors, which are the engine's or stop something, and what authors read. */
const codeOf = (text) => text.replace(/\/\*.*?\*\//gs, '').replace(/^import .*$/gm, '')
  .replace(/(^|[\s;{(])\/\/.*$/gm, '$1')
  .replace(/(?:new \w*(?:Error|Exception)|super|console\.\w+)\((?:[^()]|\([^()]*\))*\)/g, '');

/** Two words, or one that begins like a label. */
const isSaid = (text) => {
  const words = text.replace(/\$\{[^}]*\}/g, ' ');
  return /[\p{L}]{2,}[,.:]? [\p{L}]{2,}/u.test(words) || /^[A-ZÄÖÜ]\p{Ll}+[.:!?]?\s*$/u.test(words);
};
