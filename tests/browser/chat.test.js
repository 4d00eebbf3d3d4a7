// The example that chats, with a model whose answers are noise and whose figures are exact: letters that come
// back as the same tokens, so that every turn finds all of the conversation in the cache.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BEGUN, addChatModels, files, sizeOf } from './chat-model.js';
import { noViolations, openPage, startSite } from './helpers.js';

const site = await startSite();
await addChatModels(site);

const open = (t, options = {}) => openPage(t, site,
  { query: 'examples/chat/index.html', until: '#load button[type="submit"]:enabled', ...options });

/** Loads a model of the site. */
async function load(page, folder = 'chatty') {
  await page.$eval('[name="maxTokens"]', (field) => { field.value = '40'; });
  await page.fill('#address', `${site.url}${folder}`);
  await page.press('#address', 'Enter');
  await page.waitForSelector('#message:enabled');
}

/** Says something; the figures of the answer, once it is there. */
async function say(page, text) {
  const before = await page.locator('.turn').count();
  await page.fill('#message', text);
  await page.press('#message', 'Enter');
  await page.locator(`.turn:nth-child(${before + 2})[data-reason]:not([data-reason=""])`).waitFor();
  await page.waitForSelector('#send:enabled');
  return lastAnswer(page);
}

const lastAnswer = (page) => page.locator('.turn').last().evaluate((turn) => {
  const [cached, computed, tokens] = ['cached', 'computed', 'tokens'].map((key) => Number(turn.dataset[key]));
  const text = turn.querySelector('.words').textContent;
  return { cached, computed, tokens, text, reason: turn.dataset.reason };
});

test('three turns: all of the conversation so far is cached, the counts are exact', async (t) => {
  const asked = [];
  const page = await open(t, { expected: /penalty_alpha/ }); // which nobody does, as is said once
  page.on('request', (request) => asked.push(request.url().slice(site.url.length)));
  await load(page);
  assert.match(await page.textContent('#empty'), /ask for penalty_alpha, which is not done/);
  const said = [];
  let so = 0;
  for (const words of ['hello', 'how are you', 'why']) {
    said.push(['user', words]);
    const { cached, computed, tokens, text, reason } = await say(page, words);
    assert.deepEqual([cached, cached + computed], [so, sizeOf(...said) + BEGUN], words);
    assert.deepEqual([tokens, reason, text.length], [40, 'length', 40]);
    assert.match(text, /^[a-z ]+$/);
    so = cached + computed + tokens;
    said.push(['assistant', text]);
  }
  assert.equal(asked.filter((url) => /jinja|worker-/.test(url)).length, 2, 'template and interpreter');
  const figures = await page.locator('.figures').last().innerText();
  assert.match(figures,
    new RegExp(`Conversation: ${so - 40} tokens, \\d+ cached, \\d+ computed in [\\d.]+ m?s`));
  assert.match(figures, /Answer: 40 tokens, [\d,.]+ tokens per second/);
  const next = sizeOf(...said, ['user', '']) + BEGUN;
  assert.match(await page.textContent('#counted'), new RegExp(`${next} of 600`));
  assert.match(await page.textContent('#status'), /40 tokens\. \d+ tokens of the conversation were cached/);
  assert.equal(await page.getAttribute('#log', 'aria-busy'), 'false');
  await noViolations(page, 'three turns');
  // With the cache off everything is computed again, and the answer is the same as with it.
  await page.uncheck('#cache');
  const off = await say(page, 'off');
  assert.deepEqual([off.cached, off.computed], [0, so + sizeOf(['user', 'off']) + BEGUN + 2]);
  await page.check('#cache');
  // A new conversation shares its beginning with the old one.
  await page.click('#clear');
  assert.equal(await page.locator('.turn').count(), 0);
  assert.equal(await page.evaluate(() => document.activeElement.id), 'message');
  const anew = await say(page, 'help');
  const common = '<user\nhel'.length;
  assert.deepEqual([anew.cached, anew.cached + anew.computed], [common, sizeOf(['user', 'help']) + BEGUN]);
});

test('an answer is stopped and stays; the room ends; instructions come first', async (t) => {
  const page = await open(t, { expected: /404|penalty_alpha/ });
  await load(page);
  await page.locator('#say summary').click();
  await page.fill('[name="maxTokens"]', '');
  await page.fill('[name="system"]', 'be brief');
  await page.fill('#message', 'go on');
  const first = sizeOf(['system', 'be brief'], ['user', 'go on']) + BEGUN;
  await page.evaluate(() => { // the tiny model would be done before a click
    new MutationObserver((_, observer) => {
      const [answer] = document.querySelectorAll('.turn.assistant[data-tokens]:not([data-tokens="0"])');
      if (!answer) return;
      observer.disconnect();
      document.querySelector('#stop').click();
    }).observe(document.querySelector('#log'), { subtree: true, childList: true, attributes: true });
  });
  await page.click('#send');
  await page.waitForSelector('.turn.assistant[data-reason="stopped"], .turn.assistant[data-reason="length"]');
  const stopped = await lastAnswer(page);
  assert.deepEqual([stopped.cached, stopped.computed], [0, first]);
  assert.ok(stopped.tokens >= 1 && stopped.text.length === stopped.tokens);
  assert.equal(await page.evaluate(() => document.activeElement.id), 'message');
  const next = await say(page, 'and');
  assert.equal(next.cached, first + stopped.tokens);
  await page.fill('[name="maxTokens"]', '500');
  const full = await say(page, 'x'.repeat(300));
  assert.equal(full.reason, 'context_full');
  assert.match(await page.locator('.figures').last().innerText(), /room for the conversation is used up/);
  await page.fill('#message', 'more');
  await page.press('#message', 'Enter');
  await page.waitForFunction(() => /there is room/.test(document.querySelector('#failure').textContent));
  assert.match(await page.textContent('#failure'), /Begin a new conversation/);
  assert.equal(await page.inputValue('#message'), 'more', 'it was not said, and is not lost');
  await noViolations(page, 'full');
});

test('a model without a template, a wrong address, chosen files: in words', async (t) => {
  const page = await open(t, { expected: /404|penalty_alpha/ });
  const failure = (words) => page.waitForFunction((wanted) => (
    wanted.test(document.querySelector('#failure').textContent)), words);
  await page.click('#load button[type="submit"]');
  await failure(/Give the address of a model/);
  await page.fill('#address', `${site.url}nowhere`);
  await page.press('#address', 'Enter');
  await failure(/nowhere\/config\.json/);
  await load(page, 'mute');
  await failure(/no chat template.*Instruct/s);
  await page.locator('#loading summary').click();
  await page.selectOption('[name="weights"]', 'f32');
  await page.setInputFiles('#files', Object.entries(files).map(([name, content]) => (
    { name, mimeType: 'application/octet-stream', buffer: Buffer.from(content) })));
  await page.waitForFunction(() => document.querySelector('#model').textContent === 'Your files');
  await page.waitForSelector('#message:enabled');
  const { tokens } = await say(page, '<img src=x onerror=alert(1)>');
  assert.equal(tokens, 40);
  assert.equal(await page.locator('.turn.user .words').textContent(), '<img src=x onerror=alert(1)>');
  await page.locator('#loading summary').click();
  await page.click('text=Use SmolLM2-135M-Instruct');
  assert.equal(await page.inputValue('#address'), 'HuggingFaceTB/SmolLM2-135M-Instruct');
});

test('nothing is fetched before it is asked for; narrow and dark, it fits', async (t) => {
  const requests = [];
  site.server.on('request', ({ url }) => requests.push(url));
  const page = await open(t, { width: 320, height: 640, colorScheme: 'dark' });
  await page.waitForLoadState('networkidle');
  assert.deepEqual(requests.filter((url) => /wasm|worker|desk|dist-|model/.test(url)), []);
  const wide = () => page.evaluate(() => document.documentElement.scrollWidth);
  assert.ok(await wide() <= 320, `${await wide()} px`);
  await noViolations(page, 'dark and narrow');
});
