// JavaScript outside of browsers: the library from the package, with the model that it brings.
import assert from 'node:assert/strict';

const APP = `
import { loadModel } from 'kvcache-wasm';
import { stories } from 'kvcache-wasm/models/stories';
import 'kvcache-wasm/element';
const model = await loadModel(stories);
const session = model.createSession();
const how = { maxTokens: 12, seed: 7 };
let text = '';
for await (const token of session.generate('Once upon a time', how)) text += token.text;
console.log(JSON.stringify({ text, hash: session.logitsHash }));
`;

const here = `${process.platform}-${process.arch}`; // the binaries: npm may refuse to run installers

/**
 * @param {string} name  @param {string} holder  the package that has the binary  @param {string} version
 * @param {string} path  of the binary in it  @param {string[]} [args]
 */
const runtime = (name, holder, version, path, args = []) => ({
  name, packages: [`${holder}@${version}`], version: () => version,
  async run(place) {
    await place.install();
    await place.write({ 'app.mjs': APP });
    await place.works('the same text, to the last bit', async () => {
      const said = await place.exec(`node_modules/${holder}/${path}`, [...args, 'app.mjs']);
      assert.deepEqual(JSON.parse(said), place.expected);
    });
  },
});

/** Yarn without node_modules: the package lies in an archive, and Node finds it by Yarn's file system. */
const yarn = {
  name: 'yarn-pnp', packages: ['@yarnpkg/cli-dist@4.18.1'],
  async run(place) {
    await place.install();
    await place.write({
      'pnp/package.json': '{ "private": true, "type": "module" }', 'pnp/yarn.lock': '', 'pnp/app.mjs': APP,
      'pnp/.yarnrc.yml': 'nodeLinker: pnp\nenableTelemetry: false\nenableGlobalCache: false\n',
    });
    const yarnJs = 'node_modules/@yarnpkg/cli-dist/bin/yarn.js';
    const run = (...args) => place.exec('node', [yarnJs, '--cwd', 'pnp', ...args]);
    await run('add', `kvcache-wasm@file:${place.tarball}`);
    await place.works('the same text, to the last bit', async () => {
      assert.deepEqual(JSON.parse(await run('node', 'app.mjs')), place.expected);
    });
  },
};

const node = (name, version) => runtime(name, `node-${here}`, version, 'bin/node');

export const runtimes = [
  node('node20', '20.20.2'),
  node('node22', '22.23.3'),
  node('node24', '24.21.0'),
  node('node26', '26.10.0'),
  runtime('bun', `@oven/bun-${here}`, '1.4.5', 'bin/bun'),
  yarn,
  runtime('deno', `@deno/${here}-glibc`, '2.9.6', 'deno', ['run', '--allow-read', '--allow-env']),
];
