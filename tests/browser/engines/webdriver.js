// What is needed of WebDriver, https://www.w3.org/TR/webdriver2/: one session, a few requests.
import { writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { limited } from './processes.js';

const SCRIPT_MS = 290_000; // for one call into the page: the tests' own limits come first
const KEYS = { Enter: '\uE007', Escape: '\uE00C', Tab: '\uE004', Backspace: '\uE003', ArrowUp: '\uE013', ArrowDown: '\uE015' };

async function ask(method, url, body) {
  const answer = await fetch(url, { method, body: body && JSON.stringify(body) });
  const { value } = await answer.json();
  if (!answer.ok) throw new Error(`${method} ${new URL(url).pathname}: ${value.error}: ${value.message}`);
  return value;
}

/** Waits until the driver at this address is ready, and has it start the browser. */
export async function startSession(address, capabilities) {
  await limited(listening(address), 'the driver to answer');
  const { sessionId } = await limited(ask('POST', `${address}/session`, { capabilities: { alwaysMatch: capabilities } }), 'the browser to start');
  const session = `${address}/session/${sessionId}`;
  const post = (path, body) => ask('POST', `${session}/${path}`, body);
  await post('timeouts', { script: SCRIPT_MS });
  const act = (type, id, actions) => post('actions', { actions: [{ type, id, actions }] });
  const run = async (expression) => {
    const { text, error } = await post('execute/async', { args: [], script: `
      const [done] = arguments;
      (${expression}).then((text) => done({ text }), (error) => done({ error: String(error) }));` });
    if (error !== undefined) throw new Error(error);
    return text;
  };
  return {
    run,
    goto: (url) => post('url', { url }),
    clickAt: (x, y) => act('pointer', 'mouse',
      [{ type: 'pointerMove', x, y }, { type: 'pointerDown', button: 0 }, { type: 'pointerUp', button: 0 }]),
    press: (key) => act('key', 'keyboard', ['keyDown', 'keyUp'].map((type) => ({ type, value: KEYS[key] ?? key }))),
    screenshot: async (path) => writeFile(path, Buffer.from(await ask('GET', `${session}/screenshot`), 'base64')),
    setViewport: (width, height) => setViewport(post, run, width, height),
  };
}

async function listening(address) {
  for (;;) {
    if (await ask('GET', `${address}/status`).then(({ ready }) => ready, () => false)) return;
    await sleep(10);
  }
}

/** WebDriver sets the size of the window, bars included. */
async function setViewport(post, run, width, height) {
  const inside = async () => JSON.parse(await run('Promise.resolve(JSON.stringify([innerWidth, innerHeight]))'));
  await post('window/rect', { width, height });
  const [innerWidth, innerHeight] = await inside();
  await post('window/rect', { width: 2 * width - innerWidth, height: 2 * height - innerHeight });
}
