// Runs with the real model: what is written, what is measured, and that the switch changes only the speed.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { loadModel } from 'kvcache-wasm';
import { focused, measured, openPage, part, press, proof, run, sample, startSite, state, table, written, writtenAtLeast } from './helpers.js';

const site = await startSite();

test('the first click loads the model and writes a story, from a subdirectory', async (t) => {
  const page = await openPage(t, site);
  await page.waitForFunction(() => /MB/.test(document.querySelector('[part~="go"]').textContent)); // the download's size
  await sample(page, { maxTokens: 60 });
  assert.equal(await run(page), 'finished');
  assert.match(await page.textContent(part('state')), /Finished: 60 tokens written/);
  assert.equal(await page.textContent(part('story-prompt')), await page.inputValue(part('prompt')));
  assert.ok((await written(page)).length > 60);
  for (const id of ['prefill-on', 'now-on', 'median-on']) assert.match(await page.textContent(part(id)), /^[\d.,]+ \/s$/, id);
  assert.match(await page.textContent(part('ms-on')), /^[\d.,]+ ms$/);
  assert.equal(await page.textContent(part('work-on')), '1');
  const tokens = Number(/^(\d+) of 1,024$/.exec(await page.textContent(part('position')))[1]);
  const config = JSON.parse(await readFile('dist/models/stories/config.json', 'utf8'));
  const used = 2 * config.n_layer * config.n_embd * tokens * 4;
  assert.equal(await page.textContent(part('memory')),
    `${(used / 1e6).toFixed(2)} of ${(8 * config.n_layer * config.n_embd * config.n_positions / 1e6).toFixed(2)} MB used`);
  assert.match(await page.getAttribute(part('memory'), 'title'), new RegExp(`${tokens} tokens .* = ${used.toLocaleString('en')} bytes`));
  const rows = await table(page);
  assert.ok(measured(rows, 1).length > 10);
  assert.equal(measured(rows, 2).length, 0);
});

test('flipped in the middle of a run, the text goes on unchanged and the speed falls', async (t) => {
  const page = await openPage(t, site);
  await sample(page, { maxTokens: 120 });
  await page.selectOption(part('pace'), '0');
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
  await page.waitForFunction(() => document.querySelector('[part~="flip-off"]').nextSibling?.textContent.length > 40);
  assert.ok(Number(await page.textContent(part('work-off'))) > 30);
  await page.click(part('cache'));
  await page.waitForSelector(part('flip-on'));
  assert.match(await page.textContent(part('remark')), /first took in the \d+ tokens it had missed/);
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

test('run both: the same text, two lines, and the switch is where it was', async (t) => {
  const page = await openPage(t, site);
  await sample(page, { maxTokens: 80 });
  await page.selectOption(part('pace'), '0');
  await page.click(part('both'));
  await page.waitForFunction(() => /Both runs/.test(document.querySelector('[part~="remark"]').textContent));
  assert.match(await page.textContent(part('remark')), /Both runs wrote the same 80 tokens/);
  assert.equal(await page.getAttribute(part('cache'), 'aria-checked'), 'true');
  const rows = await table(page);
  assert.ok(measured(rows, 1).length > 10 && measured(rows, 2).length > 10);
  const last = rows.at(-1);
  assert.ok(last[1] > 2 * last[2], `at position ${last[0]}: ${last[1]} and ${last[2]} tokens/s`);
  assert.match(await page.getAttribute(part('chart'), 'aria-label'), /times as fast/);
  assert.match(await page.textContent(part('caption')), /times as fast/);
  await page.click(part('clear'));
  assert.equal((await table(page)).length, 0);
});

test('stop takes effect within a token, and the next run is whole', async (t) => {
  const page = await openPage(t, site);
  await page.click(part('cache')); // uncached: the slow tokens
  await sample(page, { maxTokens: 300 });
  await page.click(part('go'));
  await writtenAtLeast(page, 200);
  const asked = Date.now();
  await page.keyboard.press('Escape');
  assert.equal(await state(page), 'stopped');
  t.diagnostic(`stopped after ${Date.now() - asked} ms`);
  assert.ok(Date.now() - asked < 2000);
  const text = await written(page);
  const { verdict, hashes } = await proof(page);
  assert.equal(verdict, 'equal');
  assert.equal(hashes.length, 3);
  assert.equal(await written(page), text, 'nothing is written after the stop');
  await page.click(part('cache'));
  await sample(page, { maxTokens: 60 });
  assert.equal(await run(page), 'finished');
  assert.match(await page.textContent(part('state')), /60 tokens written/);
});

test('stop during the prefill', async (t) => {
  const page = await openPage(t, site, {
    init: () => addEventListener('DOMContentLoaded', () => new MutationObserver(() => {
      if (document.querySelector('[part~="figure"]').dataset.state !== 'prefilling') return;
      setTimeout(() => document.dispatchEvent(new KeyboardEvent('keydown', { key: 'Escape' })), 5);
    }).observe(document.querySelector('[part~="figure"]'), { attributeFilter: ['data-state'] })),
  });
  await page.fill(part('prompt'), 'the king '.repeat(480));
  await page.click(part('go'));
  assert.equal(await state(page), 'stopped');
  assert.match(await page.textContent(part('state')), /Stopped: 0 tokens/);
  assert.equal(await written(page), '');
});

test('the display keeps the chosen pace and says how fast the tokens were computed', async (t) => {
  const page = await openPage(t, site);
  await sample(page, { maxTokens: 300 });
  await page.selectOption(part('pace'), '15');
  await page.click(part('go'));
  await writtenAtLeast(page, 1);
  const position = async () => Number((await page.textContent(part('position'))).split(' ')[0]);
  const [before, start] = [await position(), Date.now()];
  await page.waitForTimeout(2000);
  const shown = (await position() - before) / ((Date.now() - start) / 1000);
  assert.ok(shown > 5 && shown < 20, `${shown} tokens/s were shown`);
  const [, computed] = /computed at ([\d,]+)/.exec(await page.textContent(part('pace-note')));
  assert.ok(Number(computed.replace(',', '')) > 60);
  await page.selectOption(part('pace'), '0'); // takes effect in the middle of the run
  const changed = Date.now();
  assert.equal(await state(page), 'finished');
  assert.ok(Date.now() - changed < 15_000);
});

test('the same seed gives the same story in every build of the engine, another seed another one', async (t) => {
  const stories = [];
  for (const variant of ['relaxed', 'simd', 'scalar']) {
    const page = await openPage(t, site, { query: `?variant=${variant}` });
    await sample(page, { maxTokens: 50, seed: 11 });
    await page.selectOption(part('pace'), '0');
    await run(page);
    stories.push(await written(page));
    assert.match(await page.textContent(part('engine')), { relaxed: /relaxed SIMD/, simd: /with SIMD/, scalar: /without SIMD/ }[variant]);
    if (variant !== 'scalar') continue;
    await press(page, 'new-seed');
    assert.notEqual(await page.inputValue(part('seed')), '11');
    await sample(page, { seed: 12 });
    await run(page);
    assert.notEqual(await written(page), stories[0]);
  }
  assert.equal(new Set(stories).size, 1);
});

test('the text and the hash of the last logits are those that Node computes', async (t) => {
  const page = await openPage(t, site);
  await sample(page, { maxTokens: 40, seed: 5 });
  await page.selectOption(part('pace'), '0');
  await run(page);
  const { hashes } = await proof(page);
  const model = await loadModel('dist/models/stories', { variant: 'scalar' });
  const session = model.createSession({ useCache: false });
  let text = '';
  for await (const token of session.generate(await page.inputValue(part('prompt')), { maxTokens: 40, seed: 5 })) text += token.text;
  assert.equal(await written(page), text);
  assert.deepEqual(hashes, Array(3).fill(session.logitsHash));
  model.dispose();
});

test('settings out of range are named, and nothing runs', async (t) => {
  const page = await openPage(t, site);
  await sample(page, { temperature: -1, topK: 2.5 });
  await page.$eval(part('sampling'), (fold) => { fold.open = false; });
  await press(page, 'go');
  assert.equal(await page.getAttribute(part('figure'), 'data-state'), 'unloaded');
  assert.equal(await focused(page), 'temperature');
  assert.equal(await page.getAttribute(part('topK'), 'aria-invalid'), 'true');
  assert.match(await page.textContent(part('temperature-problem')), /from 0 to 10/);
  await press(page, 'defaults');
  assert.equal(await page.getAttribute(part('temperature'), 'aria-invalid'), null);
});

test('the next run reuses what the prompt has in common with the text before, and says how much', async (t) => {
  const page = await openPage(t, site);
  const prompt = 'Once upon a time there was a king who had three daughters.';
  const model = await loadModel('dist/models/stories');
  const ids = model.encode(prompt);
  const longer = model.encode(`${prompt} The youngest`);
  model.dispose();
  await page.fill(part('prompt'), prompt);
  await sample(page, { maxTokens: 30, seed: 3 });
  await page.selectOption(part('pace'), '0');
  await run(page);
  assert.equal(await page.textContent(part('reuse')), `${ids.length} tokens, all computed`);
  const first = await written(page);
  await run(page);
  assert.equal(await page.textContent(part('reuse')), `${ids.length} tokens, ${ids.length - 1} reused from the cache`);
  assert.equal(await page.textContent(part('prefill-on')), 'reused');
  assert.equal(await written(page), first);
  assert.equal((await proof(page)).verdict, 'equal');
  await page.fill(part('prompt'), `${prompt} The youngest`);
  await run(page);
  const common = longer.findIndex((id, i) => id !== ids[i]);
  assert.equal(await page.textContent(part('reuse')), `${longer.length} tokens, ${common} reused from the cache`);
  assert.equal((await proof(page)).verdict, 'equal');
  await page.click(part('cache'));
  await run(page);
  assert.equal(await page.textContent(part('reuse')), `${longer.length} tokens, all computed`);
  assert.equal((await proof(page)).verdict, 'equal');
});
