import { engines } from './engines.js';
import { serveSite } from './site.js';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
// cpu of all descendants, living or dead (cutime)
const cpu = () => { let s=0; for (const p of readdirSync('/proc')) { if(!/^\d+$/.test(p)) continue; try { const r=readFileSync(`/proc/${p}/stat`,'latin1'); const f=r.slice(r.lastIndexOf(')')+2).split(' '); const env=readFileSync(`/proc/${p}/environ`,'latin1'); if(env.includes('ZZCOST=1')) s+= (Number(f[11])+Number(f[12])+Number(f[13])+Number(f[14]))/100; } catch {} } return s; };
test('x', async () => {
 const site = await serveSite();
 for (const e of engines()) {
  const browser = await e.launch(); await sleep(1500);
  for (let i=0;i<4;i++) {
   const c0=cpu(), t0=performance.now();
   const page = await browser.newPage({});
   const c1=cpu(), t1=performance.now();
   await page.goto(site.url);
   await page.waitFor(()=>globalThis.findAll ? findAll('[part~="figure"]')[0]?.dataset.state==='unloaded' : document.querySelector('kv-cache-demo') , []);
   const c2=cpu(), t2=performance.now();
   await page.close(); await sleep(500);
   const c3=cpu();
   console.log(e.name, 'new', (c1-c0).toFixed(2), 'cpu', ((t1-t0)/1e3).toFixed(2),'s; goto', (c2-c1).toFixed(2), 'cpu',((t2-t1)/1e3).toFixed(2),'s; close', (c3-c2).toFixed(2));
  }
  await browser.close();
 }
});
