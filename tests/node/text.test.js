// The text as the cache: what it says of a token is what the steps of the run did with it, one by one.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { barsOf } from '../../web/demo/parts/vectors.js';
import { newRun, readPrompt, resumed, takeToken } from '../../web/demo/run.js';
import { initialState } from '../../web/demo/state.js';
import { freedIn, heldIn } from '../../web/demo/held.js';
import {
  DEEDS, countsOf, cutsOf, deedOn, factorsOf, newestOf, reachOf, sightOf, taleOf,
} from '../../web/demo/text.js';

/**
 * A run of tokens written with the cache (+) and without it (-), from a cache that holds so many tokens of
 * the prompt, and a plain list of what each step has computed.
 */
function runOf(modes, { prompt = 5, held: kept = 0, startsOn = modes[0] === '+' } = {}) {
  const { columns, curves } = initialState();
  const reused = startsOn ? Math.min(kept, prompt - 1) : 0;
  let held = startsOn ? prompt : kept;
  const steps = [{ first: reused, end: prompt }];
  let progress = readPrompt({ run: newRun(1, 'a', modes.length), columns, curves }, {
    tokens: prompt, reused, cached: startsOn, ms: 1, passes: 1, error: 0 }, 1e6);
  for (const [i, sign] of [...modes].entries()) {
    const [position, cached] = [prompt + i, sign === '+'];
    const missing = cached ? position - held : 0;
    progress = { ...progress, run: resumed(progress.run, { cached, missing, ms: 1 }) };
    if (cached) held = position + 1;
    steps.push({ first: cached ? position - missing : 0, end: position + 1 });
    const token = { id: i, text: 'a', position, cached, work: cached ? 1 : position + 1 };
    progress = takeToken(progress, token, false);
  }
  return { run: progress.run, steps, kept: startsOn ? reused : kept };
}

/** What the last step did with a token, told from the list. */
function deedIn({ run, steps, kept }, position) {
  const { first } = steps.at(-1);
  if (position < first) return position < kept ? 'kept' : 'read';
  const isFirst = steps.length === 1 || position === steps.at(-1).end - 1;
  assert.ok(position < (run.position || steps[0].end));
  return isFirst ? 'new' : 'again';
}

const RUNS = ['', '+', '-', '++++', '----', '--++', '++--', '++--+', '-+-+', '+-+-+', '--+++---+', '++---++'];

test('each token of each step: new, read, kept or computed again, and the counts are of these', () => {
  for (const held of [0, 3, 5]) {
    for (const modes of RUNS) {
      for (let length = 0; length <= modes.length; length++) {
        const startsOn = modes[0] === '+';
        const made = runOf(modes.slice(0, length), { held, startsOn });
        const newest = newestOf(made.run);
        const counts = Object.fromEntries(DEEDS.map((deed) => [deed, 0]));
        const deeds = Array.from({ length: 5 + length }, (_, position) => deedIn(made, position));
        const where = `${held} held, ${modes.slice(0, length)}`;
        assert.deepEqual(deeds.map((_, position) => deedOn(newest, position)), deeds, where);
        for (const deed of deeds) counts[deed]++;
        assert.deepEqual(countsOf(newest), counts, where);
        assert.equal(newest.total, deeds.length);
        // Between two cuts all tokens have one deed, but for the newest.
        const cuts = cutsOf(made.run);
        for (const [i, deed] of deeds.slice(0, length > 0 ? -1 : undefined).entries()) {
          const first = cuts.findLast((cut) => cut <= i);
          assert.equal(deed, deeds[first], `${where}: ${i} is not as ${first}`);
        }
      }
    }
  }
  assert.equal(newestOf(newRun(1, 'a', 3)), undefined);
});

test('how often a token was computed and read, also when the tale goes on from before', () => {
  const modes = '++---+++-+';
  const { run, steps } = runOf(modes, { held: 3 });
  for (let position = 0; position < run.position; position++) {
    const seen = steps.filter(({ end }) => position < end);
    const computed = seen.filter(({ first }) => first <= position).length;
    const told = { computed, read: seen.length - computed };
    const { computed: all, read } = taleOf(run, position);
    assert.deepEqual({ computed: all, read }, told, `token ${position}`);
    let tale;
    for (let length = Math.max(0, position - 4); length <= modes.length; length++) {
      const tokens = { length, at: (i) => (i < length ? run.tokens.at(i) : undefined) };
      tale = taleOf({ ...run, tokens }, position, tale);
    }
    assert.deepEqual(tale, taleOf(run, position), 'step by step');
    const other = taleOf(run, position, taleOf(run, (position + 1) % run.position));
    assert.deepEqual(other, tale, 'that of another token is of no use');
  }
});

test('where every layer has a window, what no query of the newest step sees is not read', () => {
  const config = { nLayer: 2, window: { size: 4, layers: [0, 1] } };
  assert.deepEqual([reachOf(config), reachOf({ ...config, nLayer: 3 }), reachOf({ nLayer: 2 }), reachOf()],
    [4, Infinity, Infinity, Infinity]);
  for (const modes of RUNS) {
    const { run, steps } = runOf(modes, { held: 3, startsOn: modes[0] === '+' });
    const all = Array.from({ length: steps.at(-1).end }, (_, position) => position);
    /** Some query of the step sees it. */
    const isSeen = ({ first, end }, position) => (
      all.slice(first, end).some((query) => query >= position && query - position < 4));
    const newest = newestOf(run, { reach: 4 });
    const whole = newestOf(run);
    const deeds = all.map((position) => (
      ['read', 'kept'].includes(deedOn(whole, position)) && !isSeen(steps.at(-1), position) ? 'past'
        : deedOn(whole, position)));
    assert.deepEqual(all.map((position) => deedOn(newest, position)), deeds, modes);
    const countOf = (deed) => deeds.filter((one) => one === deed).length;
    const counts = Object.fromEntries(DEEDS.map((deed) => [deed, countOf(deed)]));
    assert.deepEqual(countsOf(newest), counts, modes);
    for (const position of all) {
      const reads = steps.filter((step) => (
        position < step.first && position < step.end && isSeen(step, position)));
      assert.equal(taleOf(run, position, undefined, { reach: 4 }).read, reads.length, `${modes} ${position}`);
    }
  }
});

const MEMORY = { usedBytes: 4224 * 6, freedBytes: 4224, bytesPerToken: 4224 };

test('the bytes of a token are the product of what is said of them, for every type of the cache', () => {
  const config = { nLayer: 3, nKvHead: 4, headDim: 44 };
  for (const [bytesPerToken, each, scale] of [[4224, 4, 0], [2112, 2, 0], [3 * 4 * 2 * 48, 1, 4]]) {
    const { layers, heads, numbers, bytes, ...rest } = factorsOf(config, { bytesPerToken });
    assert.deepEqual(rest, { each, scale });
    assert.equal(2 * layers * heads * (numbers * each + scale), bytes);
    assert.equal(bytes, bytesPerToken);
  }
  assert.deepEqual([heldIn(MEMORY), heldIn(undefined)], [7, 0]);
  const windowed = { nLayer: 3, window: { size: 2, layers: [1] } };
  const freed = [[MEMORY, windowed], [MEMORY, { nLayer: 3 }], [undefined, windowed]].map((given) => (
    freedIn(...given)));
  assert.deepEqual(freed, [3, 0, 0]);
});

test('K and V are looked at where they are, and otherwise it is said why not', () => {
  const given = { model: { config: {} }, run: runOf('++').run, memory: MEMORY, status: 'finished' };
  const state = { ...initialState(), ...given };
  const place = { position: 6, layer: 1, head: 2 };
  const { vectors, key } = sightOf(state, place, false);
  assert.deepEqual(vectors, { layers: [1], heads: [2], first: 6, count: 1 });
  assert.notEqual(sightOf(state, { ...place, head: 3 }, false).key, key);
  assert.deepEqual(sightOf(state, { ...place, position: 7 }, true), { none: 'unkept' });
  const windowed = { ...state, model: { config: { nLayer: 3, window: { size: 2, layers: [1] } } } };
  assert.deepEqual(sightOf(windowed, { ...place, position: 2 }, true), { none: 'freed' });
  assert.equal(sightOf(windowed, { ...place, position: 3 }, true).vectors.first, 3);
  assert.equal(sightOf(windowed, { ...place, position: 2, layer: 0 }, true).vectors.first, 2);
  assert.deepEqual(sightOf({ ...state, status: 'running' }, place, false), { none: 'running' });
  assert.equal(sightOf({ ...state, status: 'running' }, place, true).key, key);
  assert.deepEqual(sightOf({ ...state, recorded: {} }, place, true), { none: 'recorded' });
  assert.deepEqual(sightOf({ ...state, model: undefined }, place, true), { none: 'recorded' });
});

test('a bar for each number, the largest as high as there is room', () => {
  assert.equal(barsOf(new Float32Array([1, -2])), 'M0.1 0v-0.500h.8V0zM1.1 0v1.000h.8V0z');
  assert.equal(barsOf(new Float32Array([0])), 'M0.1 0v0.000h.8V0z');
});
