// Three browser engines behind one small interface: what is here, how it is started, and pages that are
// driven in the same words in all of them. ENGINES="firefox webkit" leaves the others out.
import * as chromium from './engines/chromium.js';
import * as firefox from './engines/firefox.js';
import { Page } from './engines/page.js';
import * as webkit from './engines/webkit.js';

const KNOWN = { chromium, firefox, webkit };

/**
 * @typedef {object} PageSettings
 * @property {number} [width] of the viewport, in CSS pixels
 * @property {number} [height]
 * @property {(() => void) | (() => void)[]} [init] runs in every document of the page before its own scripts
 * @property {string} [locale] the language that the page is told, "de-DE"
 * @property {boolean} [dark] what prefers-color-scheme says
 *
 * @typedef {object} Browser
 * @property {(settings?: PageSettings) => Promise<Page>} newPage with a storage of its own
 * @property {() => Promise<void>} close ends every process of the engine
 *
 * @typedef {object} Engine
 * @property {string} name
 * @property {boolean} available
 * @property {string} [reason] the sentence that says why not
 * @property {() => Promise<Browser>} launch
 */

/** @returns {Engine[]} */
export function engines(wanted = process.env.ENGINES?.split(' ')) {
  return Object.entries(KNOWN).map(([name, engine]) => {
    const reason = wanted && !wanted.includes(name) ? `${name} is not in $ENGINES` : lacks(name, engine);
    return { name, available: !reason, reason, launch: () => launch(engine) };
  });
}

function lacks(name, { needs }) {
  const missing = Object.entries(needs()).flatMap(([program, path]) => (path ? [] : [program]));
  return missing.length === 0 ? undefined : `${name} cannot run here: ${missing.join(' and ')} not found`;
}

async function launch(engine) {
  const browser = await engine.launch();
  return {
    newPage: async ({ width = 1280, height = 800, init = [], locale = 'en-US', dark = false } = {}) =>
      new Page(await browser.newPage({ width, height, init: [init].flat(), locale, dark })),
    close: browser.close,
  };
}
