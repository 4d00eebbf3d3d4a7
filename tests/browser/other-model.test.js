// The views that compute for themselves, with other models than the shipped one, which come by their address.
import assert from 'node:assert/strict';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { byteTokenizer } from '../node/helpers.js';
import { openPage, part, press, says, startSite, text } from './helpers.js';
import { SCRIPT, addArticle } from './tag-page.js';

const site = await startSite();
const query = await addArticle(site, {
  body: `${SCRIPT}<kv-cache-demo views="model,text,edit,lab,benchmark" cache="on" prompt="a king had" `
    + 'max-tokens="24" loading="eager"></kv-cache-demo>',
});
const LETTERS = [...'ĠĊabcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.,!?"-\''];

/** A fixture in the site that knows the letters, with room for the prompts of the views. */
async function addFixture(name) {
  const from = new URL(`../fixtures/${name}/`, import.meta.url);
  const to = join(site.folder, name);
  await mkdir(to);
  const read = (file) => readFile(new URL(file, from));
  const write = (file, content) => writeFile(join(to, file), content);
  for (const file of ['generation_config.json', 'model.safetensors']) await write(file, await read(file));
  const config = JSON.parse(await read('config.json'));
  await write('config.json', JSON.stringify({ ...config, max_position_embeddings: 400 }));
  const tokenizer = byteTokenizer({ added: [] });
  const vocab = Object.fromEntries(LETTERS.slice(0, config.vocab_size).map((letter, id) => [letter, id]));
  Object.assign(tokenizer.model, { vocab });
  await write('tokenizer.json', JSON.stringify(tokenizer));
}

/** Elements of the text of a model that say what language it has. */
const withLanguage = (page) => page.evaluate(() => findAll('[translate="no"], .story, textarea')
  .filter((node) => node.lang && !node.matches('pre, .copy-text')).map((node) => node.outerHTML));

/** Presses a button in a view below, and waits for one of the states. */
async function run(page, button, figure, ...ends) {
  await page.locator(part(button)).scrollIntoViewIfNeeded();
  await press(page, button);
  const handle = await page.waitForFunction(([where, wanted]) => {
    const { state } = findAll(where)[0].dataset;
    return wanted.includes(state) && state;
  }, [figure, ends]);
  return handle.jsonValue();
}

for (const [name, sentence, counts] of [
  ['mistral-bf16', /read those of 8\. In 3 layers with a window, it saw only the newest 9/, ['8', '25']],
  ['qwen3-f32', /read those of 33\. The cache holds 34 tokens/, ['33', '0']],
]) {
  test(`${name}: text, edit, lab and benchmark run to their ends`, async (t) => {
    await addFixture(name);
    const page = await openPage(t, site, {
      query, until: part('model'), height: 3000, init: () => { // so high that nothing is too far to be drawn
        const post = Worker.prototype.postMessage;
        Worker.prototype.postMessage = function (message, ...more) {
          const quick = message.type === 'benchmark' && { runs: 1, windowMs: 5 };
          post.call(this, { ...message, ...quick }, ...more);
        };
      },
    });
    await page.click(`${part('model')} > summary`);
    await page.fill(part('model-address'), new URL(name, site.url).href);
    await page.press(part('model-address'), 'Enter');
    await says(page, 'model-name', new RegExp(`^${name}$`));
    await press(page, 'model-use');
    await page.waitForSelector(`${part('model-now')}:visible`);
    await says(page, 'model-now', /^The figure has/);
    await press(page, 'go');
    await says(page, 'text-said', sentence);
    assert.deepEqual([await text(page, 'count-read'), await text(page, 'count-past')], counts);
    assert.equal(await page.locator('.token.behind').count(), Number(counts[1]));
    await page.locator(part('edit-go')).scrollIntoViewIfNeeded();
    await press(page, 'edit-go');
    await page.waitForSelector(`${part('edit-answer-after')}:visible`);
    await page.locator('input[value="B9"]').click();
    assert.equal(await run(page, 'lab-go', 'figure.lab', 'done', 'failed', 'stopped'), 'done',
      await text(page, 'lab-error'));
    assert.equal(await run(page, 'measure', part('benchmark'), 'done', 'failed', 'stopped'), 'done');
    assert.match(await text(page, 'benchmark'), /position|tokens/);
    assert.deepEqual(await withLanguage(page), []);
  });
}
