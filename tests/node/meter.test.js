// From milliseconds to the speeds that the page shows, without a browser.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  addPoint, beginRun, columnOf, contrast, lastPoint, lengthOfCurves, noCurves, speedAt,
} from '../../web/demo/curves.js';
import { measure, newMeter } from '../../web/demo/meter.js';
import { measured } from '../../web/measure/numbers.js';
import { visible } from '../../web/demo/parts/story-text.js';

const near = (value, wanted) => (
  assert.ok(Math.abs(value / wanted - 1) < 1e-9, `${value} instead of ${wanted}`));
const burst = (first, tokens, speed) => ({ first, tokens, ms: 1000 * tokens / speed });
/** Tokens of bursts, one after another. */
const fed = (bursts) => bursts.flatMap((one) => Array(one.tokens).fill(one)).reduce(measure, newMeter());

test('the speed now is that of the middle one of three bursts', () => {
  assert.equal(newMeter().now, undefined);
  near(fed([burst(0, 8, 4000)]).now, 4000);
  near(fed([burst(0, 8, 4000), burst(8, 8, 40), burst(16, 8, 3000)]).now, 3000);
  const meter = fed([burst(0, 8, 4000), burst(8, 8, 1000), burst(16, 8, 900), burst(24, 2, 800)]);
  near(meter.now, 900);
  assert.equal(meter.count, 26);
  const before = JSON.stringify(meter);
  measure(meter, burst(26, 4, 10));
  assert.equal(JSON.stringify(meter), before, 'a meter is never changed');
});

/** Curves after the tokens of bursts, whose positions on the chart are one more than in the timeline. */
const drawn = (mode, bursts, curves = noCurves()) => bursts.reduce((all, one) => (
  Array.from({ length: one.tokens }, (_, i) => one.first + i + 1)
    .reduce((each, position) => addPoint(each, mode, position, one), all)), curves);

test('between the middles of two bursts the line is straight in time per token, and flat at its ends', () => {
  const curves = drawn('on', [burst(0, 9, 1000), burst(9, 11, 500)]); // middles: 5 and 15
  for (const [position, ms] of [[1, 1], [5, 1], [9, 1.4], [10, 1.5], [12, 1.7], [15, 2], [20, 2]]) {
    near(speedAt(curves, 'on', position), 1000 / ms);
  }
  assert.equal(speedAt(curves, 'on', 21), null);
  assert.equal(speedAt(curves, 'off', 5), null);
});

test('a burst in which the machine paused does not bend the line', () => {
  const steady = [0, 1, 2, 3, 4].map((i) => burst(10 * i, 10, 1000));
  for (const paused of [0, 2, 4]) {
    const curves = drawn('on', steady.with(paused, burst(10 * paused, 10, 50)));
    for (let position = 1; position <= 50; position++) near(speedAt(curves, 'on', position), 1000);
  }
});

test('tokens that were shown of a burst that a flip cut off have its speed', () => {
  const cut = burst(0, 40, 1000);
  let curves = noCurves();
  for (const position of [1, 2, 3]) curves = addPoint(curves, 'on', position, cut);
  curves = drawn('off', [burst(3, 1, 100), burst(4, 1, 100)], curves);
  assert.deepEqual(columnOf(curves, 'on'), [null, 1000, 1000, 1000]);
  assert.deepEqual(columnOf(curves, 'off'), [null, null, null, null, 100, 100]);
});

test('curves keep the latest speed at each position, and compare where both have one', () => {
  let curves = noCurves();
  assert.equal(contrast(curves), undefined);
  assert.equal(lastPoint(curves, 'on'), undefined);
  curves = drawn('on', [burst(4, 95, 1000)], curves);
  const first = curves;
  curves = beginRun(curves);
  curves = drawn('off', [burst(49, 30, 10)], curves);
  curves = addPoint(curves, 'on', 5, burst(4, 1, 2000));
  assert.equal(lengthOfCurves(curves), 100);
  const [on, off] = [columnOf(curves, 'on'), columnOf(curves, 'off', 100)];
  assert.deepEqual([on.length, off.length], [100, 100]);
  assert.deepEqual([on[4], on[5], on[6], off[49], off[50], off[80]], [null, 2000, 1000, null, 10, null]);
  assert.deepEqual(lastPoint(curves, 'off'), { position: 79, speed: 10 });
  assert.deepEqual(lastPoint(curves, 'on'), { position: 5, speed: 2000 }, 'of the newest run');
  assert.deepEqual(lastPoint(beginRun(first), 'on'), { position: 99, speed: 1000 }, 'of the run before');
  const { position, ...speeds } = contrast(curves);
  assert.deepEqual(speeds, { on: 1000, off: 10, atFlip: false });
  assert.ok(position >= 50 && position < 80);
  assert.equal(columnOf(first, 'on')[5], 1000, 'curves are never changed');
  assert.equal(lengthOfCurves(noCurves()), 0);
});

test('curves are compared where both are furthest', () => {
  const off = [...Array(68).keys()].map((i) => burst(i, 1, 1)).concat([...Array(32).keys()].map((i) => (
    burst(68 + i, 1, 20))));
  const on = [...Array(100).keys()].map((i) => burst(i, 1, 1000 + i + 1));
  const { position, on: cached, off: uncached } = contrast(drawn('off', off, drawn('on', on)));
  assert.equal(position, 85);
  near(cached, 1084.5);
  near(uncached, 20);
});

test('two stretches of one run that share no position are compared at the flip', () => {
  const sinking = [burst(20, 5, 100), burst(25, 5, 80), burst(30, 5, 60)];
  const offFirst = drawn('on', [burst(35, 40, 4000)], drawn('off', sinking));
  const one = contrast(offFirst);
  assert.deepEqual([one.position, one.atFlip], [36, true]);
  near(one.on, 4000);
  near(one.off, 80); // the middle one of the last three, and not the median of a stretch
  const onFirst = contrast(drawn('off', [burst(40, 5, 50)], drawn('on', [burst(0, 40, 4000)])));
  assert.deepEqual([onFirst.position, Math.round(onFirst.on), Math.round(onFirst.off)], [41, 4000, 50]);
  const apart = drawn('off', [burst(60, 5, 50)], drawn('on', [burst(0, 40, 4000)]));
  assert.equal(contrast(apart), undefined, 'there was no flip');
});

test('numbers have the digits that the clock can tell', () => {
  assert.equal(measured(18_234), '18,200');
  assert.equal(measured(18_234, 0.004), '18,200');
  assert.equal(measured(18_234, 0.05), '18,000');
  assert.equal(measured(18_234, 0.4), '20,000');
  assert.equal(measured(18_234, 5), '20,000');
  assert.equal(measured(0.6321, 0.02), '0.63');
});

test('control and direction characters become visible, everything else stays', () => {
  assert.equal(visible('Käse 🧀\n\t“ok”'), 'Käse 🧀\n\t“ok”');
  assert.equal(visible('a\u0000b\u001bc\r'), 'a␀b␛c␍');
  const shown = '⟨U+202E⟩evil⟨U+2066⟩⟨U+007F⟩⟨U+0085⟩';
  assert.equal(visible('\u202eevil\u2066\u007f\u0085'), shown);
});
