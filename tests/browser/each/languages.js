// A browser that was started in a language in which numbers are written in another way.
import { part } from '../selectors.js';

/** @type {import('../each.js').Prepare} */
export async function languages(site, small) {
  return ({ name, test, openPage }) => {
    const locales = name === 'chromium' ? ['ar-EG'] : ['ar-EG', 'C']; // its driver refuses the latter
    for (const locale of locales) {
      test(`started in the language ${locale}`, async (t) => {
        const page = await openPage(t, site.url + small.query, { locale });
        await page.waitFor((figure) => findAll(figure)[0]?.dataset.state === 'unloaded', [part('figure')]);
        await page.click(part('go'));
        await page.waitFor((figure) => find(figure).dataset.state === 'full', [part('figure')]);
      });
    }
  };
}
