import { chromium } from 'playwright-core';
import { serve } from './tests/serve.js';
import { chromiumPath, part } from './tests/browser/helpers.js';
const server = await serve('dist');
const browser = await chromium.launch({ executablePath: chromiumPath(), args: ['--no-sandbox', '--disable-gpu'] });
const [,, what = 'poster,replay,race', widths = '360,1280', schemes='light'] = process.argv;
for (const colorScheme of schemes.split(',')) for (const width of widths.split(',').map(Number)) {
  const context = await browser.newContext({ viewport: { width, height: width < 500 ? 640 : 800 }, colorScheme, reducedMotion: what.includes('replay') ? 'no-preference':'reduce' });
  const page = await context.newPage();
  page.on('console', (m) => console.log(m.text())); page.on('pageerror', (e) => console.log(e));
  await page.goto(`http://127.0.0.1:${server.address().port}/${process.env.Q ?? ''}`);
  await page.waitForSelector('[part~=figure]');
  const shot = async (name) => { await page.evaluate(() => { const f=document.querySelector('[part~=figure]') ; f && scrollTo(0, f.getBoundingClientRect().top + scrollY - 8)}); await page.screenshot({ path: `/tmp/rs/${name}-${width}-${colorScheme}.png` }); };
  const heights = () => page.evaluate(() => ['message','payoff','chart-box','story-part','prompt-box'].map((c) => { const e=document.querySelector('.'+c); const r=e.getBoundingClientRect(); return [c, Math.round((r.top+scrollY)*10)/10, Math.round(r.height*10)/10].join(' ')}).join(' | '));
  await page.waitForTimeout(500);
  if (what.includes('replay')) { await page.waitForTimeout(2500); await shot('replay'); await page.waitForTimeout(6000); }
  console.log(width, 'poster', await heights());
  await shot('poster');
  if (what.includes('race')) {
    await page.click(part('both'));
    await page.waitForTimeout(300); console.log('asked ', await heights());
    await page.waitForFunction(() => document.querySelector('.lanes') && !document.querySelector('.lanes').hidden, null, { timeout: 60000 });
    await page.waitForTimeout(1500); console.log('racing', await heights());
    await shot('race');
    await page.waitForFunction(() => ['finished','full','failed','stopped'].includes(document.querySelector('[part~=figure]').dataset.state), null, { timeout: 90000 });
    await page.waitForTimeout(1000); console.log('raced ', await heights());
    await shot('raced');
    console.log(await page.textContent(part('remark')), '|', await page.getAttribute(part('both'), 'title'));
  }
  await context.close();
}
await browser.close(); server.close(); server.closeAllConnections();
