// Runs with the real model: what is written, what is measured, and that the switch changes only the speed.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { loadModel } from 'kvcache-wasm';
import { SEED, TOKENS, written as expected } from './expected.js';
import {
  focused, measured, openPage, part, press, proof, run, sample, says, startCached, startSite, state, table,
  text, written, writtenAtLeast,
} from './helpers.js';

const site = await startSite();

test('the first click loads the model and writes a story, from a subdirectory', async (t) => {
  const page = await openPage(t, site);
  await says(page, 'go', /MB/); // the download's size
  await startCached(page);
  await sample(page, { maxTokens: 60 });
  assert.equal(await run(page), 'finished');
  assert.match(await text(page, 'state'), /Finished: 60 tokens written/);
  assert.equal(await text(page, 'story-prompt'), await page.inputValue(part('prompt')));
  assert.ok((await written(page)).length > 60);
  for (const name of ['prefill-on', 'now-on', 'same-on']) {
    assert.match(await text(page, name), /^[\d.,]+ \/s$/, name);
  }
  assert.match(await text(page, 'ms-on'), /^[\d.,]+ ms$/);
  assert.equal(await text(page, 'work-on'), '1');
  const tokens = Number(/^(\d+) of 1,024$/.exec(await text(page, 'position'))[1]);
  const config = JSON.parse(await readFile('dist/models/stories/config.json', 'utf8'));
  const used = 2 * config.n_layer * config.n_embd * tokens * 4;
  const all = 8 * config.n_layer * config.n_embd * config.n_positions;
  assert.equal(await text(page, 'memory'), `${(used / 1e6).toFixed(2)} of ${(all / 1e6).toFixed(2)} MB used`);
  const title = await page.getAttribute(part('memory'), 'title');
  assert.match(title, new RegExp(`${tokens} tokens .* = ${used.toLocaleString('en')} bytes`));
  const rows = await table(page);
  assert.ok(measured(rows, 1).length > 10);
  assert.equal(measured(rows, 2).length, 0);
});

test('flipped in the middle of a run, the text goes on unchanged and the speed falls', async (t) => {
  const page = await openPage(t, site);
  await sample(page, { maxTokens: 120 });
  await startCached(page);
  await run(page);
  const straight = await written(page);

  await page.selectOption(part('pace'), '60');
  await page.click(part('clear'));
  await page.click(part('go'));
  await state(page, 'running'); // not the text of the run before
  await writtenAtLeast(page, 100);
  await page.click(part('cache'));
  await page.waitForSelector(part('flip-off'));
  assert.equal(await page.getAttribute(part('cache'), 'aria-checked'), 'false');
  await page.waitForFunction((flip) => (
    findAll(flip)[0].nextSibling?.textContent.length > 40), part('flip-off'));
  assert.ok(Number(await text(page, 'work-off')) > 30);
  await page.click(part('cache'));
  await page.waitForSelector(part('flip-on'));
  assert.match(await text(page, 'remark'), /first took in the \d+ tokens it had missed/);
  assert.equal(await state(page), 'finished');

  assert.equal(await written(page), straight);
  const rows = await table(page);
  const [on, off] = [measured(rows, 1), measured(rows, 2)];
  assert.ok(on.length > 3 && off.length > 3, `${on.length} cached and ${off.length} uncached points`);
  const middle = (speeds) => speeds.sort((a, b) => a - b)[speeds.length >> 1];
  assert.ok(middle(on) > 3 * middle(off), `${middle(on)} tokens/s cached, ${middle(off)} uncached`);
  const { verdict, hashes } = await proof(page);
  assert.equal(verdict, 'equal');
  assert.equal(hashes.length, 3);
  assert.equal(new Set(hashes).size, 1);
});

test('a race of on and off: the same text, two lines, and the switch is where it was', async (t) => {
  const page = await openPage(t, site);
  await sample(page, { maxTokens: 80 });
  const clicked = page.waitForFunction(([figure, cache, advice]) => { // in the page: a race is soon over
    if (findAll(figure)[0].dataset.state !== 'running') return false;
    const [flip] = findAll(cache);
    flip.click();
    return [flip.getAttribute('aria-disabled'), findAll(advice)[0].textContent];
  }, ['figure', 'cache', 'advice'].map(part));
  await page.click(part('both'));
  const [disabled, advice] = await (await clicked).jsonValue();
  assert.equal(disabled, 'true');
  assert.match(advice, /^The switch is locked/);
  assert.equal(await state(page), 'finished');
  const lanes = await Promise.all(['lane-on', 'lane-off'].map((lane) => text(page, lane)));
  assert.equal(lanes[0], lanes[1]);
  assert.ok(lanes[0].startsWith(await page.inputValue(part('prompt'))));
  assert.equal(await page.isHidden(part('story-box')), true);
  const seconds = [];
  for (const lane of ['on', 'off']) {
    seconds.push(Number(/^80 after ([\d.]+) s$/.exec(await text(page, `lane-numbers-${lane}`))[1]));
  }
  assert.match(await text(page, 'remark'), /^For [\d.]+ times fewer multiply-adds/);
  assert.match(await text(page, 'times-words'), /s for the same 80 tokens\.$/);
  t.diagnostic(`${seconds[0]} s with the cache, ${seconds[1]} s without`);
  assert.equal(await page.locator(part('flip')).count(), 0);
  assert.equal(await page.getAttribute(part('cache'), 'aria-disabled'), 'false');
  assert.equal(await page.getAttribute(part('cache'), 'aria-checked'), 'false');
  const rows = await table(page);
  assert.ok(measured(rows, 1).length > 10 && measured(rows, 2).length > 10);
  t.diagnostic(`tokens/s at the end: ${rows.at(-1)}`); // how fast, is the machine's affair
  assert.match(await page.getAttribute(part('chart'), 'aria-label'), /Around position \d+: .* times /);
  assert.match(await text(page, 'times'), /^[\d.,]+ times /);
  assert.equal((await proof(page)).verdict, 'equal');
  await page.click(part('clear'));
  assert.equal((await table(page)).length, 0);
});

test('stop during the prefill', async (t) => {
  const page = await openPage(t, site);
  await page.evaluate(() => {
    const figure = findAll('[part~="figure"]')[0];
    new MutationObserver(() => {
      if (figure.dataset.state !== 'prefilling') return;
      const escape = new KeyboardEvent('keydown', { key: 'Escape', bubbles: true });
      setTimeout(() => document.body.dispatchEvent(escape), 5);
    }).observe(figure, { attributeFilter: ['data-state'] });
  });
  await page.fill(part('prompt'), 'the king '.repeat(480));
  await page.click(part('go'));
  assert.equal(await state(page), 'stopped');
  assert.match(await text(page, 'state'), /Stopped: 0 tokens/);
  assert.equal(await written(page), '');
});

test('the display keeps the chosen pace and says how fast the tokens were computed', async (t) => {
  const page = await openPage(t, site);
  await sample(page, { maxTokens: 300 });
  await startCached(page);
  await page.selectOption(part('pace'), '15');
  await page.click(part('go'));
  await writtenAtLeast(page, 1);
  const position = async () => Number((await text(page, 'position')).split(' ')[0]);
  const [before, start] = [await position(), Date.now()];
  await page.waitForTimeout(2000);
  const shown = (await position() - before) / ((Date.now() - start) / 1000);
  assert.ok(shown > 5 && shown < 20, `${shown} tokens/s were shown`);
  const [, computed] = /computed at ([\d,]+)/.exec(await text(page, 'pace-note'));
  assert.ok(Number(computed.replace(',', '')) > 60);
  await page.selectOption(part('pace'), '0'); // takes effect in the middle of the run
  const changed = Date.now();
  assert.equal(await state(page), 'finished');
  assert.ok(Date.now() - changed < 15_000);
});

test('a build that is asked for writes what all of them write; another seed another story', async (t) => {
  const page = await openPage(t, site, { query: '?variant=scalar' });
  await sample(page, { maxTokens: TOKENS, seed: SEED });
  await startCached(page);
  await run(page);
  assert.match(await text(page, 'engine'), /without SIMD/);
  assert.equal(await written(page), expected.text);
  await press(page, 'new-seed');
  assert.notEqual(Number(await page.inputValue(part('seed'))), SEED);
  await sample(page, { seed: SEED + 1 });
  await run(page);
  assert.notEqual(await written(page), expected.text);
});

test('settings out of range are named, and nothing runs', async (t) => {
  const page = await openPage(t, site);
  await sample(page, { temperature: -1, topK: 2.5 });
  await page.$eval(part('sampling'), (fold) => { fold.open = false; });
  await press(page, 'go');
  assert.equal(await page.getAttribute(part('figure'), 'data-state'), 'unloaded');
  assert.equal(await focused(page), 'temperature');
  assert.equal(await page.getAttribute(part('topK'), 'aria-invalid'), 'true');
  assert.match(await text(page, 'temperature-problem'), /from 0 to 10/);
  await press(page, 'defaults');
  assert.equal(await page.getAttribute(part('temperature'), 'aria-invalid'), null);
});

test('the next run reuses what the prompt shares with the text before, and says how much', async (t) => {
  const page = await openPage(t, site);
  const prompt = 'Once upon a time there was a king who had three daughters.';
  const model = await loadModel('dist/models/stories');
  const ids = model.encode(prompt);
  const longer = model.encode(`${prompt} The youngest`);
  model.dispose();
  await page.fill(part('prompt'), prompt);
  await sample(page, { maxTokens: 30, seed: 3 });
  await startCached(page);
  await run(page);
  assert.equal(await text(page, 'reuse'), `${ids.length} tokens, all computed`);
  const first = await written(page);
  await run(page);
  const reuse = (tokens, reused) => `${tokens} tokens, ${reused} reused from the cache`;
  assert.equal(await text(page, 'reuse'), reuse(ids.length, ids.length - 1));
  assert.equal(await text(page, 'prefill-on'), 'reused');
  assert.equal(await written(page), first);
  assert.equal((await proof(page)).verdict, 'equal');
  await page.fill(part('prompt'), `${prompt} The youngest`);
  await run(page);
  const common = longer.findIndex((id, i) => id !== ids[i]);
  assert.equal(await text(page, 'reuse'), reuse(longer.length, common));
  assert.equal((await proof(page)).verdict, 'equal');
  await press(page, 'cache'); // and the next run without it begins
  assert.equal(await state(page), 'finished');
  assert.equal(await text(page, 'reuse'), `${longer.length} tokens, all computed`);
  assert.equal((await proof(page)).verdict, 'equal');
});
