// From milliseconds to the speeds that the page shows, without a browser.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  addPoint, beginRun, columnOf, contrast, lastPoint, lengthOfCurves, noCurves,
} from '../../web/demo/curves.js';
import { WINDOW, breakStretch, measure, medianSpeed, newMeter } from '../../web/demo/meter.js';
import { visible } from '../../web/demo/parts/story-text.js';
import { firstDifference } from '../../web/demo/run.js';

const near = (value, wanted) => (
  assert.ok(Math.abs(value / wanted - 1) < 1e-9, `${value} instead of ${wanted}`));
const fed = (times, meter = newMeter()) => times.reduce(measure, meter);

test('ticks of the clock average out over a window', () => {
  // 0.125 ms a token, read with a 0.1 ms clock
  const meter = fed(Array.from({ length: WINDOW }, (_, i) => (i % 4 === 0 ? 0.2 : 0.1)));
  near(meter.now, 8000);
  near(medianSpeed(meter), 8000);
  assert.equal(meter.speeds.length, 1);
});

test('too short a window shows nothing: 1 ms cannot be told from 0.9', () => {
  assert.equal(fed([0.1, 0.2, 0.1]).now, undefined);
  assert.equal(medianSpeed(fed([0.1, 0.2, 0.1])), undefined);
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
  const full = fed([...Array(WINDOW).fill(10), ...Array(WINDOW).fill(20), ...Array(WINDOW).fill(50)]);
  assert.equal(full.speeds.length, 3);
  near(medianSpeed(full), 50);
  const short = fed(Array(WINDOW - 1).fill(1), breakStretch(full));
  assert.equal(short.speeds.length, 3, 'a window that is not full does not count');
  near(short.now, 1000);
  const longer = measure(short, 1);
  assert.equal(longer.speeds.length, 4);
  near(medianSpeed(longer), 75);
  assert.deepEqual([full.count, full.speeds.length], [3 * WINDOW, 3], 'a meter is never changed');
});

test('curves keep the latest speed at each position, and compare where both have one', () => {
  let curves = noCurves();
  assert.equal(contrast(curves), undefined);
  assert.equal(lastPoint(curves, 'on'), undefined);
  for (let position = 5; position < 100; position++) curves = addPoint(curves, 'on', position, 1000);
  const first = curves;
  curves = beginRun(curves);
  for (let position = 50; position < 80; position++) curves = addPoint(curves, 'off', position, 10);
  curves = addPoint(curves, 'on', 5, 2000);
  assert.equal(lengthOfCurves(curves), 100);
  const [on, off] = [columnOf(curves, 'on'), columnOf(curves, 'off', 100)];
  assert.deepEqual([on.length, off.length], [100, 100]);
  assert.deepEqual([on[4], on[5], on[6], off[49], off[50], off[80]], [null, 2000, 1000, null, 10, null]);
  assert.deepEqual(lastPoint(curves, 'off'), { position: 79, speed: 10 });
  assert.deepEqual(lastPoint(curves, 'on'), { position: 99, speed: 1000 }, 'of the run before');
  const { position, ...speeds } = contrast(curves);
  assert.deepEqual(speeds, { on: 1000, off: 10 });
  assert.ok(position >= 50 && position < 80);
  assert.equal(columnOf(first, 'on')[5], 1000, 'curves are never changed');
  assert.equal(lengthOfCurves(noCurves()), 0);
});

test('curves are compared where both are furthest', () => {
  let curves = noCurves();
  for (let position = 0; position < 100; position++) {
    curves = addPoint(curves, 'on', position, 1000 + position);
    curves = addPoint(curves, 'off', position, position < 68 ? 1 : 20);
  }
  assert.deepEqual(contrast(curves), { position: 84, on: 1083.5, off: 20 });
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
  const shown = '⟨U+202E⟩evil⟨U+2066⟩⟨U+007F⟩⟨U+0085⟩';
  assert.equal(visible('\u202eevil\u2066\u007f\u0085'), shown);
});
