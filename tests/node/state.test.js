// The state of the demo: recorded runs go in event by event (../fixtures/events, remade by
// tests/browser/record.js), and what must be true of them comes out.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { contrast, lastPoint, lengthOfCurves, speedAt } from '../../web/demo/curves.js';
import { Log } from '../../web/demo/log.js';
import { asCsv, asMarkdown, reportOf } from '../../web/demo/report.js';
import { initialState, isWorking, reduce } from '../../web/demo/state.js';
import * as sentences from '../../web/demo/words.js';
import { en } from '../../web/demo/words/en.js';

const read = async (name) => (
  JSON.parse(await readFile(new URL(`../fixtures/events/${name}.json`, import.meta.url), 'utf8')));
const names = ['flips', 'stopped', 'failed', 'race', 'benchmark'];
const streams = Object.fromEntries(await Promise.all(names.map(async (name) => [name, await read(name)])));

/** In English. */
const {
  benchmarkWords, chartWords, generateWords, pointWords, remarkWords, spoken, statusWords,
} = Object.fromEntries(Object.entries(sentences).map(([name, say]) => [name, say.bind(null, en)]));

/** The states of a stream, the first one included. */
const states = (events, state = initialState('Once upon a time')) => (
  events.reduce((all, event) => [...all, reduce(all.at(-1), event)], [state]));
const replay = (events, state) => states(events, state).at(-1);

/** What a reader sees one after another, without repetitions. */
const seen = (events, words) => states(events).map(words).filter((now, i, all) => now !== all[i - 1]);
const is = (type) => (event) => event.type === type;

function frozen(value) {
  if (typeof value !== 'object' || value === null || value instanceof Log) return value;
  for (const inner of Object.values(value)) frozen(inner);
  return Object.freeze(value);
}

for (const [name, events] of Object.entries(streams)) {
  test(`${name}: no state is ever changed, and any can be gone on from`, () => {
    const all = [frozen(initialState('Once upon a time'))];
    const before = [JSON.stringify(all[0])];
    for (const event of frozen(structuredClone(events))) {
      all.push(frozen(reduce(all.at(-1), event)));
      before.push(JSON.stringify(all.at(-1)));
    }
    assert.deepEqual(all.map((state) => JSON.stringify(state)), before);
    const middle = events.length >> 1;
    const again = JSON.stringify(replay(events.slice(middle), all[middle]));
    assert.equal(again, before.at(-1), 'gone on from the middle once more');
  });
}

test('a run with flips: every token is there, in its mode, and only those that can be are measured', () => {
  const state = replay(streams.flips);
  const { run, columns, curves, proof } = state;
  const written = streams.flips.filter(is('tokens')).flatMap(({ tokens }) => tokens);
  assert.deepEqual([...run.tokens], written);
  assert.equal(written.length, 60);
  assert.equal(written.filter(({ cached }, i) => i > 0 && cached !== written[i - 1].cached).length, 2);
  assert.deepEqual([state.status, run.reason, run.position, run.mode], ['finished', 'length', 64, 'on']);
  const uncached = written.filter(({ cached }) => !cached);
  const caught = streams.flips.findLast(is('resumed'));
  const { position: next } = written[written.findLastIndex(({ cached }) => !cached) + 1];
  assert.deepEqual([...run.catchUps], [{ position: next, tokens: uncached.length, ms: caught.ms }]);
  assert.equal(columns.off.meter.count, uncached.length);
  assert.equal(columns.on.meter.count, written.length - uncached.length);
  const last = written.at(-1).burst;
  assert.deepEqual(columns.on.meter.recent.at(-1), last);
  assert.equal(columns.off.work, uncached.at(-1).position + 1);
  assert.equal(columns.off.work, lastPoint(curves, 'off').position, 'the work is the position');
  assert.equal(columns.on.work, 1);
  assert.deepEqual([columns.on.prefill.tokens, columns.off.prefill], [4, undefined]);
  for (const { position, cached } of written) {
    assert.equal(speedAt(curves, cached ? 'off' : 'on', position + 1), null);
    assert.ok(speedAt(curves, cached ? 'on' : 'off', position + 1) > 0, 'measured, each of them');
  }
  assert.deepEqual([lengthOfCurves(curves), run.position], [65, 64], 'position 64: 64 tokens');
  assert.equal(curves.expected, 64);
  const total = written.reduce((sum, { burst }) => sum + burst.ms / burst.tokens, 0);
  assert.ok(Math.abs(run.ms - total) < 1e-9);
  assert.deepEqual([proof.stage, proof.of, proof.proof.equal], ['shown', 'text', true]);
  assert.equal(proof.proof.run, proof.proof.on);
  assert.deepEqual(state.memory, streams.flips.find(is('run ended')).memory);
});

test('a run with flips, in words: what is shown, and what is spoken', () => {
  const shown = seen(streams.flips, statusWords);
  const expected = [/^Press Generate/, /^Starting\.$/, /^Loading the model\.$/,
    ...Array(shown.length - 9).fill(/^Loading the model: (\d+ KB|\d\.\d MB) of 4\.9 MB\.$/),
    /^Prefill/, /^With the/, /^Without/, /^It is slowing down/, /^With the/,
    /^Finished: 60 tokens written\.$/];
  assert.equal(shown.length, expected.length);
  for (const [i, words] of shown.entries()) assert.match(words, expected[i]);
  const heard = seen(streams.flips, (state) => spoken(state).run).filter(Boolean);
  assert.deepEqual(heard.map((words) => words.split(/[ :.]/)[0]),
    ['Loading', 'Prefill', 'With', 'Without', 'It', 'With', 'Finished']);
  assert.deepEqual(seen(streams.flips, generateWords), ['Generate', 'Stop', 'Generate']);
  const { run, curves } = replay(streams.flips);
  const missed = run.catchUps.at(0).tokens;
  assert.match(remarkWords({ run }), new RegExp(`^Switched on again, .* the ${missed} tokens it had missed`));
  assert.match(chartWords(curves), /^At the flip of the switch, at position \d+: .* times as fast\.$/);
  assert.equal(lastPoint(curves, 'on').position, 64);
  assert.match(pointWords(curves, 40), /^At 40: [\d.,]+\/s (on|off)$/);
  assert.equal(pointWords(curves, 1), '');
});

test('tokens that come while the tab is hidden are written and not measured', () => {
  const from = streams.flips.findIndex(is('tokens')) + 5;
  const events = streams.flips.toSpliced(from, 0, { type: 'visibility', hidden: true });
  const before = replay(events.slice(0, from));
  const { run, columns, curves } = replay(events);
  assert.equal(run.tokens.length, 60);
  const hidden = [...run.tokens].slice(before.run.tokens.length);
  assert.equal(run.unmeasured, hidden.length);
  assert.deepEqual([columns.on.meter.count, columns.off.meter.count], [before.columns.on.meter.count, 0]);
  assert.deepEqual([curves.run, columns.on.meter], [before.curves.run, before.columns.on.meter]);
  assert.match(remarkWords({ run }), /^Not measured, because .* hidden: \d+ tokens\. Switched on again/);
});

test('stopped: without the cache from the start, and the proof is of what was written', () => {
  const state = replay(streams.stopped);
  assert.deepEqual([state.status, state.useCache, isWorking(state)], ['stopped', false, false]);
  assert.match(statusWords(state), /^Stopped: \d+ tokens written\.$/);
  assert.equal(lengthOfCurves(state.curves) > 8, true);
  assert.equal(state.columns.on.meter.count, 0);
  assert.match(chartWords(state.curves), /^With the cache off, [\d,.]+ tokens\/s at position \d+\.$/);
  assert.equal(state.proof.proof.tokens, state.run.position);
});

test('failed: the error stays until the next run, and a lost model is gone', () => {
  const state = replay(streams.failed);
  assert.deepEqual([state.status, state.failure.code], ['failed', 'file_unreachable']);
  assert.deepEqual(seen(streams.failed, (each) => spoken(each).run), ['', 'Loading the model.', '']);
  assert.equal(reduce(state, { type: 'asked', comparing: false }).failure, undefined);
  const loaded = replay(streams.flips);
  const failure = (code) => ({ code, message: 'Gone.', offline: false });
  const modelAfter = (code) => reduce(loaded, { type: 'failed', failure: failure(code) }).model;
  for (const code of ['trapped', 'disposed', 'worker_lost', 'not_ready']) {
    assert.equal(modelAfter(code), undefined, code);
  }
  assert.deepEqual(modelAfter('context_full'), loaded.model);
  const unproved = reduce(loaded, { type: 'comparing failed', failure: failure('worker_lost') });
  assert.deepEqual([unproved.model, unproved.status], [undefined, 'finished']);
  assert.deepEqual(unproved.proof, { stage: 'failed', failure: failure('worker_lost') });
});

test('a second run lies over the first one, and each column is of the last run that had its mode', () => {
  const first = replay(streams.stopped);
  const both = replay(streams.flips.slice(streams.flips.findIndex(is('begun'))), first);
  assert.equal(both.run.number, 2);
  assert.notEqual(both.columns.off.run, first.columns.off.run);
  for (const mode of ['on', 'off']) {
    const { position } = [...both.run.tokens].findLast(({ cached }) => cached === (mode === 'on'));
    assert.ok(speedAt(both.curves, mode, position + 1) > 0, 'each point where it belongs');
  }
  const positions = [...Array(lengthOfCurves(both.curves)).keys()];
  const only = positions.filter((at) => speedAt(both.curves, 'off', at) !== null);
  const own = [...both.run.tokens].filter(({ cached }) => !cached).map(({ position }) => position + 1);
  assert.ok(only.some((at) => !own.includes(at)), 'points of the first run');
  const changed = own.some((at) => speedAt(both.curves, 'off', at) !== speedAt(first.curves, 'off', at));
  assert.ok(changed, 'points of the second');
  const [begin, end] = [is('begun'), is('resumed')].map((event) => streams.flips.findIndex(event));
  const cached = replay(streams.flips.slice(begin, end), first);
  assert.deepEqual([cached.columns.on.run, cached.columns.off.run], [2, 1]);
  const cleared = reduce(both, { type: 'cleared' });
  assert.equal(lengthOfCurves(cleared.curves), 0);
  assert.deepEqual([cleared.columns.on.meter.count, cleared.columns.off.prefill], [0, undefined]);
  assert.equal(cleared.run, both.run);
});

test('the end of a run, by its reason', () => {
  const ended = (reason) => {
    const events = streams.flips.map((event) => (event.type === 'run ended' ? { ...event, reason } : event));
    const state = replay(events);
    return [state.status, statusWords(state)];
  };
  assert.deepEqual(ended('eos'), ['finished', 'The story is over: 60 tokens written.']);
  assert.deepEqual(ended('context_full'),
    ['full', 'The context is full: 60 tokens written.']);
  assert.deepEqual(ended('stopped'), ['stopped', 'Stopped: 60 tokens written.']);
});

test('settings: a model brings its own, the reader keeps theirs', () => {
  const changed = Object.entries({ topP: 0.5, seed: 7, minP: NaN })
    .map(([key, value]) => ({ type: 'setting', key, value }));
  const loaded = { ...streams.flips.find(is('loaded')), config: { nPositions: 100 }, room: 100 };
  const { sampling } = replay([...changed, loaded]);
  assert.deepEqual(sampling.values,
    { topP: 0.5, seed: 7, minP: NaN, repetitionPenalty: 1.1, maxTokens: 100, temperature: 0.8, topK: 0 });
  assert.equal(sampling.capacity, 100);
  const { values } = reduce({ ...initialState(), sampling }, { type: 'settings reset' }).sampling;
  assert.deepEqual([values.topP, values.seed, values.minP], [0.95, 2, 0]);
});

test('a benchmark: figures of both kinds, what is said meanwhile, and the story goes on where it was', () => {
  const state = replay(streams.benchmark);
  assert.deepEqual(state.benchmark.rows.map(({ weights, context }) => `${weights} ${context}`),
    ['f32 64', 'f32 256', 'f32 1000', 'int8 64', 'int8 256', 'int8 1000']);
  assert.deepEqual([state.benchmark.status, state.status], ['done', 'ready']);
  const words = seen(streams.benchmark, ({ benchmark }) => benchmarkWords(benchmark));
  const found = 'your machine writes [\\d,.]+ tokens per second with the cache and [\\d,.]+ without it';
  assert.match(words.at(-1), new RegExp(`^Measured\\. After 1,000 tokens, ${found}\\.$`));
  assert.ok(words.some((each) => /^Measuring weights of 8 bits after 256 tokens: \d+ % done\.$/.test(each)));
  const heard = seen(streams.benchmark, (each) => spoken(each).benchmark).filter(Boolean);
  assert.deepEqual(heard.map((each) => each.split(' ')[0]), ['Getting', 'Measuring.', 'Half', 'Measured.']);
  for (const each of states(streams.benchmark)) assert.equal(isWorking(each), false);
  const report = reportOf(state.benchmark);
  assert.deepEqual([report.complete, report.remarks, report.rows.length], [true, [], 6]);
  assert.match(asMarkdown(report), /^\| int8 \| 1000 \|/m);
  const odd = { ...report, machine: { browser: 'A "B", 1', logicalCores: 4 } };
  const [head, ...lines] = asCsv(odd).split('\r\n').map((line) => line.split(','));
  assert.equal(lines.pop().join(), '', 'every line has its end');
  assert.equal(lines[0].slice(3, 5).join(), '"A ""B"", 1"');
  const at = head.indexOf('decode_cache_on') + 1; // the comma within the quotes is one more
  assert.deepEqual(lines.map((line) => Number(line[at])), report.rows.map(({ decode }) => decode.median));
  const limit = head.indexOf('multiply_adds_per_second') + 1; // one is a multiplication and an addition
  assert.deepEqual(lines.map((line) => 2 * line[limit]), report.rows.map(({ peak }) => peak.median));
  const decode = { median: 900, min: 800, max: 990 };
  const cost = { same: 0.75, kl: 2e-7, error: 0.01 };
  const row = { type: 'f16', bytesPerToken: 88, cacheBytes: 4400, decode, ...cost };
  const caches = { weights: 'f32', context: 50, tokens: 66, rows: [row] };
  const told = { type: 'benchmark', event: { type: 'caches', ...caches } };
  const narrow = reportOf(reduce(state, told).benchmark);
  assert.deepEqual(narrow.caches, caches);
  assert.ok(asMarkdown(narrow).includes('| f16 | 88 | 900 (800 to 990) | 75 % | 2.0e-7 | 0.010 |'));
  assert.match(asCsv(narrow), /,f32,50,f16,,,,900,800,990,,,,,4400,,,,88,0\.75,2e-7,0\.01\r\n$/);

  const begun = streams.benchmark.filter(({ event }) => event);
  const after = replay(begun, replay(streams.flips));
  assert.equal(after.status, 'finished');
  assert.match(statusWords(replay(begun.slice(0, -1), replay(streams.flips))), /below are computing/);
  assert.equal(spoken(replay(begun.slice(0, -1), replay(streams.flips))).run, undefined);
});

test('a benchmark that does not come to its end', () => {
  const tell = (state, ...events) => replay(events.map((event) => ({ type: 'benchmark', event })), state);
  const at = (type) => streams.benchmark.findIndex(({ event }) => event?.type === type);
  const until = (type) => replay(streams.benchmark.slice(0, at(type) + 1));
  const measured = until('measured');
  const failure = (code) => ({ type: 'failed', failure: { code, message: 'No.', offline: false } });

  const stopped = tell(measured, { type: 'hidden' }, { type: 'ended', reason: 'stopped' });
  assert.deepEqual([stopped.benchmark.status, stopped.status], ['stopped', 'ready']);
  assert.match(benchmarkWords(stopped.benchmark), /^Stopped: what was finished is below\. After 64 tokens/);
  assert.deepEqual(reportOf(stopped.benchmark).remarks,
    ['Stopped before the end.', 'The tab was hidden for a while: browsers slow such tabs down.']);
  const report = reportOf(stopped.benchmark);
  assert.equal(report.complete, false);
  const bare = { ...report, rows: report.rows.map(({ uncached: _, ...row }) => row) };
  assert.deepEqual([report, bare].map((each) => /are equal/.test(asMarkdown(each))), [true, false]);

  const end = { type: 'ended', reason: 'stopped' };
  for (const nothing of [tell(until('planned'), end), tell(until('asked'), failure('aborted'))]) {
    assert.deepEqual([nothing.benchmark.status, nothing.benchmark.failure], ['idle', undefined]);
    assert.equal(benchmarkWords(nothing.benchmark), 'Stopped before anything was measured.');
  }
  const liar = tell(measured, { type: 'caches', rows: [] }, failure('outputs_differ'));
  assert.deepEqual([liar.benchmark.status, liar.benchmark.rows, liar.status], ['failed', [], 'ready']);
  assert.equal(liar.benchmark.caches, undefined);
  assert.equal(benchmarkWords(liar.benchmark), 'This did not work.');
  const lost = tell(measured, failure('worker_lost'));
  assert.deepEqual([lost.benchmark.rows.length, lost.model, lost.status], [1, undefined, 'unloaded']);
  assert.match(benchmarkWords(lost.benchmark), /what was finished is below/);
  const why = { code: 'file_unreachable', message: '404.', offline: false };
  const left = { type: 'left_out', weights: 'int8', failure: why };
  const half = tell(measured, left, { type: 'ended', reason: 'finished' });
  assert.deepEqual(reportOf(half.benchmark).remarks,
    ['Not measured: the model could not be loaded with weights of 8 bits. 404.']);
  assert.equal(tell(stopped, { type: 'asked', hidden: true }).benchmark.hidden, true);
  assert.deepEqual(tell(stopped, { type: 'asked', hidden: false }).benchmark.rows, []);
  const idle = reduce(initialState(), { type: 'visibility', hidden: true });
  assert.equal(idle.benchmark.hidden, false, 'only while it runs');
});

test('a log appends without copying, and a log before keeps its items', () => {
  let copies = 0;
  class Watched extends Array {
    slice(...args) {
      copies++;
      return super.slice(...args);
    }
  }
  let log = new Log(new Watched());
  const before = log.append('a');
  log = before;
  for (let i = 0; i < 1000; i++) log = log.append(i);
  assert.equal(copies, 0);
  assert.deepEqual([before.length, before.at(0), before.at(1), [...before]], [1, 'a', undefined, ['a']]);
  const branch = before.append('b');
  assert.equal(copies, 1);
  assert.deepEqual([...branch], ['a', 'b']);
  assert.deepEqual([log.length, log.at(1), [...log.from(999)]], [1001, 0, [998, 999]]);
});
