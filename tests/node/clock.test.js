// Clocks as coarse as browsers make them, in a time that the test owns.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Clock } from '../../web/engine/clock.js';

const LOOK_MS = 0.0003; // that one look at the clock takes

/** A time, and the clock of `tick` ms that shows it. @param {number} tick */
function coarse(tick) {
  let time = 1234.567;
  return {
    pass(ms) { time += ms; },
    get time() { return time; },
    now() {
      time += LOOK_MS;
      return Math.floor(time / tick) * tick;
    },
  };
}

const near = (value, wanted, share) => (
  assert.ok(Math.abs(value / wanted - 1) <= share, `${value} instead of ${wanted}`));

for (const tick of [0.1, 1, 2, 16.67, 100]) {
  test(`a clock of ${tick} ms: its tick is found, and what is shorter is measured`, () => {
    const world = coarse(tick);
    const clock = new Clock(() => world.now());
    near(clock.tick, tick, 1e-6);
    for (const ms of [0.04 * tick, 0.5 * tick, 0.97 * tick, 3.3 * tick, 7.77]) {
      for (let phase = 0; phase < 7; phase++) {
        world.pass(phase * 0.13 * tick);
        const start = clock.edge();
        assert.ok(Math.abs(start - world.time) <= 2 * LOOK_MS, 'an edge is exact');
        world.pass(ms);
        const measured = clock.read() - start;
        assert.ok(Math.abs(measured - ms) < 0.002 * tick + 4 * LOOK_MS, `${measured} instead of ${ms} ms`);
      }
    }
  });
}

test('a measurement lasts 20 ticks, but not so long that somebody waits', () => {
  const spans = [0.1, 1, 2, 16.67, 100].map((tick) => {
    const world = coarse(tick);
    return Math.round(new Clock(() => world.now()).span);
  });
  assert.deepEqual(spans, [8, 20, 40, 50, 50]);
});

test('a thread that slept through ticks does not take them for one, nor for work', () => {
  const world = coarse(1);
  let looks = 0;
  const clock = new Clock(() => {
    if (++looks % 4000 === 0) world.pass(5); // another program's turn
    return world.now();
  });
  near(clock.tick, 1, 1e-6);
  for (let i = 0; i < 20; i++) {
    const start = clock.edge();
    world.pass(20);
    const measured = clock.read() - start;
    assert.ok(measured > 18.9 && measured < 26.1, `${measured} ms`);
  }
});

test('a thread that sleeps while it counts the looks of a whole tick does not make work vanish', () => {
  const world = coarse(100);
  let sleepy = [0, 0]; // from, to: every look takes long there
  const clock = new Clock(() => {
    if (world.time >= sleepy[0] && world.time < sleepy[1]) world.pass(1);
    return world.now();
  });
  for (let i = 0; i < 3; i++) clock.read();
  const start = clock.edge();
  sleepy = [start + 100, start + 200];
  world.pass(7);
  near(clock.read() - start, 7, 0.01);
});

test('the clock of this machine ticks, and is not turned back', () => {
  const clock = new Clock();
  assert.ok(clock.tick > 0 && clock.tick < 20, `${clock.tick}`);
  const [first, second] = [clock.read(), clock.read()];
  assert.ok(second >= first);
  assert.ok(clock.edge() <= clock.now());
});
