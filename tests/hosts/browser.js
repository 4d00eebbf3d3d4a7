// Chromium, and the two questions that are asked in every host: does the library write what it should, and
// does the element?
import assert from 'node:assert/strict';
import { chromium } from 'playwright-core';
import { chromiumPath } from '../browser/helpers.js';

const PATIENCE_MS = 60_000;

export class Browser {
  #browser;

  constructor(browser) {
    this.#browser = browser;
  }

  static async launch() {
    const args = ['--no-sandbox', '--disable-gpu', '--no-first-run'];
    return new Browser(await chromium.launch({ executablePath: chromiumPath(), args }));
  }

  close() {
    return this.#browser.close();
  }

  /** Opens a page, lets `ask` look at it, and closes it; what the page complained of explains a failure. */
  async visit(url, ask, { offline = false } = {}) {
    const context = await this.#browser.newContext({ offline });
    const page = await context.newPage();
    page.setDefaultTimeout(PATIENCE_MS);
    const said = [];
    page.on('console', (message) => { if (message.type() === 'error') said.push(message.text()); });
    page.on('pageerror', (error) => said.push(String(error)));
    try {
      await page.goto(url);
      return await ask(page);
    } catch (error) {
      const [what] = error.message.split('\n');
      throw new Error(`${what} (${url}; ${said.slice(0, 4).join(' | ')})`, { cause: error });
    } finally {
      await context.close();
    }
  }

  /** The page of an app leaves what its library has written in globalThis.result. */
  async library(url, expected) {
    const handle = (page) => page.waitForFunction(() => globalThis.result);
    const result = await this.visit(url, async (page) => (await handle(page)).jsonValue());
    assert.deepEqual(result, expected);
  }

  /** The element, in the page or in a frame of it, writes what it should. */
  async element(url, expected, options) {
    await this.visit(url, async (page) => {
      await runElement(await frameWithElement(page), expected);
    }, options);
  }
}

export async function frameWithElement(page) {
  for (const started = Date.now(); Date.now() - started < PATIENCE_MS;) {
    for (const frame of page.frames()) {
      if (await frame.$('kv-cache-demo').catch(() => null)) return frame;
    }
    await page.waitForTimeout(100);
  }
  throw new Error('there is no <kv-cache-demo>');
}

export async function runElement(frame, { text }) {
  const written = await frame.evaluate(async () => {
    await customElements.whenDefined('kv-cache-demo');
    const element = document.querySelector('kv-cache-demo');
    const done = await element.start({ prompt: 'Once upon a time', maxTokens: 12, seed: 7, cache: 'on' });
    return done.text;
  });
  assert.equal(written, text);
}
