// Figures that hold on any clock: with one as coarse as in other browsers, and far coarser, both lines are
// there, and what they show is what the browser's own clock saw of the very same tokens.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bareWorker } from './bare-worker.js';
import { coarsen } from './coarse-clock.js';
import { measured, openPage, part, proof, sample, says, startSite, table, text } from './helpers.js';

const site = await startSite();
const TICKS = [1, 2, 16.67, 100];
const DRAWN = [1, 100]; // the finest and the coarsest
const TRIES = 8; // of what a busy machine may spoil: a clock that is read in a wrong way fails them all
const OFF = 0.15;

/** Runs the worker in one mode at full speed; returns what it measured, and what the fine clock saw. */
const runWorker = (page, on, maxTokens) => page.evaluate(async ([on, maxTokens]) => {
  const { messages, ask, say, terminate } = openWorker();
  const url = new URL('models/stories/', location.href).href;
  const { tick } = await ask(1, 'load', { url, variant: 'auto' });
  say({ type: 'setPace', tokensPerSecond: 0 });
  say({ type: 'setCache', on });
  const answer = await ask(2, 'generate', { prompt: 'Once upon a time', sampling: { maxTokens, seed: 3 } });
  const written = messages.filter(({ type }) => type === 'tokens');
  const tokens = written.flatMap((message) => message.tokens);
  if (answer.type === 'error') throw new Error(answer.message);
  const prefill = messages.find(({ type }) => type === 'prefilled');
  terminate();
  return { tick, prefill, tokens };
}, [on, maxTokens]);

const middle = (values) => values.sort((a, b) => a - b)[values.length >> 1];
const least = (values) => Math.min(...values);

for (const tick of TICKS) {
  // A tick longer than any burst leaves much to counting, which a busy machine disturbs in most of them.
  const typical = tick > 50 ? least : middle;
  test(`a clock of ${tick} ms: every token is measured, and as the fine clock would`, async (t) => {
    const page = await openPage(t, site, { init: bareWorker });
    await coarsen(page, tick);
    for (const [on, maxTokens] of [[true, 300], [false, 60]]) {
      let off = Infinity;
      for (let tries = 0; tries < TRIES && !(off < OFF); tries++) {
        const run = await runWorker(page, on, maxTokens);
        assert.equal(run.tokens.length, maxTokens);
        assert.ok(run.tokens.every(({ cached }) => cached === on));
        const bursts = [...new Map(run.tokens.map(({ burst }) => [burst?.first, burst])).values()];
        const errors = bursts.map((burst) => (burst ? Math.abs(burst.ms / burst.real - 1) : Infinity));
        const { ms, passes, error } = run.prefill;
        const told = Math.abs(run.tick / tick - 1) < 0.01 && ms > 0 && passes > 1 && error <= 1;
        off = told ? typical(errors) : Infinity;
        const mode = `cache ${on ? 'on' : 'off'}`;
        t.diagnostic(`${mode}: a tick of ${run.tick} ms, ${passes} passes over the prompt, ${
          bursts.length} bursts, off by ${(100 * off).toFixed(1)} %`);
      }
      assert.ok(off < OFF, `off by ${100 * off} %`);
    }
  });

  if (!DRAWN.includes(tick)) continue;
  test(`a clock of ${tick} ms: the page draws both lines and compares them`, async (t) => {
    const page = await openPage(t, site);
    await coarsen(page, tick);
    await sample(page, { maxTokens: 60 });
    await page.click(part('both'));
    await says(page, 'remark', /fewer multiply-adds/);
    for (const mode of ['on', 'off']) {
      for (const name of ['prefill', 'now', 'same']) {
        assert.match(await text(page, `${name}-${mode}`), /^[\d.,]+ \/s$/, `${name}-${mode}`);
      }
    }
    const rows = await table(page);
    assert.equal(measured(rows, 1).length, rows.length);
    assert.equal(measured(rows, 2).length, rows.length);
    assert.match(await text(page, 'times'), /^[\d.,]+ times as fast$/);
    const ticks = new RegExp(`ticks every ${Number(tick.toPrecision(3))} ms`);
    assert.match(await page.textContent('#clock-words'), ticks);
    assert.equal((await proof(page)).verdict, 'equal');
  });
}
