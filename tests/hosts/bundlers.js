// Bundlers and frameworks, for development and for production: one small app with the library, its worker
// and the element. What a bundler needs besides stands in web/docs/embedding/bundlers.md, and is taken from
// there.
const MAIN = `
import { loadModel } from 'kvcache-wasm';
import { stories } from 'kvcache-wasm/models/stories';
import 'kvcache-wasm/element';

async function run() {
  const model = await loadModel(stories);
  const session = model.createSession();
  const how = { maxTokens: 12, seed: 7 };
  let text = '';
  for await (const token of session.generate('Once upon a time', how)) text += token.text;
  return { text, hash: session.logitsHash };
}
const say = (result) => { globalThis.result = result; };
run().then(say, ({ message }) => say({ message }));
`;

const page = (script) => `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>App</title></head>
<body><kv-cache-demo></kv-cache-demo><script type="module" src="${script}"></script></body>
</html>
`;

async function check(place, what, url) {
  await place.works(what, async () => {
    await place.browser.library(url, place.expected);
    await place.browser.element(url, place.expected);
  });
}

/** A project with the app in it. */
async function begin(place, { script = './main.js', changes = {} } = {}) {
  await place.install(changes);
  await place.write({ 'main.js': MAIN, 'index.html': page(script) });
}

const vite = (name, version, config) => ({
  name, page: 'bundlers.md', packages: [`vite@${version}`],
  async run(place) {
    await begin(place);
    if (config) await place.writeSnippets();
    const { url, end } = await place.start('vite', ['--port', 'PORT', '--strictPort']);
    await check(place, 'development', url);
    end();
    await place.exec('vite', ['build', '--base', './', '--outDir', 'out']);
    await check(place, 'production', await place.serve('out'));
  },
});

/** Bundlers that write scripts and leave the page to others. */
const scripts = (name, packages, { production, development, folder = 'out', copy = false }) => ({
  name, page: 'bundlers.md', packages,
  async run(place) {
    await begin(place);
    await place.writeSnippets();
    const kinds = Object.entries({ development, production }).filter(([, command]) => command);
    for (const [kind, [command, ...args]] of kinds) {
      await place.exec('rm', ['-rf', 'out']);
      await place.exec(command, args);
      if (copy) await place.exec('sh', ['copy.sh']);
      await place.write({ 'out/index.html': page(folder === 'out' ? './main.js' : './js/main.js') });
      await check(place, kind, await place.serve('out'));
    }
  },
});

const webpack = (mode) => ['webpack', '--entry', './main.js', '--mode', mode, '-o', 'out'];
const esbuild = ['esbuild', 'main.js', '--bundle', '--format=esm', '--splitting', '--outdir=out/js'];

export const bundlers = [
  vite('vite', '8.3.8', false),
  vite('vite7', '7.3.8', true),
  scripts('webpack', ['webpack@5.112.2', 'webpack-cli@7.3.1'], {
    development: webpack('development'), production: webpack('production'),
  }),
  scripts('rollup', ['rollup@4.68.8', '@rollup/plugin-node-resolve@16.0.3'], {
    production: ['rollup', 'main.js', '-p', 'node-resolve={browser:true}', '-d', 'out/js'],
    folder: 'js', copy: true,
  }),
  scripts('esbuild', ['esbuild@0.28.2'], {
    development: esbuild, production: [...esbuild, '--minify'], folder: 'js', copy: true,
  }),
  {
    name: 'parcel', page: 'bundlers.md', packages: ['parcel@2.16.4'],
    async run(place) {
      await begin(place, { changes: { '@parcel/resolver-default': { packageExports: true } } });
      await place.writeSnippets();
      const { url, end } = await place.start('parcel',
        ['serve', 'index.html', '--port', 'PORT', '--dist-dir', 'dev']);
      await check(place, 'development', url);
      end();
      await place.exec('parcel',
        ['build', 'index.html', '--dist-dir', 'out', '--public-url', './', '--no-cache']);
      await check(place, 'production', await place.serve('out'));
    },
  },
  {
    name: 'next', page: 'next.md', packages: ['next@16.4.6', 'react@19.3.1', 'react-dom@19.3.1'],
    async run(place) {
      await place.install();
      await place.write({
        'app/layout.js': 'export default ({ children }) => <html lang="en"><body>{children}</body></html>;\n',
        'app/main.js': MAIN,
      });
      await place.writeSnippets();
      const { url, end } = await place.start('next', ['dev', '-p', 'PORT']);
      await place.works('development', () => place.browser.element(url, place.expected));
      end();
      await place.exec('next', ['build'], { NEXT_TELEMETRY_DISABLED: '1' });
      const { url: built } = await place.start('next', ['start', '-p', 'PORT']);
      await place.works('production', () => place.browser.element(built, place.expected));
    },
  },
];
