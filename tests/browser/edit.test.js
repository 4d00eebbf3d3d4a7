// An edited prompt in an article, alone: what is shown is what the engine computes, the mistake is told as
// one, and all of it can be read and taken away.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { loadModel } from 'kvcache-wasm';
import { BEFORE, changed } from '../../web/demo/edit.js';
import { focused, noViolations, openPage, part, says, startSite, text } from './helpers.js';
import { SCRIPT, addArticle } from './tag-page.js';

const site = await startSite();
const query = await addArticle(site, {
  body: `${SCRIPT}<kv-cache-demo id="one" views="edit" loading="eager"></kv-cache-demo>`,
});

/** Presses a button by the keyboard, and waits for what comes of it; the button keeps the focus. */
async function press(page, name) {
  await page.focus(part(name));
  await page.keyboard.press('Enter');
  await page.evaluate(() => new Promise((drawn) => {
    requestAnimationFrame(() => requestAnimationFrame(drawn)); // until then, the state before is shown
  }));
  await page.waitForFunction(([go, first]) => findAll(go)[0].textContent === 'Read it again'
    && findAll(first)[0].getAttribute('aria-disabled') === 'false', [part('edit-go'), part('edit-first')]);
  assert.equal(await focused(page), name);
}

/** The texts of elements within a part. */
const texts = (page, name, within) => page.$$eval(`${part(name)} ${within}`, (all) => (
  all.map(({ textContent }) => textContent)));

test('a word in the middle: tokens reused and computed, and an answer that keeps the old word', async (t) => {
  const page = await openPage(t, site, { query, width: 320, height: 900, until: part('edit-go') });
  await says(page, 'edit-state', /^The model is loaded first, once: \d\.\d MB\.$/);
  await noViolations(page, 'idle');
  await press(page, 'edit-middle');

  const model = await loadModel(new URL('../../web/models/stories/', import.meta.url));
  const ids = model.encode(changed('middle'));
  const reused = ids.findIndex((id, i) => id !== model.encode(BEFORE)[i]);
  const said = await text(page, 'edit-said');
  const rest = ids.length - reused;
  assert.match(said, new RegExp(`^${reused} of ${ids.length} tokens reused, ${rest} computed again\\.`));
  assert.match(said, /Measured: [\d.]+ ms, and [\d.]+ ms for computing all of them/);
  const shown = await texts(page, 'edit', '.edit-place .reused, .edit-place .computed');
  assert.equal(shown.join(''), changed('middle'));
  assert.equal((await texts(page, 'edit', '.edit-place .reused')).length, reused);
  assert.equal((await texts(page, 'edit', '.edit-place .old')).join(''), BEFORE);
  assert.match(await text(page, 'edit-provider'), new RegExp(`^Your ${reused} reused tokens are`));

  const session = model.createSession();
  const options = { temperature: 0, repetitionPenalty: 1, maxTokens: 24 };
  let answer = '';
  for await (const token of session.generate(ids, options)) answer += token.text;
  session.sync(ids);
  const hash = session.logitsHash;
  model.dispose();
  assert.deepEqual(await texts(page, 'edit-answer-after', '.edit-text'), [`…${answer}`]);
  assert.deepEqual(await texts(page, 'edit-answer-after', 'mark'), ['she']);
  assert.deepEqual(await texts(page, 'edit-answer-stale', 'mark'), ['he']);
  const [stale] = await texts(page, 'edit-answer-stale', '.edit-text');
  assert.match(stale, /^… he was sitting on the grass/);
  assert.match(await text(page, 'edit-verdict'), /wrong from token 1 on: its first 24 tokens are those of/);
  const proofs = await page.$$eval(part('edit-proof'), (all) => (
    all.map(({ dataset, textContent }) => [dataset.verdict, textContent.match(/[0-9a-f]{16}/g)])));
  assert.deepEqual(proofs.map(([verdict]) => verdict), ['equal', 'different']);
  assert.deepEqual(proofs[0][1], [hash, hash]);
  assert.equal(proofs[1][1][0], hash);
  assert.notEqual(proofs[1][1][1], hash);

  await page.$eval(part('edit-data'), (fold) => { fold.open = true; });
  await page.waitForFunction((rows) => findAll(rows).length > 0, `${part('edit-table')} tbody tr`);
  const rows = await page.$$eval(`${part('edit-table')} tbody tr`, (all) => (
    all.map(({ cells }) => [...cells].map(({ textContent }) => textContent))));
  assert.deepEqual(rows[reused], [String(reused + 1), ' king', ' princess', 'computed again']);
  assert.equal(rows.filter(([, , , how]) => how === 'reused').length, reused);
  await noViolations(page, 'done');
  const { scroll, width } = await page.evaluate(() => ({
    scroll: document.documentElement.scrollWidth, width: innerWidth }));
  assert.ok(scroll <= width, `${scroll} px wide`);
  const [download] = await Promise.all([page.waitForEvent('download'), page.click(part('save-svg'))]);
  assert.equal(download.suggestedFilename(), 'kv-cache-edit.svg');
  const picture = await readFile(await download.path(), 'utf8');
  assert.match(picture, / princess<\/text>/);
  assert.ok(picture.includes(said), 'with its caption');
});

test('the first word, the last one, and a text of one’s own; in German it is still there', async (t) => {
  const page = await openPage(t, site, { query, until: part('edit-go') });
  await press(page, 'edit-first');
  assert.match(await text(page, 'edit-said'), /^Nothing reused: .* All 22 tokens were computed again\./);
  assert.match(await text(page, 'edit-provider'), /of your prompt, nothing/);
  assert.match(await text(page, 'edit-verdict'), /^By luck, these 24 tokens/);
  assert.equal(await page.getAttribute(`${part('edit-proof')} >> nth=1`, 'data-verdict'), 'different');
  await press(page, 'edit-last');
  assert.match(await text(page, 'edit-said'), /^20 of 22 tokens reused, 2 computed again\./);
  assert.match(await text(page, 'edit-tried'), /at most the newest token comes after it/);
  assert.equal(await page.locator(part('edit-answer-stale')).count(), 0);
  await page.fill(part('edit-after'), 'word '.repeat(3000));
  await press(page, 'edit-go');
  assert.match(await text(page, 'edit-error'), /do not fit/);
  const own = `${BEFORE} a bird came`;
  await page.fill(part('edit-after'), own);
  await press(page, 'edit-go');
  assert.ok(await page.isHidden(part('edit-error')));
  assert.match(await text(page, 'edit-said'), /^22 of 25 tokens reused, 3 computed again\./);
  assert.match(await text(page, 'edit-tried'), /differ in their number of tokens/);
  await page.evaluate(() => { document.documentElement.lang = 'de'; });
  const hasText = '22 von 25 Tokens wiederverwendet, 3 neu berechnet.';
  await page.locator(part('edit-said'), { hasText }).waitFor();
  assert.equal(await page.inputValue(part('edit-after')), own);
});

test('while it is read, the benchmark beside it cannot begin', async (t) => {
  const both = await addArticle(site, {
    body: `${SCRIPT}<kv-cache-demo id="one" views="edit benchmark" loading="eager"></kv-cache-demo>`,
  });
  const page = await openPage(t, site, { query: both, height: 3000, until: part('edit-go') });
  await page.locator(part('measure')).scrollIntoViewIfNeeded();
  const seen = page.waitForFunction((measure) => findAll(measure)[0].disabled, part('measure'));
  await press(page, 'edit-middle');
  await seen;
  await page.waitForFunction((measure) => !findAll(measure)[0].disabled, part('measure'));
});
