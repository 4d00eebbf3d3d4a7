// From milliseconds to the speeds that the page shows, without a browser.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { firstDifference } from '../../web/demo/run.js';
import { Curves, Meter, WINDOW } from '../../web/demo/speed.js';
import { visible } from '../../web/demo/view.js';

const near = (value, wanted) => assert.ok(Math.abs(value / wanted - 1) < 1e-9, `${value} instead of ${wanted}`);
const fed = (times) => {
  const meter = new Meter();
  for (const ms of times) meter.add(ms);
  return meter;
};

test('ticks of the clock average out over a window', () => {
  const meter = fed(Array.from({ length: WINDOW }, (_, i) => (i % 4 === 0 ? 0.2 : 0.1))); // 0.125 ms a token, read with a 0.1 ms clock
  near(meter.now, 8000);
  near(meter.median, 8000);
  assert.equal(meter.windows, 1);
});

test('too short a window shows nothing: 1 ms cannot be told from 0.9', () => {
  assert.equal(fed([0.1, 0.2, 0.1]).now, undefined);
  assert.equal(fed([0.1, 0.2, 0.1]).median, undefined);
  near(fed([50]).now, 20); // one long token is enough
  assert.equal(fed([5, 0.6, 0.6]).now, undefined, 'a run that begins with an interruption');
  near(fed([5, 0.6, 0.6, 0.9]).now, 3000 / 2.1);
  assert.equal(fed(Array(WINDOW).fill(0)).now, undefined, 'nothing is infinitely fast');
});

test('the window slides: old tokens stop counting', () => {
  near(fed([...Array(WINDOW).fill(100), ...Array(WINDOW).fill(10)]).now, 100);
});

test('an interrupted token does not count, a slowdown does', () => {
  near(fed([...Array(WINDOW - 1).fill(0.2), 40]).now, 5000);
  near(fed(Array.from({ length: WINDOW }, (_, i) => 10 + i)).now, 1000 / 17.5);
  near(fed([...Array(WINDOW / 2).fill(10), ...Array(WINDOW / 2).fill(20)]).now, 1000 / 15);
});

test('the median is over full windows of one stretch', () => {
  const meter = fed([...Array(WINDOW).fill(10), ...Array(WINDOW).fill(20), ...Array(WINDOW).fill(50)]);
  assert.equal(meter.windows, 3);
  near(meter.median, 50);
  meter.breakStretch();
  for (let i = 0; i < WINDOW - 1; i++) meter.add(1);
  assert.equal(meter.windows, 3, 'a window that is not full does not count');
  near(meter.now, 1000);
  meter.add(1);
  assert.equal(meter.windows, 4);
  near(meter.median, 75);
});

test('curves keep the latest speed at each position, and compare where both have one', () => {
  const curves = new Curves();
  assert.equal(curves.contrast, undefined);
  for (let position = 5; position < 100; position++) curves.set('on', position, 1000);
  for (let position = 50; position < 80; position++) curves.set('off', position, 10);
  curves.set('on', 5, 2000);
  const [positions, on, off] = curves.columns;
  assert.equal(positions.length, 100);
  assert.deepEqual([on[4], on[5], on[6], off[49], off[50], off[80]], [null, 2000, 1000, null, 10, null]);
  assert.deepEqual(curves.last('off'), { position: 79, speed: 10 });
  assert.deepEqual([curves.contrast.on, curves.contrast.off], [1000, 10]);
  assert.ok(curves.contrast.position >= 50 && curves.contrast.position < 80);
  curves.clear();
  assert.equal(curves.length, 0);
});

test('where two texts part', () => {
  assert.equal(firstDifference([1, 2, 3], [1, 2, 3]), -1);
  assert.equal(firstDifference([1, 2, 3], [1, 9, 3]), 1);
  assert.equal(firstDifference([1, 2], [1, 2, 3]), 2);
  assert.equal(firstDifference([], []), -1);
});

test('control and direction characters become visible, everything else stays', () => {
  assert.equal(visible('Käse 🧀\n\t“ok”'), 'Käse 🧀\n\t“ok”');
  assert.equal(visible('a\u0000b\u001bc\r'), 'a␀b␛c␍');
  assert.equal(visible('\u202eevil\u2066\u007f\u0085'), '⟨U+202E⟩evil⟨U+2066⟩⟨U+007F⟩⟨U+0085⟩');
});
