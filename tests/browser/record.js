// Records what happens in real runs of the page, event by event, for tests/node/state.test.js to repeat:
// node tests/browser/record.js   (./build.sh site first)
import { mkdir, mkdtemp, cp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { chromium } from 'playwright-core';
import { serve } from '../serve.js';
import { chromiumPath } from './helpers.js';

const FLAGS = ['--no-sandbox', '--disable-gpu'];
const FOLDER = 'tests/fixtures/events';
/** In place of the real one, which does not matter. */
const MACHINE = { browser: 'Some Browser 1.0', system: 'Some System', logicalCores: 8 };

/** What a reader does: first, and once this many tokens are written. */
const SCENARIOS = {
  flips: { settings: { maxTokens: 60 }, acts: ['generate'], at: { 20: 'flip', 40: 'flip' } },
  stopped: { settings: { maxTokens: 300 }, acts: ['flip', 'generate'], at: { 30: 'stop' } },
  compared: { settings: { maxTokens: 20 }, acts: ['compare'] },
  failed: { model: 'nowhere/', acts: ['generate'] },
  benchmark: { acts: ['measure'] },
};

const root = await mkdtemp(join(tmpdir(), 'kvc-record-'));
await cp('dist', root, { recursive: true });
await build({
  stdin: { contents: "export { mountDemo } from './web/demo/demo.js';", resolveDir: process.cwd() },
  bundle: true, format: 'esm', external: ['node:*'], outfile: join(root, 'demo', 'recorded.js'),
  logLevel: 'warning',
});
const server = await serve(root);
const browser = await chromium.launch({ executablePath: chromiumPath(), args: FLAGS });
await mkdir(FOLDER, { recursive: true });
for (const [name, { model = 'models/stories/', settings = {}, acts, at = {} }] of Object.entries(SCENARIOS)) {
  const page = await browser.newPage();
  const site = `http://127.0.0.1:${server.address().port}/`;
  await page.goto(site);
  const events = await page.evaluate(async ([model, settings, acts, at]) => {
    const { mountDemo } = await import('./demo/recorded.js');
    const url = new URL(model, document.baseURI).href;
    const { player, dispose } = mountDemo(document.body, { model: () => url, prompt: 'Once upon a time' });
    const events = [];
    let acted = 0;
    player.subscribe((state, event) => {
      events.push(event);
      const { length } = state.run.tokens;
      const due = Object.keys(at).map(Number).find((tokens) => tokens > acted && tokens <= length);
      if (due === undefined) return;
      acted = due;
      player[at[due]]();
    });
    for (const [key, value] of Object.entries(settings)) player.setSampling(key, value);
    for (const act of acts) await player[act]();
    while (player.state.proof.stage === 'comparing text') {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    dispose();
    return events;
  }, [model, settings, acts, at]);
  for (const { event } of events) if (event?.subject) event.subject.machine = MACHINE;
  const lines = events.map((event) => JSON.stringify(event).replaceAll(site, 'http://localhost/'));
  await writeFile(join(FOLDER, `${name}.json`), `[\n${lines.join(',\n')}\n]\n`);
  await page.close();
}
await browser.close();
server.close();
await rm(root, { recursive: true });
