// The view of sounds in an article: its model is fetched when the reader asks for it; what it shows is what a
// session of its own finds; by the keyboard, on 320 pixels.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { loadModel } from 'kvcache-wasm';
import { noViolations, openPage, part, says, startSite, text } from './helpers.js';
import { SCRIPT, addArticle } from './tag-page.js';

const site = await startSite();
const query = await addArticle(site, {
  body: `${SCRIPT}<kv-cache-demo views="sounds" loading="eager"></kv-cache-demo>`,
});
const model = await loadModel('web/models/sounds');
after(() => model.dispose());

/** Waits until a word is shown as it is to be seen at its end, without its slow motion. */
const settled = async (page, costs) => {
  await page.waitForFunction(([table, rows]) => findAll(`${table} tbody tr`).length === rows,
    [part('sounds-costs'), costs]);
  const go = await page.waitForSelector(`.sounds:not([data-state="measuring"]) ${part('sounds-go')}`);
  if (await page.$('.sounds[data-state="playing"]')) await go.click();
  await page.waitForSelector('.sounds[data-state="idle"]');
};

test('a word by the keyboard: its sounds, its looks, both switches, the same bits', async (t) => {
  const asked = [];
  const page = await openPage(t, site, {
    query, width: 320, height: 640, until: part('sounds-go'), reducedMotion: 'reduce', blocking: 5000 });
  page.on('request', (request) => asked.push(new URL(request.url()).pathname.split('/').slice(-2).join('/')));
  await says(page, 'sounds-go', /downloads 3\.0 MB/);
  await says(page, 'sounds-state', /^Recorded \d+ \w+ 20\d\d: .*Press Pronounce to run it here/);
  assert.equal(await text(page, 'sounds-out'), 'knight → /naɪt/');
  await noViolations(page, 'idle');
  assert.deepEqual(asked.filter((path) => path.startsWith('sounds/')), []);
  await page.fill(part('sounds-word'), 'two words');
  await page.keyboard.press('Enter');
  await says(page, 'sounds-state', /^One word at a time/);
  await page.click(part('sounds-cross')); // flips, and fetches nothing
  await says(page, 'sounds-cross-cache', /computed 4 times\.$/);
  assert.match(await page.$eval('kv-cache-demo', (figure) => figure.state), /&word=two\+words&caches=self$/);
  await page.click(part('sounds-cross'));
  assert.deepEqual(asked.filter((path) => path.startsWith('sounds/')), []);

  await page.fill(part('sounds-word'), 'Knight');
  await page.keyboard.press('Enter');
  await settled(page, 1);
  assert.ok(asked.includes('sounds/model.safetensors') && !asked.some((path) => path.startsWith('stories/')));
  assert.equal(await text(page, 'sounds-out'), 'knight → /naɪt/');
  await says(page, 'sounds-state', /^Now switch the cross cache off/);
  const session = model.createSession({ capacity: 8 });
  await session.setSource('knight');
  session.append([0]);
  const chosen = await page.$$eval('.head input', (radios) => radios.findIndex(({ checked }) => checked));
  const weights = session.crossAttentionWeights(chosen >> 2, chosen & 3);
  const top = weights.indexOf(Math.max(...weights));
  assert.ok(await page.$eval(part('sounds-steps'), (box) => box.scrollWidth <= box.clientWidth), 'it fits');
  await page.focus(part('sounds-steps'));
  await page.keyboard.press('Home');
  await says(page, 'sounds-said', new RegExp(`^For /n/, head ${(chosen & 3) + 1} of layer ${
    (chosen >> 2) + 1} looks at “${'knight'[top]}”`));
  assert.equal(await page.getAttribute(part('sounds-steps'), 'aria-valuetext'), '1 of 4: n');
  await page.keyboard.press('ArrowDown');
  await says(page, 'sounds-said', /^For \/aɪ\//);

  await page.focus(part('sounds-cross'));
  await page.keyboard.press('Space');
  await settled(page, 2);
  await says(page, 'sounds-state', /^Without the cross cache, the sounds take 2\.3 times the multiply-adds/);
  await says(page, 'sounds-cross-cache', /computed 4 times\.$/);
  await says(page, 'sounds-proof', /^Equal: in 4 steps and 2 ways/);
  await page.click(part('sounds-self'));
  await settled(page, 3);
  await says(page, 'sounds-self-cache', /computed 10 times for 4 rows/);
  assert.equal(await page.getAttribute(part('sounds-proof'), 'data-verdict'), 'equal');
  session.append([76, 48, 88]); // N AY1 T
  assert.match(await text(page, 'sounds-proof'), new RegExp(session.logitsHash));

  for (const fold of ['sounds-heads', 'sounds-data']) {
    await page.$eval(part(fold), (node) => { node.open = true; });
  }
  await page.waitForFunction((rows) => findAll(rows).length === 4, `${part('sounds-table')} tbody tr`);
  await noViolations(page, 'done');
  const { scroll, width } = await page.evaluate(() => ({
    scroll: document.documentElement.scrollWidth, width: innerWidth,
  }));
  assert.ok(scroll <= width, `${scroll} px wide`);
});

test('in slow motion, unless the reader has enough of it; a model that does not come, German', async (t) => {
  const german = await addArticle(site, {
    body: `<div lang="de">${SCRIPT}
      <kv-cache-demo views="sounds" word="yacht" loading="eager"></kv-cache-demo></div>`,
  });
  const page = await openPage(t, site, {
    query: german, until: part('sounds-go'), expected: /404|ERR_FAILED/, blocking: 5000 });
  assert.equal(await page.inputValue(part('sounds-word')), 'yacht');
  await page.route('**/sounds/model.safetensors', (route) => route.abort());
  await page.click(part('sounds-go'));
  await page.waitForSelector(`${part('sounds-error')}:not([hidden])`);
  await page.unroute('**/sounds/model.safetensors');
  await page.click(part('sounds-example'));
  await page.waitForSelector('.sounds[data-state="playing"]');
  await says(page, 'sounds-state', /In Zeitlupe: [\d.]+-mal langsamer/);
  assert.match(await text(page, 'sounds-out'), /^thought → …$|^thought → \/θ/);
  await page.click(part('sounds-go')); // shows all of it
  await says(page, 'sounds-out', /^thought → \/θɔt\/$/);
  for (const word of ['yacht', 'queue', 'daughter']) { // the last one counts
    await page.fill(part('sounds-word'), word);
    await page.keyboard.press('Enter');
  }
  await page.waitForSelector('.sounds[data-state="playing"]');
  await page.click(part('sounds-go'));
  await says(page, 'sounds-out', /^daughter → \/ˈdɔtɚ\/$/);
  assert.equal(await page.isHidden(part('sounds-error')), true);
  await says(page, 'sounds-state', /^Schalte jetzt den Cross-Cache aus/);
});

test('what is typed again, stopped or lost leaves a word, switches and a picture that agree', async (t) => {
  const page = await openPage(t, site, {
    query, until: part('sounds-go'), reducedMotion: 'reduce', blocking: 5000, init: keepWorkers });
  await page.evaluate((state) => {
    const [node] = findAll(state);
    window.told = [];
    new MutationObserver(() => window.told.push([node.textContent, node.getAttribute('aria-live')]))
      .observe(node, { childList: true, subtree: true, characterData: true });
  }, part('sounds-state'));
  await page.click(part('sounds-go'));
  await settled(page, 1);
  const told = await page.evaluate(() => window.told);
  const ticks = told.filter(([words]) => /^Loading/.test(words)).slice(1); // its beginning is told
  assert.ok(ticks.length > 0 && ticks.every(([, live]) => live === 'off'), JSON.stringify(told));
  assert.deepEqual(told.at(-1)[1], 'polite');

  const isInvalid = () => page.getAttribute(part('sounds-word'), 'aria-invalid');
  const refuse = async () => {
    await page.fill(part('sounds-word'), 'two words');
    await page.keyboard.press('Enter');
    await says(page, 'sounds-state', /^One word at a time/);
    assert.equal(await isInvalid(), 'true');
  };
  await refuse();
  await page.fill(part('sounds-word'), 'daughter');
  await says(page, 'sounds-state', /^Now switch the cross cache off/);
  assert.equal(await isInvalid(), 'false');

  const stopped = async (begin) => { // at once: a short word is soon measured
    const stop = page.evaluate((go) => new Promise((done) => {
      const [view] = findAll('.sounds');
      const watch = new MutationObserver(() => {
        if (view.dataset.state === 'measuring') findAll(go)[0].click();
        if (view.dataset.state !== 'idle') return;
        watch.disconnect();
        done();
      });
      watch.observe(view, { attributeFilter: ['data-state'] });
    }), part('sounds-go'));
    await page.waitForTimeout(600); // or it were the second click of two
    await begin();
    await stop;
  };
  const isOn = () => page.getAttribute(part('sounds-cross'), 'aria-checked');
  await stopped(() => page.keyboard.press('Enter'));
  assert.equal(await text(page, 'sounds-out'), 'knight → /naɪt/');
  await stopped(() => page.click(part('sounds-cross')));
  await page.waitForSelector(`${part('sounds-cross')}[aria-checked="true"]`);
  assert.match(await page.$eval('kv-cache-demo', (figure) => figure.state), /&word=daughter&caches=both$/);
  await refuse();
  await page.click(part('sounds-cross')); // of the word that is shown
  await settled(page, 2);
  await says(page, 'sounds-state', /^Without the cross cache/);
  assert.deepEqual([await text(page, 'sounds-out'), await isOn(), await isInvalid()],
    ['knight → /naɪt/', 'false', 'false']);

  await page.evaluate(() => window.workers.at(-1).dispatchEvent(new ErrorEvent('error')));
  await page.focus(part('sounds-self'));
  await page.keyboard.press('Space');
  await page.waitForSelector(`${part('sounds-error')}:not([hidden])`);
  await page.waitForSelector(`${part('sounds-self')}[aria-checked="true"]`);
  await says(page, 'sounds-go', /downloads 3\.0 MB/);
  await page.focus(part('sounds-self'));
  await page.keyboard.press('Space');
  await settled(page, 3);
  assert.equal(await page.isHidden(part('sounds-error')), true);
});

/** Runs in the page: its workers can be lost. */
function keepWorkers() {
  window.workers = [];
  window.Worker = class extends Worker {
    constructor(...given) {
      super(...given);
      window.workers.push(this);
    }
  };
}
