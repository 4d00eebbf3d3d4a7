// A conversation on the page that chats: the interpreter of templates comes as a chunk of the worker's.
import assert from 'node:assert/strict';
import { BEGUN, addChatModels, sizeOf } from '../chat-model.js';

/** @type {import('../each.js').Prepare} */
export async function chat(site) {
  await addChatModels(site);
  return ({ test, openPage }) => {
    test('a chat of two turns, the first of them in the cache', async (t) => {
      const url = `${site.url}examples/chat/index.html?model=${site.url}chatty/`;
      const page = await openPage(t, url, { expected: /penalty_alpha/ });
      await page.waitFor(() => findAll('#load button[type="submit"]:enabled').length === 1);
      await page.click('#load button[type="submit"]');
      await page.waitFor(() => findAll('#message:enabled').length === 1);
      const said = [];
      let cached = 0;
      for (const words of ['hello', 'why']) {
        said.push(['user', words]);
        await page.fill('#message', words);
        await page.click('#send');
        const turn = await page.waitFor((n) => {
          const [turn, send] = [findAll('.turn')[n], findAll('#send:enabled')[0]];
          return turn?.dataset.reason && send && { ...turn.dataset, text: findAll('.words')[n].textContent };
        }, [said.length]);
        assert.deepEqual([Number(turn.cached), turn.reason], [cached, 'length']);
        assert.equal(cached + Number(turn.computed), sizeOf(...said) + BEGUN);
        said.push(['assistant', turn.text]);
        cached += Number(turn.computed) + Number(turn.tokens);
      }
    });
  };
}
