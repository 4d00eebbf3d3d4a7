// The view "Break it" without a document: its state as the player tells it, where a text is marked, where its
// chart draws what, and that there is something to say about every bug that is offered.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { SCENARIOS, labBugs } from 'kvcache-wasm/lab';
import {
  PROMPT, THREAD, experimentWith, partingOf, piecesOf, testName, threadName,
} from '../../web/demo/broken.js';
import { newLab, reduceLab } from '../../web/demo/lab.js';
import { chartOf } from '../../web/demo/parts/logits.js';
import { Player } from '../../web/demo/player.js';
import { LAB } from '../../web/demo/words/lab.js';
import { FakeClient, LOADED, settled } from './fake-client.js';

const JOB = experimentWith({ number: 10, scenario: 'plain' });
const TRIED = { id: 'B9', job: JOB };
const tokens = (...texts) => texts.map((text, id) => ({ id, text }));
const OUTCOME = {
  prompt: 20, differences: [0, 0, 0.5, 20, 0.003],
  right: { tokens: tokens(' He', ' was', ' so', ' kind', '.') },
  wrong: { tokens: tokens(' He', ' was', ' so', '\n', 'Oh') },
  parting: { place: 2, right: 'aa', wrong: 'bb' }, firstWrong: 3,
};

function start() {
  const client = new FakeClient();
  const surroundings = { isOnline: () => true, now: () => new Date(0), downloadSize: async () => 0 };
  const model = () => 'http://localhost/m/';
  const player = new Player({ client, rival: assert.fail, surroundings, model });
  return { client, player };
}

// ---- the flow -----------------------------------------------------------------------------------

test('a bug is tried: the model is loaded first, runs wait, and go on where they were', async () => {
  const { client, player } = start();
  player.experiment(TRIED);
  assert.deepEqual([player.state.status, player.state.lab], ['waiting', { status: 'loading', bug: 'B9' }]);
  await client.answer('load', LOADED);
  const { fields, onEvent } = await client.next('lab');
  assert.equal(player.state.status, 'waiting');
  const { sampling, ...job } = fields;
  assert.deepEqual([job, job.bug, job.prompt], [JOB, 10, PROMPT]);
  const { maxTokens, ...values } = player.state.sampling.values;
  assert.ok(maxTokens > 0);
  assert.deepEqual(sampling, values, 'the reader\'s own, but for how many');
  player.generate();
  player.measure();
  player.experiment(TRIED);
  assert.deepEqual(client.sent, ['load', 'lab'], 'nothing else is begun');
  onEvent({ type: 'loading' });
  assert.equal(player.state.lab.status, 'loading');
  onEvent({ type: 'writing' });
  assert.equal(player.state.lab.status, 'writing');
  await client.answer('lab', OUTCOME);
  assert.deepEqual(player.state.lab, { status: 'done', bug: 'B9', outcome: OUTCOME });
  assert.equal(player.state.status, 'ready');
});

test('it can be stopped, and can fail, which does not take the model', async () => {
  const { client, player } = start();
  player.experiment(TRIED);
  await client.answer('load', LOADED);
  await client.next('lab');
  assert.ok(player.stop());
  await settled();
  assert.deepEqual([player.state.status, player.state.lab.status], ['ready', 'stopped']);
  player.experiment(TRIED);
  await client.fail('lab', 'wasm_invalid');
  assert.deepEqual([player.state.status, player.state.lab.status], ['ready', 'failed']);
  assert.equal(player.state.lab.failure.code, 'wasm_invalid');
  assert.ok(player.state.model);
  assert.equal(reduceLab(player.state.lab, { type: 'asked', bug: 'B1' }).failure, undefined);
});

// ---- what is shown ------------------------------------------------------------------------------

test('both texts are marked at the first wrong token, and underlined from where the logits part', () => {
  assert.deepEqual(partingOf(OUTCOME), { logits: 23, token: 24 });
  const common = { same: ' He was', shaky: ' so' };
  assert.deepEqual(piecesOf(OUTCOME, 'right'), { ...common, space: ' ', first: 'kind', rest: '.' });
  assert.deepEqual(piecesOf(OUTCOME, 'wrong'), { ...common, space: '', first: '↵', rest: '\nOh' });
  const equal = { ...OUTCOME, wrong: OUTCOME.right, parting: undefined, firstWrong: undefined };
  assert.deepEqual(piecesOf(equal, 'wrong'),
    { same: ' He was so kind.', shaky: '', space: '', first: '', rest: '' });
  assert.deepEqual(partingOf(equal), { logits: undefined, token: undefined });
  const parting = { place: 0, right: 'aa', wrong: null };
  const ended = { ...OUTCOME, wrong: { tokens: [] }, parting, firstWrong: 0 };
  assert.equal(piecesOf(ended, 'wrong').first, '');
  assert.equal(piecesOf(ended, 'right').first, 'He');
});

test('the chart: decades are equally high, and what is the same bit for bit lies below them', () => {
  const { differences } = OUTCOME;
  const { marks, decades, positions, floor, zero, left, right, top } = chartOf(
    { differences, places: 5, first: 21 }, { width: 500, height: 200, em: 10 });
  assert.deepEqual(decades.map(({ value }) => value), [0.001, 0.01, 0.1, 1, 10, 100]);
  const steps = decades.slice(1).map(({ at }, i) => decades[i].at - at);
  for (const step of steps) assert.ok(Math.abs(step - steps[0]) < 1e-9);
  assert.ok(Math.abs(decades[0].at - floor) < 1e-9 && zero > floor && Math.abs(decades[5].at - top) < 1e-9);
  assert.deepEqual(marks.map(({ same }) => same), [true, true, false, false, false]);
  for (const [i, { x, y, same }] of marks.entries()) {
    assert.ok(x > left && x < right);
    const power = Math.log10(differences[i]);
    assert.ok(Math.abs(y - (same ? zero : floor - (power + 3) * steps[0])) < 1e-9, `${differences[i]}`);
  }
  assert.deepEqual(positions, [], 'none of 21 to 25 is round');
});

test('every bug that is offered has its words, a scenario that is told, and a thread to go to', async () => {
  const bugs = JSON.parse(await readFile(labBugs, 'utf8')).filter(({ scenario }) => scenario);
  const ids = bugs.map(({ id }) => id).sort();
  for (const [language, words] of Object.entries(LAB)) {
    assert.deepEqual(Object.keys(words.bugs).sort(), ids, language);
    assert.deepEqual(Object.keys(words.scenarios).sort(), Object.keys(SCENARIOS).sort(), language);
    for (const { name, how } of Object.values(words.bugs)) {
      assert.equal(how.split(/(?<=[.!]) (?=[A-ZÄÖÜa-z])/).length, 3, `${language}, ${name}: three sentences`);
    }
  }
  for (const { threads, found } of bugs) {
    for (const thread of threads) assert.match(thread, THREAD);
    for (const test of found) assert.match(testName(test), /^(test|fuzz)_\w+: \w+/);
  }
  assert.equal(threadName('https://github.com/a/b.c/pull/12'), 'a/b.c #12');
  assert.equal(testName('fuzz_cache: every_input'), 'fuzz_cache: every_input');
  assert.deepEqual(newLab(), { status: 'idle' });
});
