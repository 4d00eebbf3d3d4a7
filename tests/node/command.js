// The command that the package brings, started as npx starts it.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

const ROOT = new URL('../../', import.meta.url);
const { bin, version } = JSON.parse(await readFile(new URL('package.json', ROOT), 'utf8'));
export const COMMAND = fileURLToPath(new URL(bin['kvcache-wasm'], ROOT));
export { version };

/** A running one. `stdout` and `stderr` grow. */
export function start(args, { input, env = {} } = {}) {
  const child = spawn(COMMAND, args, { env: { ...process.env, ...env } });
  const run = { child, stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr']) {
    child[name].setEncoding('utf8').on('data', (text) => { run[name] += text; });
  }
  child.stdin.on('error', () => {}); // it did not want to hear more
  if (input !== undefined) child.stdin.end(input);
  run.ended = once(child, 'close').then(([code]) => ({ code, stdout: run.stdout, stderr: run.stderr }));
  return run;
}

/** What a command says that ends by itself. */
export const say = (args, options) => start(args, { input: '', ...options }).ended;
