// The builds of the figure, from one source: node web/build.js, after ./build.sh site, whose dist/ they join.
//
//   kv-cache-demo.js         a module and its lazy chunks; wasm, worker and model lie beside it
//   element-class.js         the same, which leaves it to others to register the element
//   kv-cache-demo.inline.js  one classic script with everything inside
//   kv-cache-demo.html       one page with everything inside
//   embed.html, embed.js     for frames; embed-host.js is for the page around them
//   kvc-widget.mjs           one module with everything inside, for notebooks
//   kvcache-wasm.js          the library for pages without a bundler; wasm lies beside it
//   examples/chat/           a page that chats
//
// SITE_URL, the address that dist/ will have, makes the addresses for link previews absolute: they need that.
import { build, transform } from 'esbuild';
import { createHash } from 'node:crypto';
import { copyFile, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, gzipSync } from 'node:zlib';

const WEB = dirname(fileURLToPath(import.meta.url));
const DIST = join(WEB, '..', 'dist');
const NAME = 'kv-cache-demo';
const ELEMENT = join(WEB, 'demo', `${NAME}.js`);
const MODULES = ['kvc-relaxed.wasm', 'kvc.wasm', 'kvc-scalar.wasm'];
const LAB = 'kvc-lab.wasm';
const MODEL = ['config.json', 'generation_config.json', 'tokenizer.json', 'tokenizer_config.json',
  'model.safetensors'];

/** @import { BuildOptions, Plugin } from 'esbuild' */

/** @param {string} path */
const read = (path) => readFile(path, 'utf8');

/** Style sheets are texts in the scripts: without what only people read. @type {Plugin} */
const styles = {
  name: 'styles',
  setup({ onLoad }) {
    onLoad({ filter: /\.css$/ }, async ({ path }) => {
      const { code } = await transform(await read(path), { loader: 'css', minify: true });
      return { contents: code, loader: 'text' };
    });
  },
};

/** @type {BuildOptions} */
const COMMON = {
  bundle: true, minify: true, target: 'es2022', external: ['node:*'],
  legalComments: 'eof', logLevel: 'warning',
  banner: { js: '/*! kvcache-wasm, MIT; licences of what is inside: THIRD_PARTY_LICENSES.txt */' },
};

/**
 * Swaps the only files that know what lies where.
 * @param {(source: string, file: string) => string} swap  file: engine, worker or of models
 * @returns {Plugin}
 */
const swapped = (swap) => ({
  name: 'assets',
  setup({ onLoad }) {
    const filter = /[\\/]((engine|worker)[\\/]assets|models[\\/](stories|tales|sounds))\.js$/;
    onLoad({ filter }, async ({ path }) => (
      { contents: swap(await read(path), relative(WEB, path).replaceAll('\\', '/')) }));
  },
});

// ---- with files beside it -------------------------------------------------------------------------

/** The bytes of each model's files and of the lab's module: a server that compresses them does not tell. */
async function writeSizes() {
  const folder = join(DIST, 'models');
  const entries = await readdir(folder, { withFileTypes: true });
  const sizes = entries.filter((entry) => entry.isDirectory()).map(async ({ name }) => {
    const files = (await readdir(join(folder, name))).filter((file) => MODEL.includes(file));
    const sizeOf = async (/** @type {string} */ file) => [file, (await stat(join(folder, name, file))).size];
    return [name, Object.fromEntries(await Promise.all(files.map(sizeOf)))];
  });
  const engine = { [LAB]: (await stat(join(WEB, 'engine', LAB))).size };
  const all = { ...Object.fromEntries(await Promise.all(sizes)), engine };
  await writeFile(join(folder, 'sizes.json'), JSON.stringify(all));
}

/**
 * Browsers have no disk, and bundlers that take these scripts up would look for its modules.
 * @param {string} source
 */
const withoutDisk = (source) => (
  source.replace(/import\(.*`node:.*`\)/, "Promise.reject(new Error('There is no disk here.'))"));

/** All scripts but the worker lie in dist/ itself, and not one folder deep like those of the page. */
async function buildModules() {
  const old = (await readdir(DIST)).filter((file) => file.startsWith(`${NAME}-`));
  await Promise.all(old.map((file) => rm(join(DIST, file))));
  /** @type {BuildOptions} */
  const beside = {
    ...COMMON, format: 'esm', splitting: true, sourcemap: true, outdir: DIST,
    entryNames: '[name]', chunkNames: `${NAME}-[name]-[hash]`,
    plugins: [styles, swapped((source) => withoutDisk(source).replaceAll("'../", "'./"))],
  };
  const frame = { embed: join(WEB, 'embed', 'embed.js'), 'embed-host': join(WEB, 'embed', 'embed-host.js') };
  await build({ ...beside, entryPoints: { [NAME]: ELEMENT, ...frame } });
  // Apart, or the script above would share a chunk with it, one more to wait for. The others are the same, as
  // long as there are as many entries: their number decides in which order a chunk imports others.
  await build({ ...beside, entryPoints: { 'element-class': join(WEB, 'demo', 'element.js'), ...frame } });
  await build({ ...beside, splitting: false, entryPoints: { 'kvcache-wasm': join(WEB, 'index.js') } });
  const worker = { entryPoints: [join(WEB, 'worker', 'worker.js')], outdir: join(DIST, 'worker') };
  await rm(worker.outdir, { recursive: true, force: true });
  await build({ ...COMMON, ...worker, format: 'esm', splitting: true, chunkNames: 'worker-[name]-[hash]',
    sourcemap: true, plugins: [swapped(withoutDisk)] });
}

/** The example that chats, a worker's page; its scripts lie two folders deep. */
async function buildChat() {
  const folder = join(DIST, 'examples', 'chat');
  await Promise.all((await readdir(folder)).filter((file) => file.endsWith('.js'))
    .map((file) => rm(join(folder, file)))); // the sources
  await build({
    ...COMMON, format: 'esm', splitting: true, outdir: folder, chunkNames: 'chat-[name]-[hash]',
    entryPoints: [join(WEB, 'examples', 'chat', 'chat.js')],
    plugins: [swapped((source) => withoutDisk(source).replaceAll("'../", "'../../"))],
  });
}

// ---- with everything inside -----------------------------------------------------------------------

/** As a load takes it (worker/messages.js). @param {string} folder  @param {string[]} names */
async function packed(folder, names) {
  const pack = async (/** @type {string} */ name) => (
    [name, { gzip: gzipSync(await readFile(join(folder, name)), { level: 9 }).toString('base64') }]);
  return Object.fromEntries(await Promise.all(names.map(pack)));
}

/** Throws where a build has everything inside, and something asks for a file. */
const ABSENT = "const absent = () => { throw new Error('This build has no file beside it.'); };";

/** @param {string} inside  of a page, as source; '' in what is inside itself */
const pageAssets = (inside) => `${ABSENT} ${inside && "import { engine } from './engine-inside.js';"}
  export const assets = {
    worker: absent, workerUrl: absent, modelSizes: absent, lab: absent, labBugs: absent, ${inside}
  };`;

/**
 * The sources of these files without a single address.
 * @param {string} source  @param {string} file  @param {string} [inside]
 */
function assetsWith(source, file, inside = '') {
  if (file.startsWith('models/')) return source; // nobody asks it
  return file === 'worker/assets.js' ? pageAssets(inside) : `${ABSENT}
    export const assets = { relaxed: absent, simd: absent, scalar: absent, node: async () => absent() };`;
}

/** Models for views of their own are in none of them, and so neither is what they are for. @type {Plugin} */
const withoutOthers = {
  name: 'others',
  setup({ onLoad, onResolve }) {
    const absent = "() => { throw new Error('This build has no such model.'); };";
    const contents = ['trace', 'window', 'losses'].map((name) => `export const ${name} = ${absent}`).join('');
    onLoad({ filter: /[\\/]requests[\\/](trace|window)\.js$/ }, () => ({ contents }));
    onResolve({ filter: /^\.\/(sounds|window)\.js$/ }, ({ path, importer, resolveDir }) => (
      importer.endsWith('index.js') ? { path: join(resolveDir, path.replace('.js', '-absent.js')) }
        : undefined));
  },
};

/** Nobody chats in a figure: the interpreter of chat templates is left out. @type {Plugin} */
const withoutChat = {
  name: 'chat',
  setup({ onLoad }) {
    const contents = "throw new Error('This build has no chat templates.');";
    onLoad({ filter: /[\\/]@huggingface[\\/]jinja[\\/]/ }, () => ({ contents }));
  },
};

/**
 * @param {string} entry  @param {'iife' | 'esm'} format  @param {Plugin[]} plugins
 * @param {BuildOptions} [others]
 */
async function bundled(entry, format, plugins, others) {
  const { outputFiles } = await build({
    ...COMMON, ...others, format, write: false, entryPoints: [entry],
    plugins: [...plugins, withoutChat, withoutOthers],
    logOverride: { 'empty-import-meta': 'silent' }, // it is asked only where there is no location either
  });
  return outputFiles[0].text;
}

/** Bugs that the lab shows. @param {{ scenario?: string }} bug */
const offered = ({ scenario }) => scenario !== undefined;

/**
 * The engine is there once, as a function: a page whose policy allows no worker calls it, and its text is the
 * worker's source.
 * @returns {Promise<Plugin[]>}
 */
async function everything() {
  const folder = join(WEB, 'worker');
  const alone = swapped((own, file) => assetsWith(own, file));
  const engine = await bundled(join(folder, 'desk.js'), 'iife', [alone], { globalName: 'desk', banner: {} });
  const inside = {
    url: 'inside:stories/',
    modules: await packed(join(WEB, 'engine'), MODULES),
    lab: (await packed(join(WEB, 'engine'), [LAB]))[LAB],
    bugs: JSON.parse(await read(join(WEB, 'engine', 'kvc-lab.json'))).filter(offered),
    model: await packed(join(WEB, 'models', 'stories'), MODEL),
  };
  const source = `inside: { ...${JSON.stringify(inside)}, get worker() {
    return '"use strict";const{Desk}=(' + engine + ')();new Desk(self,{worker:true});';
  } }`;
  const contents = `export const engine = () => { ${engine}
    return desk; };`;
  return [swapped((own, file) => assetsWith(own, file, source)), {
    name: 'engine',
    setup({ onLoad, onResolve }) {
      onResolve({ filter: /\/engine-inside\.js$/ }, () => ({ path: join(folder, 'engine-inside.js') }));
      onLoad({ filter: /[\\/]worker[\\/]engine-inside\.js$/ }, () => ({ contents }));
      onLoad({ filter: /[\\/]worker[\\/]desk\.js$/ }, () => ({
        contents: "import { engine } from './engine-inside.js'; export const { Desk } = engine();",
        resolveDir: folder,
      }));
    },
  }];
}

// ---- pages ----------------------------------------------------------------------------------------

/** What a policy calls the text of a script or style element. @param {string} text */
const hashOf = (text) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;

/**
 * A page from its template: {{name}} becomes what is given under that name.
 * @param {string} folder  of web/  @param {string} file  @param {Record<string, string>} values
 */
async function writePage(folder, file, values) {
  const template = await read(join(WEB, folder, file));
  const style = /<style>(.*?)<\/style>/s.exec(template)?.[1] ?? '';
  /** @type {Record<string, string>} */
  const all = { styleHash: hashOf(style), ...values };
  const filled = template.replace(/\{\{(\w+)\}\}/g, (_, name) => all[name]);
  await writeFile(join(DIST, file), filled);
}

/** @param {string} inline  the script with everything inside */
async function writePages(inline) {
  const frame = await bundled(join(WEB, 'embed', 'embed.js'), 'iife', [swapped((source) => source)]);
  const hashes = { inlineHash: hashOf(inline), frameHash: hashOf(frame) };
  await writePage('embed', `${NAME}.html`, { inline, frame, ...hashes });
  const site = process.env.SITE_URL ?? '';
  await writePage('page', 'index.html', { site });
  await writePage('embed', 'embed.html', { site });
  await writePage('embed', 'oembed.json', { site });
}

// ---- all of it ------------------------------------------------------------------------------------

await writeSizes();
await buildModules();
await buildChat();
const inside = await everything();
const inline = await bundled(ELEMENT, 'iife', inside);
await writeFile(join(DIST, `${NAME}.inline.js`), inline);
const widget = await bundled(join(WEB, 'embed', 'kvc-widget.js'), 'esm', inside);
await writeFile(join(DIST, 'kvc-widget.mjs'), widget);
await writePages(inline);
await copyFile(join(WEB, 'THIRD_PARTY_LICENSES.txt'), join(DIST, 'THIRD_PARTY_LICENSES.txt'));
await copyFile(join(WEB, '..', 'LICENSE'), join(DIST, 'LICENSE.txt'));
await tellSizes();

async function tellSizes() {
  const files = (await readdir(DIST)).filter((file) => /^(kv|embed).*\.(m?js|html)$/.test(file));
  for (const file of files) {
    const bytes = await readFile(join(DIST, file));
    const kb = (/** @type {number} */ count) => `${(count / 1000).toFixed(1).padStart(8)} KB`;
    const large = bytes.length > 1e6; // slow to compress, and never before a click
    console.log(`${kb(bytes.length)}${large ? '' : kb(brotliCompressSync(bytes).length)}  ${file}`);
  }
}
