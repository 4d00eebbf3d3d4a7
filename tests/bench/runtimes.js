// Where the benchmark runs besides the native build: any Node, and Chromium. Each runs suite.js.
import { execFile, execFileSync, spawn } from 'node:child_process';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { serve } from '../serve.js';
import { linesOf } from './lines.js';

const ROOT = new URL('../../', import.meta.url);
export const CACHE = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'kvcache-wasm');
const FLAGS = [
  '--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update',
  '--no-first-run',
];
const ISOLATED = { // so that threads are allowed and the clock is fine
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-embedder-policy': 'require-corp',
};

/**
 * @import { AddressInfo } from 'node:net'
 * @import { Page } from 'playwright-core'
 * @import { Job, Tell } from './suite.js'
 */

/** @param {string} program  a Node  @param {Job} job  @param {Tell} tell */
export async function runNode(program, job, tell) {
  const script = fileURLToPath(new URL('run.js', import.meta.url));
  const child = spawn(program, [script, JSON.stringify(job)], { stdio: ['ignore', 'pipe', 'inherit'] });
  for await (const line of linesOf(child)) tell(JSON.parse(line));
}

/** "v22.1.0" @param {string} program */
export async function nodeVersion(program) {
  return (await promisify(execFile)(program, ['--version'])).stdout.trim();
}

/** The newest Node that npm has, installed into the cache folder. @returns {Promise<string>} its path */
export async function newestNode() {
  const npm = (/** @type {string[]} */ ...args) => promisify(execFile)('npm', args, { cwd: homedir() });
  const version = (await npm('view', 'node', 'version')).stdout.trim();
  const platform = `${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`;
  const name = `node-${platform === 'darwin-arm64' ? 'bin-' : ''}${platform}`;
  const folder = join(CACHE, `node-${version}`);
  const quiet = ['--no-audit', '--no-fund', '--ignore-scripts'];
  await npm('install', '--prefix', folder, ...quiet, `${name}@${version}`);
  return join(folder, 'node_modules', name, 'bin', 'node');
}

/** @param {Job} job  @param {(runtime: string) => Tell} keep */
export async function runChromium(job, keep) {
  await inChromium(fileURLToPath(ROOT), 'tests/bench/page.html', async (page, name) => {
    await page.exposeFunction('tell', keep(name));
    await page.evaluate((/** @type {Job} */ wanted) => /** @type {any} */ (globalThis).run(wanted), job);
  });
  await inChromium(fileURLToPath(ROOT), 'tests/bench/messages.html', async (page, name) => {
    for (const weights of job.models.includes('shipped') ? job.weights : []) {
      const run = (/** @type {[string, number]} */ args) => /** @type {any} */ (globalThis).run(...args);
      const cost = await page.evaluate(run, /** @type {[string, number]} */ ([weights, job.runs]));
      keep(name)({ kind: 'overhead', of: 'messages', weights, ...cost });
    }
  });
}

/**
 * Serves a folder and opens a page of it, in which threads are allowed and the clock is fine.
 * @param {string} folder  @param {string} path
 * @param {(page: Page, name: string) => Promise<void>} work  name: "Chromium 1.2.3"
 */
export async function inChromium(folder, path, work) {
  const { chromium } = await import('playwright-core');
  const find = 'command -v chromium || command -v chromium-browser || command -v google-chrome';
  const executablePath = execFileSync('sh', ['-c', find], { encoding: 'utf8' }).trim();
  const server = await serve(folder, 0, ISOLATED);
  const browser = await chromium.launch({ executablePath, args: FLAGS });
  try {
    const page = await browser.newPage();
    page.setDefaultTimeout(0);
    page.on('pageerror', (error) => console.error(`Chromium: ${error}`));
    const { port } = /** @type {AddressInfo} */ (server.address());
    await page.goto(`http://127.0.0.1:${port}/${path}`);
    await work(page, `Chromium ${browser.version()}`);
  } finally {
    await browser.close();
    server.close();
  }
}
