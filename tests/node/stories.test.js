// Back and forth in a run: whatever the reader asks for, in whatever order, the text shown is the text that
// the session holds, what is written again is what was there, and every story is kept.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lengthOfCurves } from '../../web/demo/curves.js';
import { follower } from '../../web/demo/parts/story-text.js';
import { Player } from '../../web/demo/player.js';
import { momentsOf } from '../../web/demo/recording.js';
import { STORIES } from '../../web/demo/recorded/stories.js';
import { canGo, initialState, reduce } from '../../web/demo/state.js';
import { storyNow } from '../../web/demo/stories.js';
import { triangleOf } from '../../web/demo/work.js';
import { DeskClient } from './desk-client.js';
import { seeded } from './helpers.js';
import { tinyBlobs } from './tiny-model.js';

const CHANGES = { n_positions: 160, vocab_size: 320 };
const PROMPT = 'abcdefgh';
const ids = (tokens) => [...tokens].map(({ id }) => id);
const textIn = (tokens) => [...tokens].map(({ text }) => text).join('');

/** A player whose engine is real, and has written a story of 90 tokens. */
async function start(t, { cache = true, rival = () => assert.fail('nobody races') } = {}) {
  const client = new DeskClient();
  const files = Object.fromEntries(tinyBlobs({ changes: CHANGES, generation: { temperature: 1.3 } }));
  const player = new Player({
    client, files, rival, surroundings: { isOnline: () => true },
    model: () => 'https://example.org/', prompt: PROMPT, variant: 'simd',
  });
  t.after(() => player.dispose());
  player.setCache(cache);
  player.setSampling('maxTokens', 90);
  player.setSampling('seed', 7);
  await player.generate();
  await compared(player);
  return { client, player };
}

/** Once the proof has ended. */
const compared = async (player) => {
  while (player.state.proof.stage.startsWith('comparing')) await new Promise(setImmediate);
};

/** What is shown of a run by views that draw only what is new, as one draws it that sees it all at once. */
function viewsOf(player) {
  let shown = '';
  const story = { begin: () => { shown = ''; }, write: (text) => { shown += text; }, mark() {} };
  const follow = follower(story);
  let triangle;
  player.subscribe(({ run }) => {
    follow(run);
    triangle = triangleOf(run, triangle);
  });
  return () => {
    assert.equal(shown, textIn(player.state.run.tokens));
    const { origin, ...now } = triangle;
    const { origin: other, ...fresh } = triangleOf(player.state.run);
    assert.equal(JSON.stringify(now), JSON.stringify(fresh));
  };
}

/** The text shown is the one that the session holds. */
async function check({ client, player }) {
  const { run, memory, curves } = player.state;
  const seen = await client.request('inspect', { tokens: {} });
  assert.deepEqual(seen.tokens.slice(seen.prompt).map(({ id }) => id), ids(run.tokens));
  assert.equal(seen.position, run.position);
  assert.equal(run.position, 8 + run.tokens.length);
  assert.deepEqual([...run.tokens].map(({ position }) => position), ids(run.tokens).map((_, i) => 8 + i));
  assert.equal(memory.usedBytes, seen.cache.tokens * memory.bytesPerToken);
  assert.ok(lengthOfCurves(curves) <= 161);
}

test('back and on, one token at a time, forks and the way back, with the cache and without it', async (t) => {
  for (const cache of [true, false]) {
    const both = await start(t, { cache });
    const { player } = both;
    const check_ = viewsOf(player);
    const first = player.state.run;
    const whole = ids(first.tokens);
    const { hash } = first;
    assert.equal(hash, player.state.proof.proof.run);
    await player.goTo(whole.slice(0, 24));
    await check(both);
    const { run, status, proof } = player.state;
    assert.deepEqual([run.tokens.length, status, proof.stage], [24, 'stopped', 'none']);
    const { bytesPerToken } = player.state.memory;
    const gone = cache ? 66 : 0;
    const [taken, droppedBytes] = [cache ? 98 : 0, gone * bytesPerToken];
    assert.deepEqual(run.stories.cut, { from: 90, kept: 24, to: 24, taken, dropped: gone, droppedBytes });
    assert.ok(run.number > first.number, 'views begin anew');
    for (let n = 25; n <= 27; n++) {
      await player.goTo(ids(player.state.run.tokens), 1);
      assert.deepEqual(ids(player.state.run.tokens), whole.slice(0, n));
      assert.equal(player.state.run.number, run.number, 'and then only go on');
    }
    assert.deepEqual(player.state.run.stories.again, { from: 24, same: 3 });
    await player.goOn(ids(player.state.run.tokens));
    await check(both);
    check_();
    assert.deepEqual(player.state.run.stories.again, { from: 24, same: 66, equal: true });
    assert.equal(textIn(player.state.run.tokens), textIn(first.tokens));
    assert.deepEqual([player.state.run.hash, player.state.status], [hash, 'finished']);
    await compared(player);
    assert.deepEqual([player.state.proof.proof.equal, player.state.proof.proof.run], [true, hash]);

    const other = [...whole.slice(0, 40), whole[40] ^ 1];
    await player.goOn(other);
    await check(both);
    const fork = player.state.run;
    assert.deepEqual(ids(fork.tokens).slice(0, 41), other);
    assert.deepEqual([fork.stories.list.length, fork.stories.now, storyNow(fork.stories).from], [2, 1, 40]);
    assert.deepEqual(fork.tokens.at(40).cached, cache);
    await player.goTo(whole);
    await check(both);
    check_();
    assert.deepEqual([ids(player.state.run.tokens), player.state.run.stories.now], [whole, 0]);
    await player.goTo(ids(fork.tokens));
    await player.goTo(whole.slice(0, 40)); // before its first own token it is the story that it left
    assert.equal(player.state.run.stories.now, 0);
    await player.goOn(whole.slice(0, 40));
    assert.deepEqual([player.state.run.stories.again.parting, player.state.run.hash], [undefined, hash]);
    assert.deepEqual(ids(player.state.run.stories.list[1].tokens), ids(fork.tokens), 'kept');
    await player.goTo([]);
    await check(both);
    assert.equal(player.state.run.tokens.length, 0);
    await player.generate();
    assert.equal(player.state.run.stories, undefined, 'another run has other stories');
  }
});

test('whatever a reader does, 150 times: shown is what the session holds, nothing parts', async (t) => {
  const both = await start(t);
  const { player } = both;
  const views = viewsOf(player);
  const random = seeded(5);
  const below = (n) => Math.floor(random() * n);
  const forks = new Set();
  for (let i = 0; i < 150; i++) {
    const { run } = player.state;
    const now = ids(run.tokens);
    const known = run.stories ? ids(storyNow(run.stories).tokens) : now;
    switch (below(8)) {
      case 0: await player.goOn(now); break;
      case 1: player.setCache(!player.state.useCache); break;
      case 2: case 3: await player.goTo(known.slice(0, below(known.length + 1))); break;
      case 4: await player.goTo(now, 1); break;
      case 5: if (now.length < 150) await player.goOn([...now, below(256)]); break;
      case 6: {
        const { list } = run.stories ?? { list: [] };
        if (list.length > 0) await player.goTo(ids(list[below(list.length)].tokens));
        break;
      }
      case 7: { // stopped wherever it is
        const going = player.goOn(now);
        for (let turns = below(6); turns > 0; turns--) await new Promise(setImmediate);
        player.stop();
        await going;
        break;
      }
    }
    await check(both);
    views();
    const { stories } = player.state.run;
    assert.equal(stories?.again.parting, undefined);
    assert.notEqual(stories?.again.equal, false);
    if (stories) {
      forks.add(stories.list.length);
      const own = ids(storyNow(stories).tokens);
      assert.deepEqual(own.slice(0, player.state.run.tokens.length), ids(player.state.run.tokens));
    }
  }
  assert.ok(forks.size > 5);
});

test('a slider is dragged: only the newest place counts; a run under way is stopped for it', async (t) => {
  const both = await start(t);
  const { client, player } = both;
  const whole = ids(player.state.run.tokens);
  client.heard.length = 0;
  await Promise.all([80, 60, 40, 30, 20].map((n) => player.goTo(whole.slice(0, n))));
  assert.deepEqual(ids(player.state.run.tokens), whole.slice(0, 20));
  assert.deepEqual(client.heard, ['cut', 'cut']);
  player.setPace(200);
  const going = player.goOn(whole.slice(0, 20));
  while (player.state.status !== 'running') await new Promise(setImmediate);
  await player.goTo(whole.slice(0, 10));
  await going;
  await check(both);
  assert.deepEqual([player.state.status, player.state.run.tokens.length], ['stopped', 10]);
  const waiting = player.goTo(whole.slice(0, 15));
  player.setPace(0);
  const asked = player.goOn(whole.slice(0, 15)); // waits for the way before it
  await Promise.all([waiting, asked]);
  await check(both);
  assert.deepEqual([player.state.status, ids(player.state.run.tokens)], ['finished', whole]);
});

test('after a race, one goes back in the story that both have written', async (t) => {
  const rival = new DeskClient();
  t.after(() => rival.dispose());
  const both = await start(t, { rival: () => rival });
  const { player } = both;
  const { hash, tokens } = player.state.run;
  await player.compare();
  await compared(player);
  assert.equal(player.state.race.same, 90);
  await player.goTo(ids(tokens).slice(0, 20));
  await check(both);
  assert.equal(player.state.race, undefined, 'one story stands there');
  await player.goOn(ids(player.state.run.tokens));
  assert.deepEqual([player.state.run.hash, player.state.run.stories.again.equal], [hash, true]);
});

test('the model is lost: the story stays, and one goes on in it once it is loaded again', async (t) => {
  const both = await start(t);
  const { client, player } = both;
  const { hash, tokens } = player.state.run;
  const going = player.goTo(ids(tokens).slice(0, 30));
  client.lose();
  await going;
  assert.deepEqual([player.state.status, player.state.failure.code], ['failed', 'not_ready']);
  assert.equal(player.state.model, undefined);
  await player.retry();
  await check(both);
  await player.goOn(ids(tokens).slice(0, 30));
  assert.deepEqual([player.state.run.hash, player.state.status], [hash, 'finished']);
});

test('where there is no run of the reader, and while a benchmark runs, nobody goes anywhere', async (t) => {
  const client = new DeskClient();
  t.after(() => client.dispose());
  const player = new Player({
    client, rival: () => assert.fail(), surroundings: { isOnline: () => true }, model: () => '',
    recording: STORIES });
  await player.goTo(STORIES.ids.slice(0, 5));
  await player.goOn(STORIES.ids.slice(0, 5));
  assert.deepEqual([player.state.status, player.state.run.tokens.length], ['unloaded', STORIES.ids.length]);
  const { player: other } = await start(t);
  assert.ok(canGo(other.state));
  const asked = { type: 'benchmark', event: { type: 'asked', hidden: false } };
  assert.ok(!canGo(reduce(other.state, asked)));
});

test('the recorded run, gone back in: its other half comes again, the same to the last bit', () => {
  const events = momentsOf(STORIES).map(({ event }) => event);
  const { length } = STORIES.ids;
  const prompt = STORIES.prefill.tokens;
  const begun = [{ type: 'asked', comparing: false }, { type: 'begun' }, ...events]
    .reduce(reduce, initialState(STORIES.prompt));
  const half = length >> 1;
  const written = STORIES.ids.slice(0, half).map((id, i) => ({ id, text: STORIES.texts[i] }));
  const { memory } = begun;
  const back = reduce(begun, {
    type: 'cut', written, kept: prompt + half, cached: true, taken: prompt + length,
    dropped: length - half, droppedBytes: (length - half) * memory.bytesPerToken,
    memory: { ...memory, usedBytes: (prompt + half) * memory.bytesPerToken },
  });
  assert.equal(textIn(back.run.tokens), STORIES.texts.slice(0, half).join(''));
  assert.equal(back.memory.usedBytes, (prompt + half) * memory.bytesPerToken);
  assert.ok([...back.run.catchUps].every(({ position }) => position < prompt + half));
  assert.equal(back.columns.off.run, back.run.number, 'its numbers are still those of this run');
  // What comes again is the recording's own second half, as the worker reported it.
  const tokens = [...begun.run.tokens].slice(half);
  const { reason } = STORIES;
  const { on: hash } = STORIES.proofs.text;
  const end = { type: 'run ended', reason, position: prompt + length, memory, hash };
  const on = [{ type: 'tokens', tokens, memory }, end].reduce(reduce, back);
  assert.deepEqual(on.run.stories.again, { from: half, same: length - half, equal: true });
  assert.equal(textIn(on.run.tokens), STORIES.texts.join(''));
  assert.equal([...begun.run.tokens].length, length, 'a state that was kept is as it was');
  // And not the same where it is not.
  const wrong = tokens.map((token, i) => (i === 7 ? { ...token, id: token.id ^ 1 } : token));
  const parted = reduce(back, { type: 'tokens', tokens: wrong, memory });
  assert.deepEqual(parted.run.stories.again, { from: half, same: 7, parting: half + 7 });
  const strange = { ...end, hash: '0'.repeat(16) };
  const other = [{ type: 'tokens', tokens, memory }, strange].reduce(reduce, back);
  assert.equal(other.run.stories.again.equal, false);
});
