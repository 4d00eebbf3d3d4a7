// How long the page's own thread is kept busy, as Chromium's tracing tells it.
import assert from 'node:assert/strict';

/**
 * The tasks of the page's main thread while work is done, longest first: ms of the processor, which other
 * programs do not count in.
 * @param {import('playwright-core').Browser} browser  @param {import('playwright-core').Page} page
 * @param {() => Promise<unknown>} work
 */
export async function tasksDuring(browser, page, work) {
  await browser.startTracing(page, { categories: ['disabled-by-default-devtools.timeline'] });
  await work();
  const { traceEvents } = JSON.parse((await browser.stopTracing()).toString());
  const named = traceEvents.filter(({ name, args }) => (
    name === 'thread_name' && args.name === 'CrRendererMain'));
  const mains = new Set(named.map(({ pid, tid }) => `${pid} ${tid}`));
  const tasks = traceEvents.filter(({ name, pid, tid, tdur }) => (
    name === 'RunTask' && tdur > 0 && mains.has(`${pid} ${tid}`)));
  assert.ok(tasks.length > 50, `only ${tasks.length} tasks`);
  return tasks.map(({ tdur }) => tdur / 1000).sort((a, b) => b - a);
}
