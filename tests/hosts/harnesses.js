// Hosts that cannot be had here, by pages that set the trap each of them is known for.
import assert from 'node:assert/strict';
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { runElement } from './browser.js';

const page = (body) => (
  `<!doctype html>\n<html lang="en"><meta charset="utf-8"><title>A host</title>\n${body}\n</html>\n`);

/** What people pasted into Quarto, after require.js, which takes scripts that look like AMD for its own. */
const quarto = {
  name: 'quarto', page: 'quarto.md', packages: ['requirejs@2.3.7'], version: async () => 'require.js 2.3.7',
  async run(place) {
    await place.install();
    await place.writeSnippets();
    await place.write({
      'index.html': page(`<script src="node_modules/requirejs/require.js"></script>
        <script src="${place.cdn}kv-cache-demo.inline.js"></script><kv-cache-demo></kv-cache-demo>
        <script>
          define('other', [], () => 5);
          require(['other'], (five) => { globalThis.other = five; });
        </script>`),
    });
    const url = await place.serve('.');
    await place.works('after require.js', () => place.browser.visit(url, async (opened) => {
      await runElement(opened.mainFrame(), place.expected);
      assert.equal(await opened.evaluate(() => globalThis.other), 5);
    }));
  },
};

/** Notebooks hand the module over as text, so it has no address of its own. */
const jupyter = {
  name: 'jupyter', page: 'jupyter.md', version: async () => 'anywidget',
  async run(place) {
    await place.write({
      'index.html': page(`<div id="cell"></div><script type="module">
        const source = await (await fetch('${place.cdn}kvc-widget.mjs')).text();
        const blob = new Blob([source], { type: 'text/javascript' });
        const module = await import(URL.createObjectURL(blob));
        const traits = { prompt: 'Once upon a time', max_tokens: 400 };
        const model = { get: (name) => traits[name] };
        module.default.render({ model, el: document.getElementById('cell') });
      </script>`),
    });
    const url = await place.serve('.');
    await place.works('from a blob: address', () => place.browser.element(url, place.expected));
  },
};

/** Books turn pages with arrow keys, and look only at what has the focus in the document. */
const mdbook = {
  name: 'mdbook', page: 'mdbook.md', version: async () => 'its key handler',
  async run(place) {
    await place.writeSnippets();
    await place.write({
      'index.html': page(`<main></main><script type="module">
        const text = await (await fetch('src/kv-cache.md')).text();
        document.querySelector('main').append(document.createRange().createContextualFragment(text));
        globalThis.turned = [];
        document.addEventListener('keydown', (event) => {
          if (['INPUT', 'TEXTAREA'].includes(document.activeElement.tagName)) return;
          if (/^(ArrowLeft|ArrowRight|s|\\/)$/.test(event.key)) globalThis.turned.push(event.key);
        });
      </script>`),
    });
    const url = await place.serve('.');
    await place.works('the tag', () => place.browser.element(url, place.expected));
    await place.works('its keys turn no pages', () => place.browser.visit(url, async (opened) => {
      await opened.locator('kv-cache-demo textarea').first().click();
      for (const key of ['s', '/', 'ArrowLeft', 'ArrowRight']) await opened.keyboard.press(key);
      assert.deepEqual(await opened.evaluate(() => globalThis.turned), []);
      await opened.evaluate(() => document.activeElement.blur());
      await opened.keyboard.press('ArrowRight');
      assert.deepEqual(await opened.evaluate(() => globalThis.turned), ['ArrowRight']);
    }));
  },
};

const links = {
  name: 'links', page: 'links.md', version: async () => 'a frame of another site',
  async run(place) {
    await place.writeSnippets();
    const url = `${await place.serve('.')}frame.html`;
    await place.works('embed.html', () => place.browser.element(url, place.expected));
  },
};

/** Course systems put uploaded pages into a sandbox; their servers send no CORS header. */
const lms = {
  name: 'lms', page: 'lms.md', version: async () => 'a sandbox',
  async run(place) {
    await cp(join(place.dist, 'kv-cache-demo.html'), join(place.folder, 'kv-cache-demo.html'));
    const frame = '<iframe src="kv-cache-demo.html" width="900" height="700" sandbox="allow-scripts">';
    await place.write({ 'index.html': page(`${frame}</iframe>`) });
    const url = await place.serve('.');
    await place.works('one file in a sandbox', () => place.browser.element(url, place.expected));
  },
};

export const harnesses = [
  quarto, jupyter, mdbook, links, lms,
  { name: 'wordpress', page: 'wordpress.md', notRun: 'it cannot be had from npm or Debian' },
];
