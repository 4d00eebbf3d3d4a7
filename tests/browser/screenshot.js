// Takes the README's picture: node tests/browser/screenshot.js [SEED]
// (./build.sh site first, on a quiet machine)
import { setTimeout as sleep } from 'node:timers/promises';
import { chromium } from 'playwright-core';
import { serve } from '../serve.js';
import { chromiumPath } from './engines/chromium.js';
import { part, sample, written } from './helpers.js';

const server = await serve('dist');
const args = ['--no-sandbox', '--disable-gpu'];
const browser = await chromium.launch({ executablePath: chromiumPath(), args });
const page = await browser.newPage({ viewport: { width: 1280, height: 800 }, colorScheme: 'light' });
page.setDefaultTimeout(120_000);
await page.goto(`http://127.0.0.1:${server.address().port}/`);
const reached = (state) => page.waitForSelector(`${part('figure')}[data-state="${state}"]`);
await reached('unloaded');
await sample(page, { seed: Number(process.argv[2] ?? 1) });
await page.$eval(part('sampling'), (fold) => { fold.open = false; });
await page.click(part('go'));
await reached('running');
while ((await written(page)).length < 2000) await sleep(50);
await page.click(part('cache'));
await reached('full');
await page.getByText('after the whole text').waitFor();
await page.mouse.move(0, 0);
await page.evaluate(() => scrollTo(0, 0));
await page.$eval(part('cache'), (control) => control.blur());
await page.screenshot({ path: 'web/screenshot.png' });
await browser.close();
server.close();
