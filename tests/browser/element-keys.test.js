// Hosts with shortcuts on single keys. Each host here is an imitation of what a real one looks at before it
// takes a key for itself; none of them sees a field inside a shadow root.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addModel, focused, openPage, part, press, startSite, state, text } from './helpers.js';
import { SCRIPT, addArticle } from './tag-page.js';

const site = await startSite();
await addModel(site, 'small');

/** In the page: `taken` collects the keys that the host has taken. */
function hosts() {
  globalThis.taken = [];
  const FIELDS = ['INPUT', 'TEXTAREA', 'SELECT'];
  const take = (host, { key }) => globalThis.taken.push(`${host} ${key}`);
  globalThis.host = {
    // reveal.js 6: slides; looks at the document's active element
    slides() {
      document.addEventListener('keydown', (event) => {
        if (FIELDS.includes(document.activeElement?.tagName)) return;
        if (/^(Arrow.*|Escape| |[pnhlkjbvfago.])$/.test(event.key)) take('slides', event);
      });
      document.addEventListener('keypress', (event) => {
        if (event.key === '?' && !FIELDS.includes(document.activeElement?.tagName)) take('slides', event);
      });
    },
    // mdBook 0.5.2: turns pages whatever has the focus, searches unless the target is a field
    book() {
      document.addEventListener('keydown', (event) => {
        if (event.altKey || event.ctrlKey || event.metaKey) return;
        if (/^Arrow(Left|Right)$/.test(event.key)) take('book', event);
      });
      document.addEventListener('keyup', (event) => {
        if (!FIELDS.includes(event.target.tagName) && /^[s/?]$/.test(event.key)) take('book', event);
      });
    },
    // Material for MkDocs: looks into one open shadow root
    docs() {
      addEventListener('keydown', (event) => {
        let { activeElement: active } = document;
        active = active?.shadowRoot?.activeElement ?? active;
        if (FIELDS.includes(active?.tagName) || active?.isContentEditable) return;
        if (/^[fs/pn,.]$/.test(event.key)) take('docs', event);
      });
    },
    // Read the Docs: a hotkey for its search
    search() {
      document.addEventListener('keydown', (event) => {
        if (!FIELDS.includes(event.target.tagName) && event.key === '/') take('search', event);
      });
    },
  };
  for (const listen of Object.values(globalThis.host)) listen();
  document.addEventListener('keydown', ({ key }) => { if (key === 'Tab') globalThis.taken.push('Tab'); });
}

const taken = (page) => page.evaluate(() => globalThis.taken.splice(0));
const query = await addArticle(site, {
  body: `<button id="outside">Outside</button>${SCRIPT}<kv-cache-demo src="small/" prompt="" pace="15"
    max-tokens="50"></kv-cache-demo>`,
});

test('what is typed in the figure arrives there, and no host takes it', async (t) => {
  const page = await openPage(t, site, { query, init: hosts });
  await page.focus(part('prompt'));
  const typed = 'fans / hp.,?b v';
  await page.keyboard.type(typed);
  for (const key of ['ArrowLeft', 'ArrowRight', 'Escape', 'End', 'Enter']) await page.keyboard.press(key);
  assert.equal(await page.inputValue(part('prompt')), `${typed}\n`);
  await page.$eval(part('sampling'), (fold) => { fold.open = true; });
  await page.focus(part('seed'));
  for (const key of ['ArrowUp', '7', '.', 'Escape']) await page.keyboard.press(key);
  await page.focus(part('pace'));
  for (const key of ['f', '1', 'ArrowDown', 'ArrowUp']) await page.keyboard.press(key);
  await page.focus(part('story-box'));
  for (const key of ['ArrowDown', ' ', 'ArrowUp']) await page.keyboard.press(key);
  assert.deepEqual(await taken(page), []);
});

test('the switch takes Space and Enter, a run Esc; all else on them is the host’s', async (t) => {
  const page = await openPage(t, site, { query, init: hosts });
  await page.fill(part('prompt'), 'a');
  await page.focus(part('cache'));
  const before = await page.getAttribute(part('cache'), 'aria-checked');
  await press(page, 'go');
  await state(page, 'running');
  await page.focus(part('cache'));
  await page.keyboard.press(' ');
  await page.waitForSelector(`${part('cache')}:not([aria-checked="${before}"])`);
  await page.keyboard.press('Enter');
  await page.waitForSelector(`${part('cache')}[aria-checked="${before}"]`);
  await page.keyboard.press('Escape');
  assert.equal(await state(page), 'stopped');
  assert.deepEqual(await taken(page), []);
  assert.equal(await focused(page), 'cache');
  for (const key of ['Escape', 'n', '/', 'Tab']) await page.keyboard.press(key);
  assert.deepEqual((await taken(page)).sort(), ['slides Escape', 'slides n', 'docs n', 'docs /', 'book /',
    'search /', 'Tab'].sort());
});

test('outside of the figure every key is the host’s', async (t) => {
  const page = await openPage(t, site, { query, init: hosts });
  await page.focus('#outside');
  for (const key of ['p', '/', 'ArrowRight', 'Escape']) await page.keyboard.press(key);
  assert.deepEqual((await taken(page)).sort(), ['slides p', 'docs p', 'docs /', 'book /', 'search /',
    'slides ArrowRight', 'book ArrowRight', 'slides Escape'].sort());
  assert.equal(await text(page, 'error-message'), '');
});
