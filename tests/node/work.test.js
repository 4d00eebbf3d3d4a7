// The work triangle: its cells are the rows that the engine has computed, however they come in.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { momentsOf } from '../../web/demo/recording.js';
import { STORIES } from '../../web/demo/recorded/stories.js';
import { newRun, readPrompt, resumed, takeToken } from '../../web/demo/run.js';
import { initialState, reduce } from '../../web/demo/state.js';
import { lengthOf, outline, someSteps, triangleOf, wouldBe } from '../../web/demo/work.js';

/** A run of tokens written with the cache (+) and without it (-). */
function runOf(modes, { prompt = 1, reused = 0 } = {}) {
  const { columns, curves } = initialState();
  let held = modes[0] === '+' ? prompt : 0;
  let progress = readPrompt({ run: newRun(1, '', modes.length), columns, curves }, {
    tokens: prompt, reused, cached: modes[0] === '+', ms: 1, passes: 1, error: 0 }, 1e6);
  for (const [i, sign] of [...modes].entries()) {
    const [position, cached] = [prompt + i, sign === '+'];
    if (cached && held < position) {
      progress = { ...progress, run: resumed(progress.run, { cached, missing: position - held, ms: 1 }) };
    }
    if (cached) held = position + 1;
    const token = { id: i, text: 'a', position, cached, work: cached ? 1 : position + 1 };
    progress = takeToken(progress, token, false);
  }
  return progress.run;
}

/** The cells of a path, as they are drawn: step -> [first, end]. */
function drawn({ bands, open }) {
  const paths = [...bands, ...(open ? [open] : [])].map(({ path }) => path).join('');
  return [...paths.matchAll(/M(\d+) (\d+)H(\d+)v1H\1z/g)].map(([, first, step, end]) => (
    [Number(step), Number(first), Number(end)]));
}

test('100 tokens: 5,050 cells without the cache, 100 with it', () => {
  const [off, on] = ['-', '+'].map((sign) => triangleOf(runOf(sign.repeat(100), { prompt: 0 })));
  assert.deepEqual([off.cells, on.cells], [5050, 100]);
  for (const triangle of [off, on]) assert.deepEqual(wouldBe(triangle), { on: 100, off: 5050 });
  assert.deepEqual([off.mode, on.mode], ['off', 'on']);
  const steps = Array.from({ length: 100 }, (_, i) => i);
  assert.deepEqual(drawn(on).slice(1), steps.map((i) => [i + 1, i, i + 1]), 'a diagonal');
  assert.deepEqual(drawn(off).slice(1), steps.map((i) => [i + 1, 0, i + 1]), 'a triangle');
});

test('what is drawn is what is counted, and what the other way would be is what it is', () => {
  for (const prompt of [1, 13]) {
    const [off, on] = ['-', '+'].map((sign) => triangleOf(runOf(sign.repeat(150), { prompt })));
    for (const triangle of [off, on]) {
      const cells = drawn(triangle);
      assert.equal(cells.length, 151);
      assert.equal(cells.reduce((sum, [, first, end]) => sum + end - first, 0), triangle.cells);
      assert.deepEqual(wouldBe(triangle), { on: on.cells, off: off.cells });
    }
  }
  const reusing = triangleOf(runOf('++', { prompt: 9, reused: 8 }));
  assert.deepEqual(drawn(reusing), [[0, 8, 9], [1, 9, 10], [2, 10, 11]]);
});

test('each flip back takes in what was missed, all of them, in the step after it', () => {
  const run = runOf('++--+--+', { prompt: 3 });
  const triangle = triangleOf(run);
  assert.deepEqual(drawn(triangle), [
    [0, 0, 3], [1, 3, 4], [2, 4, 5], [3, 0, 6], [4, 0, 7], [5, 5, 8], [6, 0, 9], [7, 0, 10], [8, 8, 11]]);
  assert.equal(triangle.mode, 'both');
  const steps = someSteps(run, 100).map(({ step, first, end }) => [step, first, end]);
  assert.deepEqual(steps, drawn(triangle), 'the table has the same');
  const few = someSteps(runOf(`${'-'.repeat(500)}${'+'.repeat(500)}`), 64);
  assert.ok(few.length <= 68 && few.at(-1).step === 1000);
  assert.ok(few.some(({ step, mode, first, end }) => step === 501 && mode === 'on' && end - first === 502));
});

test('a flip back and forth before a token is out, and the lanes of a race, whose number is the same', () => {
  const run = runOf('++--', { prompt: 3 });
  const caughtUp = { ...run, catchUps: run.catchUps.append({ position: 5, tokens: 2, ms: 1 }) };
  assert.deepEqual(drawn(triangleOf(caughtUp)), drawn(triangleOf(run)), 'step 3 computes it all');
  const twice = runOf('++--+', { prompt: 3 });
  const again = { ...twice, catchUps: caughtUp.catchUps.append({ position: 7, tokens: 2, ms: 1 }) };
  assert.deepEqual(drawn(triangleOf(again)), drawn(triangleOf(twice)));
  const [on, off] = ['+++', '---'].map((modes) => runOf(modes));
  assert.deepEqual(drawn(triangleOf(on, triangleOf(off))), drawn(triangleOf(on)));
  assert.notEqual(triangleOf(on, triangleOf(off)).origin, triangleOf(off).origin);
});

test('it goes on from where it was, without touching what is there', () => {
  const run = runOf(`${'-'.repeat(300)}${'+'.repeat(300)}`, { prompt: 5 });
  const all = triangleOf(run);
  let triangle;
  for (let length = 0; length <= 600; length++) {
    const until = { ...run, tokens: { length, at: (i) => (i < length ? run.tokens.at(i) : undefined) } };
    const next = triangleOf(until, triangle);
    if (triangle) assert.deepEqual([next.steps, next.origin === triangle.origin], [length + 1, true]);
    assert.ok((next.open?.path.length ?? 0) < 64 * 24, 'only the newest band is written');
    triangle = next;
  }
  assert.deepEqual(drawn(triangle), drawn(all));
  assert.equal(triangle.cells, all.cells);
  const other = triangleOf({ ...runOf('--'), number: 2 }, triangle);
  assert.deepEqual([other.steps, other.cells], [3, 1 + 2 + 3], 'another run begins anew');
  assert.equal(triangleOf(newRun(3, '', 0), other).steps, 0);
});

test('it zooms out in steps, and the outlines hold the cells', () => {
  const lengths = new Set();
  for (let n = 0; n <= 1000; n += 50) lengths.add(lengthOf(triangleOf(runOf('+'.repeat(n)))));
  assert.deepEqual([...lengths], [32, 64, 128, 192, 256, 384, 512, 768, 1024]);
  assert.equal(lengthOf(triangleOf(runOf('+'.repeat(1011), { prompt: 13 }))), 1024, 'a whole context fits');
  const triangle = triangleOf(runOf('-'.repeat(4), { prompt: 3 }));
  assert.equal(outline(triangle, 'off'), 'M0 0H3L7 4v1H0z');
  assert.equal(outline(triangle, 'on'), 'M0 0H3L7 4v1h-1L3 2V1H0z');
  assert.equal(outline(triangleOf(runOf('')), 'on'), '');
});

test('the recorded run: the rows that its engine has counted', () => {
  const events = momentsOf(STORIES).map(({ event }) => event);
  const shown = { type: 'recording', recording: STORIES, haste: 1, playing: false };
  const { run } = reduce(reduce(initialState(), shown), { type: 'replayed', events, playing: false });
  const triangle = triangleOf(run);
  const tokens = [...run.tokens];
  const missed = events.filter(({ type }) => type === 'resumed')
    .reduce((sum, { missing }) => sum + missing, 0);
  const rows = STORIES.prefill.tokens + tokens.reduce((sum, { work }) => sum + work, 0) + missed;
  assert.ok(missed > 400);
  assert.equal(triangle.cells, rows);
  assert.equal(triangle.steps, tokens.length + 1);
});
