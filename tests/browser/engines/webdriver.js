// What is needed of WebDriver, https://www.w3.org/TR/webdriver2/: one session, a few requests.
import { writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { limited } from './processes.js';

const SCRIPT_MS = 290_000; // for one call into the page: the tests' own limits come first
export const STARTING = 'the browser to start'; // what is waited for then
const START_MS = 30_000;
// The rest are as they are.
const KEYS = { Backspace: '\uE003', Tab: '\uE004', Enter: '\uE007', Escape: '\uE00C' };

async function ask(method, url, body) {
  const answer = await fetch(url, { method, body: body && JSON.stringify(body) });
  const { value } = await answer.json();
  if (!answer.ok) throw new Error(`${method} ${new URL(url).pathname}: ${value.error}: ${value.message}`);
  return value;
}

/** Waits until the driver at this address is ready, and has it start the browser. */
export async function startSession(address, capabilities) {
  await listening(address);
  const begun = ask('POST', `${address}/session`, { capabilities: { alwaysMatch: capabilities } });
  const { sessionId } = await limited(begun, STARTING, START_MS);
  const session = `${address}/session/${sessionId}`;
  const post = (path, body) => ask('POST', `${session}/${path}`, body);
  await post('timeouts', { script: SCRIPT_MS });
  const act = (type, id, actions) => post('actions', { actions: [{ type, id, actions }] });
  const run = async (expression) => {
    const script = `const [done] = arguments;
      (${expression}).then((text) => done({ text }), (error) => done({ error: String(error) }));`;
    const { text, error } = await post('execute/async', { script, args: [] });
    if (error !== undefined) throw new Error(error);
    return text;
  };
  return {
    run,
    goto: (url) => post('url', { url }),
    clickAt: (x, y) =>
      act('pointer', 'mouse', [
        { type: 'pointerMove', x, y },
        { type: 'pointerDown', button: 0 },
        { type: 'pointerUp', button: 0 },
      ]),
    press: (key) => {
      const value = KEYS[key] ?? key;
      return act('key', 'keyboard', [{ type: 'keyDown', value }, { type: 'keyUp', value }]);
    },
    screenshot: async (path) =>
      writeFile(path, Buffer.from(await ask('GET', `${session}/screenshot`), 'base64')),
    setViewport: (width, height) => setViewport(post, run, width, height),
  };
}

async function listening(address) {
  for (const end = Date.now() + START_MS; Date.now() < end; await sleep(10)) {
    const status = await ask('GET', `${address}/status`).catch(() => undefined); // it does not listen yet
    if (status?.ready) return;
  }
  throw new Error(`waited ${START_MS} ms in vain for the driver at ${address}`);
}

/** WebDriver sets the size of the window, bars included. */
async function setViewport(post, run, width, height) {
  await post('window/rect', { width, height });
  const inside = await run('Promise.resolve(JSON.stringify([innerWidth, innerHeight]))');
  const [innerWidth, innerHeight] = JSON.parse(inside);
  await post('window/rect', { width: 2 * width - innerWidth, height: 2 * height - innerHeight });
}
