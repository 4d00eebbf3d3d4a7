// What articles, courses and slides are written with, from the snippets of the docs.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';

const newerNode = `node-${process.platform}-${process.arch}@24.21.0`; // Astro 7 asks for 22.12

/**
 * A generator of sites: the page's snippets, a build, a folder to serve.
 * @param {string} name  @param {string[]} packages  @param {string[]} build  @param {string} folder
 * @param {Record<string, string>} [more]  files that every project of the kind has anyway
 */
const generator = (name, packages, build, folder, more = {}) => ({
  name, packages, page: `${name}.md`,
  async run(place) {
    await place.install({ type: undefined }); // as their own templates
    await place.write(more);
    await place.writeSnippets();
    const [command, ...args] = build;
    await place.exec(command, args, { ASTRO_TELEMETRY_DISABLED: '1' });
    const url = await place.serve(folder);
    await place.works('production', () => place.browser.element(url, place.expected));
  },
});

/** The version that a program of Debian tells of itself. */
const told = (command, args) => async () => {
  const { stdout } = await promisify(execFile)(command, args);
  return `${command} ${stdout.match(/\d+\.\d+[\d.]*/)?.[0]}`;
};

const HUGO_LAYOUT = `<!doctype html>
<html lang="en"><title>{{ .Title }}</title><main>{{ .Content }}</main></html>
`;

const STARLIGHT_CONTENT = `import { defineCollection } from 'astro:content';
import { docsLoader } from '@astrojs/starlight/loaders';
import { docsSchema } from '@astrojs/starlight/schema';
export const collections = { docs: defineCollection({ loader: docsLoader(), schema: docsSchema() }) };
`;

export const sites = [
  {
    name: 'html', page: 'html.md', version: async () => '',
    async run(place) {
      await place.writeSnippets();
      const url = await place.serve('.');
      await place.works('scripts from another site', () => place.browser.element(url, place.expected));
    },
  },
  generator('docusaurus', ['@docusaurus/core@3.10.2', '@docusaurus/preset-classic@3.10.2', 'react@19.3.1',
    'react-dom@19.3.1'], ['docusaurus', 'build'], 'build'),
  generator('vitepress', ['vitepress@1.6.4'], ['vitepress', 'build'], '.vitepress/dist'),
  generator('starlight', ['@astrojs/starlight@0.42.4', 'astro@7.3.5', newerNode], ['astro', 'build'], 'dist',
    { 'src/content.config.ts': STARLIGHT_CONTENT }),
  {
    name: 'hugo', page: 'hugo.md', needs: 'hugo', version: told('hugo', ['version']),
    async run(place) {
      await place.write({
        'config.toml': 'baseURL = "http://localhost/"\ntitle = "A site"\n',
        'layouts/_default/single.html': HUGO_LAYOUT, 'layouts/index.html': HUGO_LAYOUT,
      });
      await place.writeSnippets();
      await place.exec('hugo', []);
      const url = `${await place.serve('public')}kv-cache/`;
      await place.works('production', () => place.browser.element(url, place.expected));
    },
  },
  {
    name: 'mkdocs', page: 'mkdocs.md', needs: 'mkdocs', version: told('mkdocs', ['--version']),
    async run(place) {
      await place.write({ 'mkdocs.yml': 'site_name: A site\ntheme:\n  name: material\n' });
      await place.writeSnippets();
      await place.exec('mkdocs', ['build']);
      const url = await place.serve('site');
      await place.works('production, with Material', () => place.browser.element(url, place.expected));
      await place.works('its keys stay inside', () => place.browser.visit(url, async (page) => {
        await page.locator('kv-cache-demo textarea').first().click();
        await page.keyboard.type('s fp,n./');
        const search = await page.$eval('#__search', (box) => box.checked);
        assert.equal(search, false, 'the search has opened');
      }));
    },
  },
  {
    name: 'reveal', page: 'reveal.md', packages: ['reveal.js@6.0.2'],
    async run(place) {
      await place.install();
      await place.writeSnippets();
      const url = await place.serve('.');
      await place.works('a slide', () => place.browser.element(`${url}#/1`, place.expected));
      await place.works('its keys stay inside, the others turn slides', () => place.browser.visit(`${url}#/1`,
        async (page) => {
          const at = () => page.evaluate(() => globalThis.deck.getIndices().h);
          await page.locator('kv-cache-demo textarea').first().click();
          await page.keyboard.type('n fans, hops. b');
          assert.equal(await at(), 1);
          await page.evaluate(() => document.activeElement.blur());
          await page.keyboard.press('ArrowLeft');
          await page.waitForFunction(() => globalThis.deck.getIndices().h === 0);
        }));
    },
  },
  {
    name: 'pandoc', page: 'quarto.md', needs: 'pandoc', version: told('pandoc', ['--version']),
    async run(place) {
      await cp(join(place.dist, 'kv-cache-demo.inline.js'), join(place.folder, 'kv-cache-demo.inline.js'));
      await place.writeSnippets();
      await place.exec('sh', ['build.sh']);
      const url = pathToFileURL(join(place.folder, 'article.html')).href;
      await place.works('one file, from the disk, without a network', () => (
        place.browser.element(url, place.expected, { offline: true })));
    },
  },
];
