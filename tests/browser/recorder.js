// Records real runs of the demo in Chromium: a reader's acts go in, all events of its state come out.
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { chromium } from 'playwright-core';
import { serve } from '../serve.js';
import { chromiumPath } from './engines/chromium.js';

const FLAGS = ['--no-sandbox', '--disable-gpu'];

/**
 * @typedef {object} Scenario  what a reader does
 * @property {string} [model]
 * @property {string} [prompt]
 * @property {Record<string, number>} [settings]  of the sampling
 * @property {number} [pace]
 * @property {string[]} acts                what is asked of the player first, one after the other
 * @property {Record<number, string>} [at]  and once this many tokens are written
 */

/** A browser and a copy of dist/ with the demo as a module. */
export async function openRecorder() {
  const root = await mkdtemp(join(tmpdir(), 'kvc-record-'));
  await cp('dist', root, { recursive: true });
  await build({
    entryPoints: ['tests/browser/lone-demo.js'],
    bundle: true, format: 'esm', external: ['node:*'], outfile: join(root, 'demo', 'recorded.js'),
    logLevel: 'warning',
  });
  const server = await serve(root);
  const browser = await chromium.launch({ executablePath: chromiumPath(), args: FLAGS });
  const site = `http://127.0.0.1:${server.address().port}/`;
  return {
    site, browser,
    /** @param {Scenario} scenario  @returns {Promise<object[]>}  the events */
    async record(scenario) {
      const page = await browser.newPage();
      await page.goto(site);
      const events = await page.evaluate(act, scenario);
      await page.close();
      return events;
    },
    /** @param {string} word  @returns {Promise<object[]>}  what it takes with each choice of caches */
    async pronounce(word) {
      const page = await browser.newPage();
      await page.goto(site);
      const tried = await page.evaluate(pronounce, word);
      await page.close();
      return tried;
    },
    async close() {
      await browser.close();
      server.close();
      await rm(root, { recursive: true });
    },
  };
}

/** In the page. @param {Scenario} scenario */
async function act({ model = 'models/stories/', prompt = 'Once upon a time', settings, pace, acts, at }) {
  const { mountDemo } = await import('./demo/recorded.js');
  const url = new URL(model, document.baseURI).href;
  document.body.replaceChildren();
  const { player, dispose } = mountDemo(document.body, { model: () => url, prompt });
  const events = [];
  let acted = 0;
  player.subscribe((state, event) => {
    events.push(event);
    const { length } = state.run.tokens;
    const due = Object.keys(at ?? {}).map(Number).find((tokens) => tokens > acted && tokens <= length);
    if (due === undefined) return;
    acted = due;
    player[at[due]]();
  });
  for (const [key, value] of Object.entries(settings ?? {})) player.setSampling(key, value);
  if (pace !== undefined) player.setPace(pace);
  for (const one of acts) await player[one]();
  while (player.state.proof.stage === 'comparing text') {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  dispose();
  return events;
}

/** In the page: twice, because what runs for the first time is compiled on the way. @param {string} word */
async function pronounce(word) {
  const { mountDemo } = await import('./demo/recorded.js');
  const url = new URL('models/sounds/', document.baseURI).href;
  const { player, dispose } = mountDemo(document.body, { model: () => url });
  const { client } = player.aside(() => {});
  await client.request('load', { url, variant: 'auto' });
  let tried = [];
  for (let round = 0; round < 2; round++) {
    tried = [];
    for (const caches of ['both', 'self', 'cross', 'none']) {
      const trace = await client.request('trace', {
        source: word, maxTokens: 40, useCache: ['both', 'self'].includes(caches),
        useCrossCache: ['both', 'cross'].includes(caches) });
      const { looks } = trace;
      tried.push({ caches, trace: { ...trace, looks: looks && { ...looks, weights: [...looks.weights] } } });
    }
  }
  client.dispose();
  dispose();
  return tried;
}
