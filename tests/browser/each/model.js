// A model that is dropped on the figure: what browsers give goes through to a worker of theirs.
import assert from 'node:assert/strict';
import { part } from '../selectors.js';

/** In the page: the files of a folder of the site are dropped on its figure. */
async function dropOn(selector, folder, names) {
  const dataTransfer = new DataTransfer();
  for (const name of names) {
    const answer = await fetch(new URL(`${folder}/${name}`, document.baseURI));
    dataTransfer.items.add(new File([await answer.arrayBuffer()], name));
  }
  const init = { dataTransfer, bubbles: true, composed: true, cancelable: true };
  find(selector).dispatchEvent(new DragEvent('drop', init));
}

const shows = (page, name, words) => page.waitFor((selector, wanted) => (
  findAll(selector)[0]?.textContent.includes(wanted)), [part(name), words]);

/** @type {import('../each.js').Prepare} */
export async function model(site, small) {
  const names = Object.keys(small.files);
  return ({ test, openPage }) => {
    test('a model that is dropped on the figure writes', async (t) => {
      const page = await openPage(t, site.url);
      await page.waitFor((figure) => findAll(figure)[0]?.dataset.state === 'unloaded', [part('figure')]);
      await page.evaluate(dropOn, part('figure'), 'small', names);
      await shows(page, 'model-sizes', 'gpt2');
      await page.click(part('model-use'));
      await page.waitFor((figure) => findAll(figure)[0]?.dataset.state === 'ready', [part('figure')]);
      await page.click(part('go'));
      await page.waitFor((figure) => findAll(figure)[0]?.dataset.state === 'full', [part('figure')]);
      await shows(page, 'position', '64 of 64');
      await shows(page, 'proof-words', 'the same to the last bit');
      await page.click(part('model-back'));
      await page.waitFor((figure) => findAll(figure)[0]?.dataset.state === 'unloaded', [part('figure')]);
      assert.equal(await page.evaluate((name) => find(name).textContent.includes('stories'), part('model')),
        true);
    });
  };
}
