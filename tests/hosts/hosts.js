// npm run hosts [-- NAME...]: the package as its users have it. Packs it, installs it into small projects
// of every bundler, runtime and host, from the snippets of web/docs/embedding/ as they stand there, and runs
// each in Chromium. Prints a table of what worked; with --write its rows go into the docs.
//
//   KVC_HOSTS=FOLDER   where to install (default: a folder that is removed afterwards); kept, it saves time
import { execFile, spawn } from 'node:child_process';
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { serve } from '../../web/cli/server.js';
import { bundlers } from './bundlers.js';
import { Browser } from './browser.js';
import { harnesses } from './harnesses.js';
import { runtimes } from './runtimes.js';
import { sites } from './sites.js';
import { linters } from './linters.js';
import { filesOf } from './snippets.js';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const DOCS = join(ROOT, 'web', 'docs', 'embedding');
const TABLE = join(DOCS, 'tried.md');
const NODE = process.versions.node;
const STEP_MS = 300_000; // for one command
const RECIPES = [...linters, ...runtimes, ...bundlers, ...sites, ...harnesses];

/**
 * @typedef {object} Recipe
 * @property {string} name
 * @property {string} [page]       of the docs, whose snippets it runs
 * @property {string} [needs]      a program; where it is missing the recipe is not run
 * @property {string} [notRun]     why it never is
 * @property {string[]} [packages] of npm, with exact versions
 * @property {(place: Place) => Promise<void>} run  calls place.tried() for each thing that worked
 */

/** A project folder, and what recipes do in it. */
class Place {
  #ended = [];
  tried = [];

  constructor(recipe, folder, shared) {
    Object.assign(this, { recipe, folder, ...shared });
  }

  /** Writes files, and a package.json with what the recipe needs. */
  async write(files) {
    for (const [name, text] of Object.entries(files)) {
      await mkdir(dirname(join(this.folder, name)), { recursive: true });
      await writeFile(join(this.folder, name), text);
    }
  }

  /** The files that the page of the docs tells its readers to write, with our own server for the network. */
  async writeSnippets(page = this.recipe.page) {
    await this.write(filesOf(await readFile(join(DOCS, page), 'utf8'), this.cdn));
  }

  async install(changes = {}) {
    const project = { private: true, type: 'module', ...changes };
    await this.write({ 'package.json': JSON.stringify(project, null, 2) });
    const packages = [...(this.recipe.packages ?? []), this.tarball];
    await this.exec('npm', ['install', '--no-audit', '--no-fund', ...packages]);
  }

  /** The project's own programs come first, a Node of its own before them. */
  get #path() {
    const own = [`node-${process.platform}-${process.arch}/bin`, '.bin'];
    return [...own.map((folder) => join(this.folder, 'node_modules', folder)), process.env.PATH].join(':');
  }

  /** Runs a command to its end; what it printed is the error if it fails. */
  async exec(command, args, env = {}) {
    const options = {
      cwd: this.folder, timeout: STEP_MS, maxBuffer: 2 ** 26,
      env: { ...process.env, CI: '1', PATH: this.#path, ...env },
    };
    try {
      return (await promisify(execFile)('nice', [command, ...args], options)).stdout;
    } catch (error) {
      const said = `${error.stdout ?? ''}${error.stderr ?? ''}`.trim().split('\n').slice(-12).join('\n');
      throw new Error(`${command} ${args.join(' ')} failed: ${said || error.message}`, { cause: error });
    }
  }

  /** Starts a server of the host's own; resolves with its address once it answers. */
  async start(command, args) {
    const port = await freePort();
    const filled = args.map((arg) => arg.replace('PORT', port));
    const child = spawn(command, filled, {
      cwd: this.folder, stdio: 'ignore', detached: true,
      env: { ...process.env, PATH: this.#path, BROWSER: 'none' },
    });
    const end = () => { try { process.kill(-child.pid); } catch { /* it has ended */ } };
    this.#ended.push(end);
    const url = `http://localhost:${port}/`;
    for (let tries = 0; tries < 240; tries++) {
      if (await fetch(url).then(() => true, () => false)) return { url, end };
      await new Promise((done) => { setTimeout(done, 500); });
    }
    throw new Error(`${command} did not answer on port ${port}`);
  }

  /** Serves a folder of the project. */
  async serve(folder, headers) {
    const server = await serve(join(this.folder, folder), 0, headers);
    this.#ended.push(() => { server.close(); server.closeAllConnections(); });
    return `http://localhost:${server.address().port}/`;
  }

  /** Notes that this works, or throws. */
  async works(what, check) {
    const started = Date.now();
    await check();
    this.tried.push(what);
    console.log(`  ${this.recipe.name}: ${what} (${Math.round((Date.now() - started) / 1000)} s)`);
  }

  end() {
    for (const end of this.#ended.splice(0)) end();
  }
}

const freePort = () => new Promise((resolve) => {
  const server = createServer().listen(0, () => {
    const { port } = server.address();
    server.close(() => resolve(port));
  });
});

async function pack(folder) {
  const run = promisify(execFile);
  await run('npm', ['pack', '--pack-destination', folder], { cwd: ROOT, maxBuffer: 2 ** 26 });
  const [tarball] = (await readdir(folder)).filter((file) => file.endsWith('.tgz'));
  return join(folder, tarball);
}

/** What a run must write everywhere: computed here, by the library. */
async function expectedRun() {
  const { loadModel } = await import('kvcache-wasm');
  const { stories } = await import('kvcache-wasm/models/stories');
  const model = await loadModel(stories);
  const session = model.createSession();
  const how = { maxTokens: 12, seed: 7 };
  let text = '';
  for await (const token of session.generate('Once upon a time', how)) text += token.text;
  const { logitsHash: hash } = session;
  model.dispose();
  return { text, hash };
}

async function has(program) {
  return promisify(execFile)('sh', ['-c', `command -v ${program}`]).then(() => true, () => false);
}

async function tryOne(recipe, shared, root) {
  const { name, page, needs } = recipe;
  const notRun = recipe.notRun ?? (needs && !(await has(needs)) ? `${needs} is not here` : undefined);
  if (notRun) return { name, page, status: `not run: ${notRun}` };
  const folder = join(root, recipe.name);
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const place = new Place(recipe, folder, shared);
  try {
    await recipe.run(place);
    return { name, page, version: await versionOf(recipe), tried: place.tried };
  } catch (error) {
    console.error(`  ${name}: ${error.message}`);
    return { name, page, tried: place.tried, status: `FAILED: ${firstLine(error)}` };
  } finally {
    place.end();
  }
}

const firstLine = ({ message }) => message.split('\n')[0].slice(0, 200);

async function versionOf({ version, packages = [] }) {
  return version ? version() : packages[0]?.replace(/^(?:npm:)?(.+)@(.+)$/, '$1 $2') ?? '';
}

const labelOf = ({ name, page }) => (page ? `[${name}](${page})` : name);

/** The lines of the table: those of these rows, and of others as they were. */
function linesOf(rows, before = '') {
  const old = new Map([...before.matchAll(/^\| (.*?) \|.*$/gm)].map(([line, label]) => [label, line]));
  const now = new Map(rows.map((row) => {
    const { version = '', tried = [], status } = row;
    const label = labelOf(row);
    return [label, `| ${label} | ${version} | ${[...tried, status ?? []].flat().join(', ')} |`];
  }));
  return RECIPES.map((recipe) => now.get(labelOf(recipe)) ?? old.get(labelOf(recipe))).filter(Boolean);
}

const HEAD = ['| Host | Version | Worked |', '| --- | --- | --- |'];
const tableOf = (lines) => [...HEAD, ...lines].join('\n');

// ---- all of it ----------------------------------------------------------------------------------

const wanted = process.argv.slice(2).filter((word) => word !== '--write');
const unknown = wanted.filter((name) => !RECIPES.some((recipe) => recipe.name === name));
if (unknown.length > 0) {
  console.error(`There is no ${unknown.join(', ')}, only ${RECIPES.map(({ name }) => name).join(', ')}.`);
  process.exit(2);
}
const kept = process.env.KVC_HOSTS;
const root = kept ? resolve(kept) : await mkdtemp(join(tmpdir(), 'kvc-hosts-'));
await rm(join(root, 'packed'), { recursive: true, force: true });
await mkdir(join(root, 'packed'), { recursive: true });
const tarball = await pack(join(root, 'packed'));
await promisify(execFile)('tar', ['xf', tarball, '-C', join(root, 'packed')]);
const anyone = { 'access-control-allow-origin': '*' };
const network = await serve(join(root, 'packed', 'package', 'dist'), 0, anyone);
const browser = await Browser.launch();
const shared = {
  tarball, browser, dist: join(ROOT, 'dist'), expected: await expectedRun(),
  cdn: `http://127.0.0.1:${network.address().port}/`,
};
const rows = [];
try {
  for (const recipe of RECIPES) {
    if (wanted.length === 0 || wanted.includes(recipe.name)) rows.push(await tryOne(recipe, shared, root));
  }
} finally {
  await browser.close();
  network.close();
  network.closeAllConnections();
  if (!kept) await rm(root, { recursive: true, force: true });
}
console.log(`\n${tableOf(linesOf(rows))}`);
if (process.argv.includes('--write')) {
  const before = await readFile(TABLE, 'utf8').catch(() => '');
  const date = new Date().toISOString().slice(0, 10);
  const head = `# What was tried

By \`npm run hosts\`. A row is a project made from the page it links to, and each wrote the same
text. For Quarto, Jupyter, mdBook, frames and course systems, pages stand in that set the trap each is known
for. Last run: ${date}, Node ${NODE}.
`;
  await writeFile(TABLE, `${head}\n${tableOf(linesOf(rows, before))}\n`);
}
if (rows.some(({ status }) => status?.startsWith('FAILED'))) process.exitCode = 1;
