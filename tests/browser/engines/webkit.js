// WebKit and JavaScriptCore, through WebKitWebDriver. A driver has one session, so each page is a driver with
// a MiniBrowser of its own, all on one virtual screen. What WebDriver lacks (scripts before the page's own,
// the console, requests) is the work of a proxy and of watch.js.
//
// Languages are those of the C library, and only C is on every machine. LANG=C reports en-US, LANG=C.UTF-8
// the invalid tag "C"; any other language is put into `navigator` by a script: workers and Intl do not know.
import { mkdtemp, rm } from 'node:fs/promises';
import { readdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findProgram, start } from './processes.js';
import { startProxy } from './proxy.js';
import { KEPT, sourceOf, watchPolicy, watchScripts } from './watch.js';
import { STARTING, startSession } from './webdriver.js';

const LIBRARIES = '/usr/lib';
const QUIET = {
  GSETTINGS_BACKEND: 'memory', NO_AT_BRIDGE: '1', LC_ALL: undefined, LANGUAGE: undefined,
  WEBKIT_DISABLE_COMPOSITING_MODE: '1', // a graphics card that is emulated takes half of the time
};
const LANG = { 'en-US': 'C', C: 'C.UTF-8' };

export const needs = () => ({
  WebKitWebDriver: findProgram('WebKitWebDriver'),
  MiniBrowser: miniBrowser(),
  Xvfb: findProgram('Xvfb'),
});

/** Debian keeps it out of PATH, in a folder of the machine's architecture. */
function miniBrowser() {
  const folders = findProgram('WebKitWebDriver') ? readdirSync(LIBRARIES) : [];
  return findProgram(
    'MiniBrowser',
    ...folders.map((folder) => join(LIBRARIES, folder, 'webkit2gtk-4.1', 'MiniBrowser')),
  );
}

export async function launch() {
  const home = await mkdtemp(join(tmpdir(), 'kvc-webkit-'));
  const screen = await start(
    needs().Xvfb,
    ['-displayfd', '3', '-screen', '0', '1600x1200x24', '-nolisten', 'tcp'],
    { announces: 3, pattern: /^\d+(?=\n)/ },
  );
  /** @type {Set<() => Promise<void>>} */
  const open = new Set();
  const begin = (settings) => newPage({ ...QUIET, HOME: home, DISPLAY: `:${screen.said}` }, settings, open);
  return {
    // On a busy machine, a MiniBrowser has been seen that never answered: another one does.
    newPage: (settings) => begin(settings).catch((error) => {
      if (error.message.endsWith(STARTING)) return begin(settings);
      throw error;
    }),
    close: async () => {
      await Promise.all([...open].map((close) => close()));
      await screen.end();
      await rm(home, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

async function newPage(env, { width, height, init, locale, dark }, open) {
  const pretend = `() => Object.defineProperties(navigator, {
    language: { value: '${locale}' }, languages: { value: ['${locale}'] } })`;
  const before = [watchPolicy, watchScripts, ...(LANG[locale] ? [] : [pretend]), ...init];
  const proxy = await startProxy(sourceOf(before));
  const port = await freePort();
  const driver = await start(needs().WebKitWebDriver, [`--port=${port}`], {
    env: { ...env, LANG: LANG[locale] ?? 'C', GTK_THEME: dark ? 'Adwaita:dark' : 'Adwaita' },
  });
  const close = async () => {
    open.delete(close);
    await driver.end();
    proxy.close();
  };
  open.add(close);
  try {
    const session = await startSession(`http://127.0.0.1:${port}`, {
      proxy: { proxyType: 'manual', httpProxy: proxy.address, sslProxy: proxy.address },
      'webkitgtk:browserOptions': { binary: miniBrowser(), args: ['--automation'] },
    });
    await session.setViewport(width, height);
    return {
      ...session,
      goto: (url) => {
        proxy.visit(url);
        return session.goto(url);
      },
      complaints: async () => [...proxy.complaints, ...JSON.parse(await session.run(KEPT))],
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** A port that nobody listens on now. */
function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}
