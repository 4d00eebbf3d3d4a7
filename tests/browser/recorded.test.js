// What stands there before anything is run: a recorded run, labelled as one, which gives way to the reader's
// own without anything moving.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { STORIES } from '../../web/demo/recorded/stories.js';
import {
  measured, noViolations, openPage, part, press, sample, says, startSite, state, table, text, written,
} from './helpers.js';

const site = await startSite();
const ROOMS = [
  'hero', 'message', 'payoff', 'chart-box', 'story-part', 'prompt-box', 'both', 'numbers', 'proof',
];

/** Where everything stands. */
const places = (page) => page.evaluate((rooms) => rooms.map((room) => {
  const { top, height } = findAll(`.${room}`)[0].getBoundingClientRect();
  return `${room} ${top + scrollY} ${height}`;
}), ROOMS);

const story = STORIES.texts.join('');

for (const width of [360, 1280]) {
  test(`shown, run over, raced: nothing moves at ${width} px`, async (t) => {
    const page = await openPage(t, site, { width, reducedMotion: 'reduce', blocking: 5000 }); // axe
    assert.equal(await written(page), story, 'all of it, at once');
    assert.match(await text(page, 'state'), /^Recorded \d+ \w+ 20\d\d: .+\.$/);
    assert.match(await text(page, 'times'), /^[\d.]+ times as fast$/);
    assert.match(await text(page, 'times-words'), /^recorded: [\d.,]+ instead of /);
    const rows = await table(page);
    assert.ok(measured(rows, 1).length > 10 && measured(rows, 2).length > 10);
    await page.$eval(part('data'), (fold) => { fold.open = false; });
    assert.equal(await text(page, 'announcer'), '');
    for (const cell of ['prefill-on', 'work-on']) assert.doesNotMatch(await text(page, cell), /–/);
    await noViolations(page, 'recorded');
    await sample(page, { maxTokens: 30 });
    await page.$eval(part('sampling'), (fold) => { fold.open = false; });
    const before = await places(page);
    await press(page, 'go');
    assert.notEqual(await written(page), story, 'it gives way');
    assert.doesNotMatch(await text(page, 'state'), /Recorded/);
    assert.deepEqual(await places(page), before);
    assert.equal(await state(page), 'finished');
    assert.deepEqual(await places(page), before);
    assert.equal(await page.isHidden(part('replay')), true);
    await press(page, 'both');
    await state(page, 'running', 'finished'); // a short race may be over between two frames
    assert.deepEqual(await places(page), before);
    await says(page, 'remark', /fewer multiply-adds/);
    assert.deepEqual(await places(page), before);
    await noViolations(page, 'raced');
  });
}

test('come into view, it is replayed in time; the reader may skip and see it again', async (t) => {
  const page = await openPage(t, site);
  await page.waitForFunction((all) => {
    const { length } = findAll('[part~="story"]')[0].textContent;
    return length > 100 && length < all;
  }, story.length);
  assert.equal(await text(page, 'replay'), 'Skip');
  await press(page, 'replay');
  assert.equal(await written(page), story);
  assert.equal(await text(page, 'replay'), 'Replay');
  await press(page, 'replay');
  assert.ok((await written(page)).length < story.length);
  await page.emulateMedia({ media: 'print' });
  await page.evaluate(() => dispatchEvent(new Event('beforeprint')));
  await says(page, 'replay', /^Replay$/);
  assert.equal(await written(page), story);
  assert.equal(await text(page, 'announcer'), '');
});

test('where nothing can run, it stays, beside the sentence that says why', async (t) => {
  const page = await openPage(t, site, { reducedMotion: 'reduce', expected: /404|ERR_FAILED/ });
  await page.route('**/config.json', (route) => route.abort());
  await press(page, 'go');
  assert.equal(await state(page), 'failed');
  assert.ok((await text(page, 'error-message')).length > 20);
  assert.equal(await written(page), story);
  assert.match(await text(page, 'times-words'), /^recorded/);
});
