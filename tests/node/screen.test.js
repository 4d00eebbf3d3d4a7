// Where the command streams a text to: on a terminal a line at its bottom says how it goes and never gets
// into the text, however that wraps and scrolls; a pipe gets the text to the letter.
import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { test } from 'node:test';
import { Screen } from '../../web/cli/screen.js';
import { seeded } from './helpers.js';
import { Terminal } from './terminal.js';

const { signal } = new AbortController();
const STATUS = 'characters, said in a line that is longer than the terminal is wide';

/** Time goes on fast enough for a new line at the bottom at every call. */
function haste(t) {
  let now = 0;
  t.mock.method(performance, 'now', () => now += 1000);
}

/** The rows that a text takes, and what is on the screen above the last one, without blanks at the ends. */
const wrapped = (text, columns) => text.split('\n')
  .flatMap((line) => line.match(new RegExp(`.{1,${columns}}`, 'gu')) ?? ['']);
const plain = (lines) => lines.map((line) => line.trimEnd()).join('\n').trimEnd();

/** Words, among them some up to the very edge. */
const randomText = (random, columns) => Array.from({ length: 60 }, () => {
  if (random.below(9) === 0) return '\n';
  return random.below(5) === 0 ? 'x'.repeat(columns) : 'abcdefgh '.slice(random.below(8));
}).join('');

/** Writes it in pieces; after each of them both are where they should be. */
async function stream(screen, terminal, text, before, random) {
  let given = '';
  for (const piece of text.match(/.{1,5}|\n/gu)) {
    await screen.text(piece);
    given += piece;
    if (random.below(3) === 0) continue;
    screen.status(() => `${given.length} ${STATUS}`);
    assert.equal(terminal.lines.at(-1), `${given.length} ${STATUS}`.slice(0, terminal.columns - 1));
    assert.equal(plain(terminal.all.slice(0, -1)), plain([...before, ...wrapped(given, terminal.columns)]));
  }
}

test('on a terminal of any size the text and the line at the bottom do not meet', async (t) => {
  haste(t);
  const random = seeded(3);
  for (let round = 0; round < 40; round++) {
    const terminal = new Terminal(4 + random.below(8), 10 + random.below(20));
    const before = Array.from({ length: random.below(2 * terminal.rows) }, (_, i) => `earlier ${i}`);
    for (const line of before) terminal.write(`${line}\n`);
    const screen = new Screen(signal, terminal);
    const text = randomText(random, terminal.columns);
    screen.status(() => 'reading');
    await stream(screen, terminal, text, before, random);
    await screen.close();
    assert.deepEqual(terminal.region, [1, terminal.rows], 'all of it scrolls again');
    assert.equal(plain(terminal.all), plain([...before, ...wrapped(text, terminal.columns)]));
    terminal.write('$ ');
    assert.ok(terminal.lines.some((line) => line === '$ '), 'what follows begins a line');
  }
});

test('a terminal that changes its height keeps the text, and the line stays at the bottom', async (t) => {
  haste(t);
  const terminal = new Terminal(8, 20);
  const screen = new Screen(signal, terminal);
  screen.status(() => 'reading');
  for (let i = 0; i < 12; i++) await screen.text(`line ${i}\n`);
  screen.status(() => 'going on');
  for (const rows of [12, 6, 20, 5]) {
    terminal.resize(rows);
    assert.equal(terminal.lines.at(-1), 'going on');
    await screen.text(`of ${rows}\n`);
    assert.equal(terminal.all.filter((line) => line === 'going on').length, 1);
  }
  await screen.close();
  const lines = [...Array.from({ length: 12 }, (_, i) => `line ${i}`), 'of 12', 'of 6', 'of 20', 'of 5'];
  assert.equal(plain(terminal.all), lines.join('\n'));
  assert.equal(terminal.listenerCount('resize'), 0);
});

test('the line is drawn ten times a second at most, and nowhere without a place for it', async (t) => {
  let now = 0;
  t.mock.method(performance, 'now', () => now += 30);
  const terminal = new Terminal(6, 20);
  let drawn = 0;
  const screen = new Screen(signal, terminal);
  for (let i = 0; i < 100; i++) screen.status(() => `${drawn++}`);
  await screen.close();
  assert.equal(drawn, 25);
  const low = new Terminal(3, 20);
  new Screen(signal, low).status(() => 'too much');
  assert.deepEqual(low.all, ['', '', '']);
});

test('a terminal shows what would steer it; a pipe gets it as it is', async () => {
  const hostile = 'a\x1b[2J\x07\x9bc\r\x7f\tb\n';
  const terminal = new Terminal(6, 40);
  await new Screen(signal, terminal).text(hostile.replace('\t', ' '));
  assert.equal(terminal.lines[0], 'a\ufffd[2J\ufffd\ufffdc\ufffd\ufffd b');
  const write = (text) => Boolean(pipe.got += text);
  const pipe = Object.assign(new EventEmitter(), { got: '', write });
  const screen = new Screen(signal, pipe);
  screen.status(() => 'no');
  await screen.aside('no');
  await screen.text(hostile);
  await screen.text('end');
  await screen.close();
  assert.equal(pipe.got, `${hostile}end\n`);
});

test('a slow reader is waited for, until the work is stopped', async () => {
  const controller = new AbortController();
  const pipe = Object.assign(new EventEmitter(), { write: () => false });
  const screen = new Screen(controller.signal, pipe);
  let done = 0;
  const writing = screen.text('a').then(() => done++);
  await new Promise(setImmediate);
  assert.equal(done, 0);
  pipe.emit('drain');
  await writing;
  const stopped = screen.text('b');
  controller.abort();
  await stopped;
  await screen.text('c');
});
