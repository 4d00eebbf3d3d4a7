// Blink and V8, through playwright-core.
import { findProgram } from './processes.js';
import { puppet } from './puppet.js';
import { sourceOf, watchPolicy } from './watch.js';

const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-background-networking',
  '--disable-component-update',
  '--no-first-run',
];

const WHOLE = ['chromium', 'chromium-browser', 'google-chrome'];

/** The whole browser: only it has windows, and with them a back/forward cache. */
export const chromiumPath = () => findProgram(...WHOLE);

/** The same engine without a window, which starts and draws faster; where there is none, the whole. */
export const shellPath = () => findProgram('chromium-headless-shell', ...WHOLE);

export const needs = () => ({ chromium: shellPath() });

export async function launch() {
  const { chromium } = await import('playwright-core'); // which takes half a second, in files of this engine
  const browser = await chromium.launch({ executablePath: needs().chromium, args: FLAGS });
  return { newPage: (settings) => newPage(browser, settings), close: () => browser.close() };
}

async function newPage(browser, { width, height, init, locale, dark }) {
  const context = await browser.newContext({
    viewport: { width, height },
    locale,
    colorScheme: dark ? 'dark' : 'light',
  });
  const page = await context.newPage();
  await page.addInitScript(sourceOf([watchPolicy, ...init]));
  return puppet(page, context);
}
