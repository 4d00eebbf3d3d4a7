// Gecko and SpiderMonkey, through puppeteer-core and WebDriver BiDi: Playwright drives only a Firefox that
// it has patched itself.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findProgram, start } from './processes.js';
import { puppet } from './puppet.js';
import { sourceOf, watchPolicy } from './watch.js';

/** It asks nobody for anything, and starts as it is. */
const QUIET = {
  'app.normandy.enabled': false,
  'app.update.disabledForTesting': true,
  'browser.newtabpage.enabled': false,
  'browser.safebrowsing.malware.enabled': false,
  'browser.safebrowsing.phishing.enabled': false,
  'browser.shell.checkDefaultBrowser': false,
  'browser.startup.homepage_override.mstone': 'ignore',
  'browser.startup.page': 0,
  'datareporting.policy.dataSubmissionEnabled': false,
  'dom.ipc.processPrelaunch.enabled': false,
  'extensions.enabledScopes': 0, // not even its own, which cost a fifth of a start
  'extensions.update.enabled': false,
  'fission.webContentIsolationStrategy': 0,
  'network.captive-portal-service.enabled': false,
  'network.connectivity-service.enabled': false,
  'services.settings.server': 'data:,', // remote settings
  'toolkit.telemetry.enabled': false,
};

export const needs = () => ({ firefox: findProgram('firefox-esr', 'firefox') });

const USUAL = 'en-US';

/** What BiDi takes for a language; a profile takes anything. @param {string} locale */
function isTag(locale) {
  try {
    return Intl.getCanonicalLocales(locale).length === 1;
  } catch {
    return false;
  }
}

/** The palette belongs to a profile, as an odd language does: pages that differ in it get a Firefox each. */
export async function launch() {
  /** @type {Map<string, ReturnType<typeof launchProfile>>} */
  const running = new Map();
  const withSettings = (locale, dark) => {
    const key = `${locale} ${dark}`;
    if (!running.has(key)) running.set(key, launchProfile(locale, dark));
    return running.get(key);
  };
  await withSettings(USUAL, false);
  return {
    newPage: async ({ locale, dark, ...settings }) => {
      const { browser } = await withSettings(isTag(locale) ? USUAL : locale, dark);
      return newPage(browser, { locale: isTag(locale) ? locale : undefined, ...settings });
    },
    close: async () => {
      await Promise.all([...running.values()].map(async (launched) => (await launched).close()));
    },
  };
}

async function launchProfile(locale, dark) {
  const profile = await mkdtemp(join(tmpdir(), 'kvc-firefox-'));
  const choices = {
    ...QUIET,
    'intl.accept_languages': locale,
    'layout.css.prefers-color-scheme.content-override': dark ? 0 : 1,
  };
  const lines = Object.entries(choices).map(
    ([name, value]) => `user_pref("${name}", ${JSON.stringify(value)});`,
  );
  await writeFile(join(profile, 'user.js'), lines.join('\n'));
  const { end, said: endpoint } = await start(
    needs().firefox,
    ['--headless', '--no-remote', '--profile', profile, '--remote-debugging-port=0', 'about:blank'],
    { env: { HOME: profile }, announces: 2, pattern: /ws:\/\/127\.0\.0\.1:\d+(?=\s)/ },
  );
  const close = async () => {
    await end();
    await rm(profile, { recursive: true, force: true, maxRetries: 5 });
  };
  try {
    const { default: puppeteer } = await import('puppeteer-core'); // only in files of this engine
    const browser = await puppeteer.connect({
      browserWSEndpoint: `${endpoint}/session`,
      protocol: 'webDriverBiDi',
      defaultViewport: null,
    });
    return { browser, close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function newPage(browser, { width, height, init, locale }) {
  const context = await browser.createBrowserContext();
  const userContexts = [context.id];
  if (locale) await browser.connection.send('emulation.setLocaleOverride', { locale, userContexts });
  const page = await context.newPage();
  await page.setViewport({ width, height });
  await page.evaluateOnNewDocument(sourceOf([watchPolicy, ...init]));
  return puppet(page, context);
}
