// A child process that prints one result a line.
import { createInterface } from 'node:readline';

/** Its lines as they come; throws if it did not end well. @param {import('node:child_process').ChildProcess} child */
export async function* linesOf(child) {
  const ended = new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => (code === 0 ? resolve(0) : reject(new Error(`${child.spawnfile} ended with ${signal ?? `status ${code}`}.`))));
  });
  ended.catch(() => {}); // it is awaited below, after the last line
  yield* createInterface({ input: /** @type {import('node:stream').Readable} */ (child.stdout) });
  await ended;
}
