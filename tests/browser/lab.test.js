// "Break it" in an article: nothing of the lab's engine is fetched before it is wanted; then the figure marks
// and draws what an experiment with that engine gives.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import '../relaxed.js';
import { loadModel } from 'kvcache-wasm';
import { experiment, labBugs, labModule } from 'kvcache-wasm/lab';
import { PROMPT, experimentWith } from '../../web/demo/broken.js';
import { noViolations, openPage, part, press, says, startSite, text } from './helpers.js';
import { SCRIPT, addArticle } from './tag-page.js';

const site = await startSite();
const tag = '<kv-cache-demo id="one" views="lab" seed="5" loading="eager"></kv-cache-demo>';
const [query, german] = await Promise.all([tag, `<div lang="de">${tag}</div>`].map((body) => (
  addArticle(site, { body: `${SCRIPT}${body}` }))));
const bugs = JSON.parse(await readFile(labBugs, 'utf8'));
const stories = new URL('../../web/models/stories/', import.meta.url);

/** What the engines give for a bug, with the settings of the page. */
async function expected(id) {
  const [right, wrong] = [await loadModel(stories), await loadModel(stories, { wasm: labModule })];
  const job = experimentWith(bugs.find((bug) => bug.id === id));
  return experiment(right, wrong, { ...job, sampling: { seed: 5 } });
}

const tryIt = async (page, id) => {
  await page.locator(`input[value="${id}"]`).click();
  await press(page, 'lab-go');
  await page.locator('figure.lab[data-state="done"]').waitFor();
};

const countOf = (page, path) => (
  page.locator(`.logits ${path}`).evaluate((node) => (node.getAttribute('d').match(/M/g) ?? []).length));

test('two bugs: the marks, the hashes and the chart are those of the engines', async (t) => {
  const fetched = [];
  const page = await openPage(t, site, {
    query, until: part('lab-go'), width: 320, height: 640, colorScheme: 'dark' });
  page.on('request', (request) => fetched.push(new URL(request.url()).pathname.split('/').at(-1)));
  assert.match(await text(page, 'lab-go'), /^Break it \d\.\d+ MB$/);
  await noViolations(page, 'lab, before');
  assert.ok(!fetched.includes('kvc-lab.wasm'));
  for (const id of ['B9', 'B19']) {
    const { prompt, right, wrong, parting, firstWrong, differences } = await expected(id);
    await tryIt(page, id);
    const joined = (all) => all.map((token) => token.text).join('');
    for (const [side, written] of Object.entries({ right, wrong })) {
      const shown = await page.$eval(part(`lab-${side}`), (story) => {
        const copy = story.cloneNode(true);
        for (const hidden of copy.querySelectorAll('.visually-hidden, .problem')) hidden.remove();
        return { all: copy.textContent, mark: copy.querySelector('mark').textContent };
      });
      const token = written.tokens[firstWrong]?.text;
      const marked = token === undefined ? 'nothing more came' : token.trim() || '↵';
      assert.equal(shown.mark, marked, `${id}, ${side}`);
      const told = shown.all.replace('↵', '');
      if (!written.error) assert.equal(told, PROMPT + joined(written.tokens), `${id}, ${side}`);
    }
    const hashes = await text(page, 'lab-hashes');
    assert.ok(hashes.includes(parting.right) && hashes.includes(parting.wrong ?? 'No logits'), hashes);
    assert.equal(await page.locator(part('lab-proof')).getAttribute('data-verdict'), 'different');
    await says(page, 'lab-said', new RegExp(`\\b${prompt + parting.place + 1}\\b`));
    const same = differences.filter((difference) => difference === 0).length;
    const drawn = await Promise.all(['.logit-same', '.logit-stems'].map((path) => countOf(page, path)));
    assert.deepEqual(drawn, [same, differences.length - same], id);
    await page.$eval(part('lab-data'), (fold) => { fold.open = true; });
    await noViolations(page, id);
  }
  assert.equal(fetched.filter((file) => file === 'kvc-lab.wasm').length, 1, 'once');
  assert.equal(await text(page, 'lab-go'), 'Once more');
  const { scroll, width } = await page.evaluate(() => ({
    scroll: document.documentElement.scrollWidth, width: innerWidth,
  }));
  assert.ok(scroll <= width, `${scroll} px wide`);
  const diff = await text(page, 'lab-diff');
  const { edits: [{ right, wrong }] } = bugs.find(({ id }) => id === 'B19');
  assert.ok(diff.includes(`- ${right.trim()}`) && diff.includes(`+ ${wrong.trim()}`), diff);
  assert.match(await text(page, 'lab-tests'), /test_sync: lengths/);
});

test('in German: a stale edit, and a module that does not come is told', async (t) => {
  const page = await openPage(t, site, {
    query: german, until: part('lab-go'), expected: /ERR_FAILED/, // the module that does not come
  });
  await page.route('**/kvc-lab.wasm', (route) => route.abort());
  await page.locator('input[value="B17"]').click();
  await press(page, 'lab-go');
  await says(page, 'lab-error', /kvc-lab\.wasm/);
  await page.unroute('**/kvc-lab.wasm');
  await tryIt(page, 'B17');
  assert.match(await text(page, 'lab-proof'), /^Nicht dieselben Zahlen/);
  assert.match(await text(page, 'lab-how'), /Hugging Face/);
  assert.equal(await page.locator(`${part('lab-threads')} a`).getAttribute('href'),
    'https://github.com/huggingface/huggingface-llama-recipes/pull/79');
});
