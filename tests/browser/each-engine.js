// The runner of the tests that matter for engines.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { engines } from './engines.js';

/**
 * @import { TestContext } from 'node:test'
 * @import { PageSettings } from './engines.js'
 * @import { Page } from './engines/page.js'
 */

/**
 * Declares tests for an engine. Where it is not installed, each of them is skipped and says why.
 * @param {string} name
 * @param {(engine: { name: string, test: typeof test, openPage: OpenPage }) => void} declare
 *
 * @typedef {PageSettings & { expected?: RegExp }} OpenSettings
 *   After the test, the page must not have complained of anything but what is `expected`.
 * @typedef {(t: TestContext, url: string, settings?: OpenSettings) => Promise<Page>} OpenPage
 */
export function inEngine(name, declare) {
  const { reason, launch } = engines().find((engine) => engine.name === name);
  describe(name, () => {
    let browser;
    before(async () => {
      if (!reason) browser = await launch();
    });
    after(() => browser?.close());
    const openPage = async (t, url, { expected, ...settings } = {}) => {
      const page = await browser.newPage(settings);
      t.after(async () => {
        const complaints = await page.complaints().catch((error) => [`gone: ${error}`]);
        await page.close();
        assert.deepEqual(
          complaints.filter((words) => !expected?.test(words)),
          [],
        );
      });
      await page.goto(url);
      return page;
    };
    declare({ name, openPage, test: (title, ...how) => declareTest(title, reason, ...how) });
  });
}

/** @param {string} title @param {string | undefined} reason */
function declareTest(title, reason, ...[options, run]) {
  if (typeof options === 'function') test(title, { skip: reason ?? false }, options);
  else test(title, { ...options, ...(reason && { skip: reason }) }, run);
}
