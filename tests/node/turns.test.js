// The turns of views, frame by frame: while a run goes on one draws in each, and none is forgotten.
import assert from 'node:assert/strict';
import { test } from 'node:test';

const clock = { now: 0 };
const frames = [];
globalThis.document = { timeline: { get currentTime() { return clock.now; } } };
globalThis.requestAnimationFrame = (work) => frames.push(work);
const { nextTurn, turnsOf } = await import('../../web/demo/parts/turns.js');

/** The next frame. @param {number} [ms]  since the one before */
const frame = (ms = 16) => {
  clock.now += ms;
  for (const work of frames.splice(0)) work();
};

/** Some views, which note what they draw of a state that changes. */
function viewsIn(t) {
  t.mock.method(performance, 'now', () => clock.now);
  const ending = new AbortController();
  t.after(() => ending.abort());
  const drawn = [];
  const shown = { state: 0 };
  const views = ['a', 'b', 'c'].map((name) => (
    turnsOf(() => drawn.push(`${name}${shown.state}`), ending.signal)));
  const show = (state, often) => {
    shown.state = state;
    for (const ask of views) ask(often);
  };
  frame(1000); // whatever was before is long over
  return { drawn, show, ending };
}

test('while a run goes on, one draws in a frame, the one that has waited longest', (t) => {
  const { drawn, show } = viewsIn(t);
  show(1, true);
  assert.deepEqual(drawn, ['a1']);
  for (const state of [2, 3]) {
    frame();
    show(state, true);
  }
  assert.deepEqual(drawn, ['a1', 'b1', 'c2']);
});

test('each draws at most ten times a second, and the last state in the end', (t) => {
  const { drawn, show } = viewsIn(t);
  for (let state = 1; state <= 60; state++) {
    show(state, true);
    frame();
  }
  const first = drawn.filter((each) => each.startsWith('a'));
  assert.ok(first.length >= 8 && first.length <= 10, `${first.length} times in 960 ms`);
  for (let i = 0; i < 20; i++) frame();
  assert.deepEqual(drawn.slice(-3).sort(), ['a60', 'b60', 'c60']);
  assert.equal(frames.length, 0, 'and then nobody waits for frames');
});

test('once it is over, all draw in one frame, as long as that is quick', (t) => {
  const { drawn, show } = viewsIn(t);
  show(1, true);
  frame();
  show(2, false);
  frame();
  assert.deepEqual(drawn, ['a1', 'b1', 'c2', 'a2', 'b2']);
});

test('an answer takes a turn of its own, and nothing comes after the end', async (t) => {
  const { drawn, show, ending } = viewsIn(t);
  show(1, true);
  let come = false;
  const answer = nextTurn(new AbortController().signal).then(() => { come = true; });
  ending.abort();
  await Promise.resolve();
  assert.equal(come, false, 'not in the frame of another');
  frame();
  await answer;
  assert.deepEqual(drawn, ['a1']);
});
