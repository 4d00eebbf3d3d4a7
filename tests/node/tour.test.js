// The tour: each lesson shows what its runs are to show, with the shipped model, and its experiment succeeds
// when it should and not when not.
import assert from 'node:assert/strict';
import { readFile, readdir } from 'node:fs/promises';
import { after, test } from 'node:test';
import '../relaxed.js';
import { VIEWS, attributeOf } from '../../web/demo/attributes.js';
import { BEFORE } from '../../web/demo/edit.js';
import { experimentWith } from '../../web/demo/broken.js';
import { LESSONS } from '../../web/demo/lessons/index.js';
import { Player } from '../../web/demo/player.js';
import { STORIES } from '../../web/demo/recorded/stories.js';
import {
  begun, follow, guessed, lessonOf, newProgress, nextRun, resultOf, setUp,
} from '../../web/demo/tour.js';
import { TOUR } from '../../web/demo/words/tour.js';
import { DeskClient } from './desk-client.js';

const FOLDER = new URL('../../web/models/stories/', import.meta.url);

/** The shipped model's files, by name. */
async function shippedFiles() {
  const names = (await readdir(FOLDER)).filter((name) => /\.(json|safetensors)$/.test(name));
  return Object.fromEntries(await Promise.all(names.map(async (name) => (
    [name, new Blob([await readFile(new URL(name, FOLDER))])]))));
}

const surroundings = { isOnline: () => true, downloadSize: async () => 1 };
const rival = () => assert.fail('nobody races');
const wasm = await readFile('web/engine/kvc-lab.wasm');
const client = new class extends DeskClient {
  /** The lab's engine lies beside no script here. */
  request(type, fields, ...rest) {
    return super.request(type, type === 'lab' ? { ...fields, wasm } : fields, ...rest);
  }
}();
const player = new Player({
  client, rival, surroundings, model: () => undefined, files: await shippedFiles(), recording: STORIES,
});
after(() => player.dispose());

let progress = newProgress();
player.subscribe((state) => { progress = follow(progress, state); });
const result = () => resultOf(progress);

/** A lesson, opened. */
function open(name) {
  player.setLesson(LESSONS.findIndex((lesson) => lesson.name === name) + 1);
  assert.deepEqual([result().tried, result().found], [undefined, undefined], name);
  return lessonOf(progress.lesson);
}

/** Settles once what was asked for is done, the proof too. */
const proved = () => new Promise((resolve) => {
  const end = player.subscribe(({ proof }, { type }) => {
    if (!/^compared|^failed/.test(type)) return;
    end();
    resolve(proof);
  });
});

/** The next run of the lesson, as its button starts it; during: at a token. */
async function tryIt(changes = {}, during) {
  const lesson = lessonOf(progress.lesson);
  const run = lesson.runs[nextRun(progress)];
  progress = begun(progress);
  await write({ ...run, pace: 0, ...changes }, during);
}

/** As a reader does it. */
async function write(setup, [at, act] = []) {
  if ('before' in setup) return setUp(player, player.state, setup);
  const done = proved();
  const end = player.subscribe(({ run }, { type }) => {
    if (type !== 'tokens' || at === undefined || run.tokens.length < at) return;
    at = undefined;
    act();
  });
  await setUp(player, player.state, setup);
  await done;
  return end();
}

/** What the runs have shown, in numbers that are said. */
function tried() {
  const numbers = result().tried;
  for (const { lessons } of Object.values(TOUR)) {
    const { seen } = lessons[lessonOf(progress.lesson).name];
    assert.equal(seen.length, numbers.length);
    assert.doesNotMatch(seen(...numbers), /NaN|undefined|Infinity/);
  }
  return numbers;
}

/** What has come of the experiment, in words that a reader sees. */
function found() {
  const { passed, say, numbers } = result().found ?? {};
  if (say === undefined) return undefined;
  for (const { lessons } of Object.values(TOUR)) {
    const sentence = lessons[lessonOf(progress.lesson).name].says[say];
    assert.ok(sentence, `${say} is said`);
    if (typeof sentence === 'function') {
      assert.equal(sentence.length, numbers.length);
      assert.doesNotMatch(sentence(...numbers), /NaN|undefined|Infinity/);
    } else assert.deepEqual(numbers, []);
  }
  return passed || say;
}

const flip = () => player.flip();
const OWN = 'The fisherman said to his wife,';

test('nothing counts before the reader has run something in the lesson', () => {
  progress = follow(newProgress(), player.state);
  assert.ok(player.state.recorded && player.state.run.tokens.length > 500);
  assert.deepEqual(progress.results, {});
  assert.equal(LESSONS.length, attributeOf('lesson').max);
});

test('flip: the speeds at the flip; equal stories that both ways have written', async () => {
  open('flip');
  await tryIt({ maxTokens: 80 }, [40, flip]);
  const [position, off, on] = tried();
  assert.ok(position > 13 + 40 && position < 13 + 80 && off > 0 && on > off, tried().join());
  assert.equal(found(), 'theirs');
  await write({ prompt: OWN, maxTokens: 30, cache: false });
  assert.equal(found(), 'notFlipped');
  await write({ prompt: OWN, maxTokens: 60, cache: false }, [20, flip]);
  assert.equal(found(), true);
  assert.deepEqual(result().found.numbers, [player.state.run.position]);
  await write({ prompt: OWN, maxTokens: 10, cache: true });
  assert.equal(found(), true, 'what was done stays done');
});

test('again: counted cells; four times as many take twice the tokens', async () => {
  open('again');
  await tryIt();
  const length = player.state.run.position;
  const cells = 4 + (length * (length + 1) - 4 * 5) / 2;
  assert.deepEqual(tried(), [cells, length]);
  assert.equal(length, 104);
  assert.equal(found(), undefined);
  const prompt = 'Once upon a time';
  await write({ prompt, maxTokens: 120, cache: false });
  assert.equal(found(), 'other');
  await write({ prompt, maxTokens: 200, cache: true });
  assert.equal(found(), 'cached');
  await write({ prompt, maxTokens: 30, cache: false });
  assert.equal(found(), 'other');
  await write({ prompt, maxTokens: 60, cache: false }, [20, flip]);
  assert.equal(found(), 'cached');
  assert.deepEqual(tried(), [cells, length], 'of the lesson’s run');
  await write({ prompt, maxTokens: 200, cache: false });
  assert.equal(found(), true);
});

test('kept: the rows of the cache, as many as the text has tokens', async () => {
  open('kept');
  await tryIt();
  const { nLayer, nKvHead, headDim } = player.state.model.config;
  assert.deepEqual(tried(), [13 + 24, nLayer, nKvHead, headDim]);
  assert.equal(found(), 'other');
  await write({ prompt: OWN, maxTokens: 64, cache: true });
  assert.equal(found(), 'other', 'the prompt counts too');
  const read = player.state.run.prefill.tokens;
  await write({ prompt: OWN, maxTokens: 64 - read, cache: false });
  assert.equal(found(), 'off');
  await write({ prompt: OWN, maxTokens: 64 - read, cache: true });
  assert.equal(found(), true);
  assert.deepEqual(result().found.numbers, [read, 64 - read]);
});

test('free: a step costs more the later it is; a tenth more than the first at one place', async () => {
  open('free');
  await tryIt();
  const [early, , earlyWork, late, , lateWork] = tried();
  assert.equal(late, 1024);
  assert.ok(early > 90 && early < 110);
  const { nLayer, nEmbd } = player.state.model.config;
  assert.equal(lateWork - earlyWork, 2 * nLayer * nEmbd * (late - early), 'attention, and nothing else');
  assert.equal(found(), 'other');
  await write({ prompt: OWN, maxTokens: 200, cache: false }, [100, flip]);
  assert.equal(found(), 'off');
  await write({ prompt: OWN, maxTokens: 150, cache: true });
  assert.equal(found(), 'other');
  const [position, percent] = result().found.numbers;
  const length = Math.round(position * 10 / percent); // as a reader can tell from this
  await write({ prompt: OWN, maxTokens: length - player.state.run.prefill.tokens, cache: true });
  assert.equal(found(), true);
});

test('memory: bytes of a token; two stories of one length take the same', async () => {
  open('memory');
  await tryIt();
  const { bytesPerToken } = player.state.memory;
  const [letters, bytes, count, total] = tried();
  assert.ok(letters > 2 && letters < 8);
  assert.deepEqual([bytes, total], [bytesPerToken, bytesPerToken * count]);
  assert.equal(found(), 'first');
  await tryIt();
  assert.equal(found(), 'same');
  await write({ prompt: OWN, maxTokens: 190, cache: true });
  assert.equal(found(), 'other');
  const { position } = player.state.run;
  const other = 'Deep in the forest there lived';
  await write({ prompt: other, maxTokens: position - 7, cache: false });
  assert.equal(found(), 'off');
  await write({ prompt: OWN, maxTokens: 50, cache: true });
  const read = player.state.run.prefill.tokens;
  await write({ prompt: other, maxTokens: 50 + read - 7, cache: true });
  assert.equal(found(), true);
  assert.deepEqual(result().found.numbers, [bytesPerToken * (50 + read)]);
});

test('phases: reading costs the same both ways; it can take longer than writing', async () => {
  open('phases');
  await tryIt();
  assert.equal(result().tried, undefined, 'one run tells nothing');
  await tryIt();
  const [count, readOff, readOn, reused, writeOff, writeOn] = tried();
  assert.equal(reused, 0, 'the cache had nothing of it');
  assert.ok(count > 40 && readOff > 0 && readOn > 0);
  assert.ok(writeOff > 3 * writeOn, `${writeOff} ms, ${writeOn} ms`);
  assert.equal(found(), undefined, 'the lesson’s own do not count');
  const [{ prompt }] = lessonOf(progress.lesson).runs;
  await write({ prompt: `Yesterday ${OWN}`, maxTokens: 60, cache: true });
  assert.equal(found(), 'other');
  const long = `Today ${`${prompt} `.repeat(12)}`; // far longer than ten tokens take, by any clock
  await write({ prompt: long, maxTokens: 5, cache: true });
  assert.equal(found(), 'few');
  await write({ prompt: long, maxTokens: 10, cache: false });
  assert.equal(found(), 'off');
  await write({ prompt: long.replace('Today', 'Tomorrow'), maxTokens: 10, cache: true });
  assert.equal(found(), true);
});

test('prompts: what the cache still has of a changed prompt, up to the first change', async () => {
  open('prompts');
  await tryIt();
  assert.equal(result().tried, undefined);
  await tryIt();
  const [count, reused, read] = tried();
  assert.ok(reused > 20 && read > 0 && read < 5 && reused + read === count, tried().join());
  assert.equal(found(), undefined, 'the lesson’s own do not count');
  const own = 'The king of the little island had a daughter who could talk with all the birds of the air and '
    + 'all the fish of the sea';
  await write({ prompt: `${own}.`, maxTokens: 5, cache: true });
  assert.equal(found(), 'other');
  await write({ prompt: `${own}.`, maxTokens: 5, cache: true });
  assert.equal(found(), 'unchanged');
  await write({ prompt: `${own}!`, maxTokens: 5, cache: false });
  assert.equal(found(), 'off');
  await write({ prompt: `${own}!`, maxTokens: 5, cache: true });
  assert.equal(found(), 'unchanged', 'the run before it had this prompt too');
  await write({ prompt: `${own}?`, maxTokens: 5, cache: true });
  assert.equal(found(), true);
});

test('early: for one word, all behind it; the old K and V give an old answer', async () => {
  open('early');
  await write(lessonOf(progress.lesson).runs[0]);
  const [count, read, kept, wrong] = tried();
  assert.deepEqual([count, read, kept], [22, 13, 11], 'the newest is always computed');
  assert.ok(wrong > 0, 'which is why the lesson has this word');
  assert.equal(found(), undefined, 'the lesson’s own does not count');
  const edit = (after, before = BEFORE) => write({ before, after });
  await edit(BEFORE);
  assert.equal(found(), 'untried');
  await edit(BEFORE.replace('king', 'very old man'));
  assert.equal(found(), 'untried', 'those behind it have moved');
  await edit(BEFORE.replace('That', 'This'));
  assert.equal(found(), 'lucky');
  assert.ok(result().found.numbers[0] > 0, 'the numbers are wrong all the same');
  await edit(BEFORE.replace('king', 'mouse'));
  assert.equal(found(), true);
});

test('limits: what is not read stays; it is free once it is dropped; a bug that shows late', async () => {
  open('limits');
  await tryIt({ maxTokens: 120, pace: 300 }, [40, flip]);
  const [held, length, bytes, none] = tried();
  assert.ok(held >= 13 + 40 && held < length && length === 133, tried().join());
  assert.deepEqual([bytes, none], [held * player.state.memory.bytesPerToken, 0]);
  await tryIt();
  assert.deepEqual(tried(), [held, length, bytes, 17]);
  assert.equal(found(), undefined);
  const bugs = JSON.parse(await readFile('web/engine/kvc-lab.json', 'utf8'));
  const breakIt = (id) => (
    player.experiment({ id, job: experimentWith(bugs.find((bug) => bug.id === id)) }));
  await breakIt('B3');
  assert.equal(found(), 'soon');
  await breakIt('B9');
  assert.equal(found(), true);
  assert.ok(result().found.numbers[0] >= 10);
});

test('guesses and what was done stay with their lessons, and each has its views and words', () => {
  progress = guessed(progress, 2);
  assert.equal(result().guess, 2);
  player.setLesson(1);
  assert.deepEqual([result().guess, result().found.passed], [undefined, true]);
  player.setLesson(LESSONS.length);
  assert.equal(result().guess, 2);
  assert.ok(LESSONS.every(({ right, name }) => TOUR.en.lessons[name].answers[right]));
  for (const { name, runs, views } of LESSONS) {
    assert.deepEqual(views.filter((view) => !VIEWS.includes(view)), [], name);
    assert.ok(views.length > 0 && !views.includes('tour'), name);
    for (const { lessons } of Object.values(TOUR)) assert.equal(lessons[name].runs.length, runs.length);
  }
});
