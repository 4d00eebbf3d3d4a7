// A child process that prints one result a line.
import { createInterface } from 'node:readline';

/**
 * @import { ChildProcess } from 'node:child_process'
 * @import { Readable } from 'node:stream'
 */

/** Its lines as they come; throws if it did not end well. @param {ChildProcess} child */
export async function* linesOf(child) {
  const ended = new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => {
      if (code === 0) resolve(0);
      else reject(new Error(`${child.spawnfile} ended with ${signal ?? `status ${code}`}.`));
    });
  });
  ended.catch(() => {}); // awaited below, after the last line
  yield* createInterface({ input: /** @type {Readable} */ (child.stdout) });
  await ended;
}
