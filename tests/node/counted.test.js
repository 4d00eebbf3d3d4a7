// The counted curve beside the measured one: multiply-adds of each token, fitted to what was measured.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import '../relaxed.js';
import { loadModel } from 'kvcache-wasm';
import { countedOf } from '../../web/demo/counted.js';
import { addPoint, beginRun, noCurves, speedAt } from '../../web/demo/curves.js';
import { countedEnd, countedLine, endsOf, frameOf } from '../../web/demo/parts/drawing.js';
import { momentsOf } from '../../web/demo/recording.js';
import { STORIES } from '../../web/demo/recorded/stories.js';
import { initialState, reduce } from '../../web/demo/state.js';

const { config } = STORIES.engine;

/** Multiply-adds of the token at each position, as the engine counts them. */
async function engineCounts(lengths) {
  const model = await loadModel(`web/models/${STORIES.model}`);
  const counts = { on: new Map(), off: new Map() };
  for (const length of lengths) {
    for (const mode of ['on', 'off']) {
      const session = model.createSession({ useCache: mode === 'on' });
      session.prefill(Array.from({ length: length - 1 }, (_, i) => i % 100));
      session.clearCounts();
      session.decode(7);
      const { projectionMacs, attentionMacs, headMacs } = session.counts;
      counts[mode].set(length, projectionMacs + attentionMacs + headMacs);
    }
  }
  model.dispose();
  return counts;
}

test('it goes by what the engine counts, in each mode', async () => {
  const counts = await engineCounts([3, 40, 200]);
  const rates = { on: 2e6, off: 7e6 }; // multiply-adds in a millisecond
  let curves = noCurves();
  for (const mode of ['on', 'off']) {
    for (const [position, macs] of counts[mode]) {
      const burst = { first: position - 1, tokens: 1, ms: macs / rates[mode] };
      curves = addPoint(curves, mode, position, burst);
    }
  }
  const counted = countedOf(curves, config);
  assert.deepEqual(counted.map(({ mode }) => mode), ['on', 'off']);
  for (const { mode, speedAt: wanted, first } of counted) {
    assert.equal(first, 3);
    for (const position of counts[mode].keys()) {
      const ratio = wanted(position) / speedAt(curves, mode, position);
      assert.ok(Math.abs(ratio - 1) < 1e-9, `${mode} ${position}: ${ratio}`);
    }
  }
});

test('twice as fast and half as fast weigh the same; where nothing was measured, nothing is drawn', () => {
  const at = (position, factor) => {
    const [exact] = countedOf(addPoint(noCurves(), 'on', 50, { first: 49, tokens: 1, ms: 1 }), config);
    return { first: position - 1, tokens: 1, ms: factor * 1000 / exact.speedAt(position) };
  };
  let curves = addPoint(noCurves(), 'on', 20, at(20, 2));
  curves = addPoint(curves, 'on', 80, at(80, 0.5));
  const [counted, ...others] = countedOf(curves, config);
  assert.deepEqual([counted.mode, others], ['on', []]);
  assert.ok(Math.abs(counted.speedAt(50) / 1000 - 1) < 1e-9);
  assert.deepEqual(countedOf(curves, undefined), [], 'nothing is known of the model');
  assert.deepEqual(countedOf(noCurves(), config), []);
  assert.equal(countedOf(beginRun(curves), config)[0].speedAt(50), counted.speedAt(50), 'those before');
});

test('of the recorded run: near what was measured, within the frame, named at its end', () => {
  const events = momentsOf(STORIES).map(({ event }) => event);
  const { curves } = [
    { type: 'recording', recording: STORIES, haste: 1, playing: false },
    { type: 'replayed', events, playing: false },
  ].reduce(reduce, initialState());
  const counted = countedOf(curves, config);
  for (const { mode, speedAt: wanted } of counted) {
    const points = [...curves.run[mode]].flatMap((burst, position) => (burst ? [position] : []));
    const logs = points.map((position) => Math.log(wanted(position) / speedAt(curves, mode, position)));
    const typical = Math.sqrt(logs.reduce((sum, log) => sum + log ** 2, 0) / logs.length);
    assert.ok(typical < Math.log(1.5), `${mode}: off by a factor of ${Math.exp(typical)}`);
  }
  const frame = frameOf(curves, { width: 400, height: 200, em: 12 });
  for (const one of counted) {
    const points = [...countedLine(frame, one).matchAll(/[ML]([\d.]+) ([\d.]+)/g)];
    assert.ok(points.length > 50);
    for (const [, x, y] of points) {
      assert.ok(x >= frame.left && x <= frame.right + 0.1 && y >= frame.top && y <= frame.bottom + 0.1);
    }
  }
  const ends = endsOf(frame, curves, 12, { on: 'cache on', off: 'cache off' });
  const { x, y } = countedEnd(frame, counted, ends, 12, 'counted');
  assert.ok(x > frame.left + 100 && x <= frame.right && y > frame.top && y < frame.bottom);
  const narrow = frameOf(curves, { width: 320, height: 180, em: 13 });
  const names = endsOf(narrow, curves, 13, { on: 'cache on', off: 'cache off' });
  const word = countedEnd(narrow, counted, names, 13, 'counted');
  const off = names.find(({ mode }) => mode === 'off');
  assert.ok(off.textX + off.width > word.x - 60, 'there the two words come close');
  assert.ok(Math.abs(off.textY - word.y) > 15, 'and do not lie over each other');
});
