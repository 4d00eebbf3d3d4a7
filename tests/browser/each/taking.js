// A figure as a file: alone, with its colours and its caption, under a strict policy.
import assert from 'node:assert/strict';
import { part } from '../selectors.js';
import { SCRIPT, addArticle } from '../tag-page.js';

const [BLUE, VERMILLION, INK] = [[0, 114, 178], [213, 94, 0], [28, 27, 25]]; // cache on, off, and words

/** What is saved, and under which name, instead of being saved. */
const catchFiles = () => {
  globalThis.files = [];
  URL.createObjectURL = (blob) => {
    files.push({ blob });
    return '#';
  };
  HTMLAnchorElement.prototype.click = function () {
    files.at(-1).name = this.download;
  };
};

/** The recorded run stands there, and is not replayed: files of its beginning have other names. */
const still = () => {
  const ask = matchMedia.bind(globalThis);
  globalThis.matchMedia = (query) => (
    query === '(prefers-reduced-motion: reduce)' ? { matches: true } : ask(query));
};

/** Presses a button of a view's frame, and waits for the file that comes of it. */
async function take(page, name, kind) {
  const before = await page.evaluate((view, button) => {
    const count = files.length;
    findAll(`[data-view="${view}"] ${button}`)[0].click();
    return count;
  }, name, part(`save-${kind}`));
  return page.waitFor((at) => files[at]?.name, [before]);
}

/** The newest file as a document. */
const svg = (page) => page.evaluate(async () => {
  const text = await files.at(-1).blob.text();
  const root = new DOMParser().parseFromString(text, 'image/svg+xml').documentElement;
  const said = [...root.children].at(-1).querySelectorAll('text');
  return {
    text, root: root.localName, said: [...said].map(({ textContent }) => textContent).join(' '),
    size: ['width', 'height'].map((name) => Number(root.getAttribute(name))),
    low: Math.max(...[...said].map((line) => Number(line.getAttribute('y')))),
  };
});

/** Size of the newest file as an image, and how much of it has a colour. */
const png = (page, color) => page.evaluate(async (wanted) => {
  const { blob } = files.at(-1);
  const image = await createImageBitmap(blob);
  const { width, height } = image;
  const canvas = Object.assign(document.createElement('canvas'), { width, height });
  const pen = canvas.getContext('2d');
  pen.drawImage(image, 0, 0);
  const { data } = pen.getImageData(0, 0, width, height);
  let found = 0;
  for (let i = 0; i < data.length; i += 4) found += wanted.every((value, j) => data[i + j] === value);
  return { type: blob.type, size: [width, height], share: found / (data.length / 4) };
}, color);

/** @type {import('../each.js').Prepare} */
export async function taking(site) {
  const query = await addArticle(site, {
    body: `${SCRIPT}<kv-cache-demo views="chart table work text calculator" loading="eager"></kv-cache-demo>`,
    head: '<meta name="color-scheme" content="light">',
  });
  return ({ test, openPage }) => {
    test('SVG and PNG stand alone, with caption and colours', async (t) => {
      const page = await openPage(t, site.url + query, { init: [catchFiles, still] });
      for (const [view, name, caption, color, least] of [
        ['table', /^kv-cache-chart-o(n|ff)-[0-9]+-recorded$/,
          /^Tokens per second (With|At) .* Counted: .* Model stories, recorded \d/, VERMILLION, 0.0002],
        ['work', /^kv-cache-work-o(n|ff)-[0-9]+-recorded$/,
          /^Work, step by step Step .* cells; .* Model stories, recorded \d/, VERMILLION, 0.01],
        ['text', /^kv-cache-text-o(n|ff)-[0-9]+-recorded$/,
          /^The text is the cache Step .* K and V .* cache .* Model stories, recorded \d/, INK, 0.002],
        ['calculator', /^kv-cache-calculator$/, /^How large .* Llama 3\.1 8B: 2 .* bytes .* kvcache-wasm/,
          BLUE, 0.001],
      ]) {
        await page.waitFor((own, chart) => { // something is shown, also of the recorded run
          findAll(`${own} > *`)[0]?.scrollIntoView(); // else it is not fetched
          return findAll(`${own} [part="save-svg"]`).length > 0 && !/A run/.test(findAll(own)[0].textContent)
            && /[0-9] tokens\/s/.test(findAll(chart)[0].getAttribute('aria-label'));
        }, [`[data-view="${view}"]`, part('chart')]);
        assert.match(await take(page, view, 'svg'), new RegExp(`${name.source.slice(0, -1)}\\.svg$`));
        const { text, root, said, size, low } = await svg(page);
        assert.equal(root, 'svg');
        const foreign = /var\(| class=| style=|url\(|href=|foreignObject|currentcolor/i.exec(text);
        assert.equal(foreign?.[0], undefined);
        assert.match(said, caption);
        assert.match(said, /CC BY 4\.0\.$/);
        assert.ok(low < size[1], 'all lines are within');
        assert.match(await take(page, view, 'png'), new RegExp(`${name.source.slice(0, -1)}\\.png$`));
        const image = await png(page, color);
        assert.equal(image.type, 'image/png');
        assert.ok(Math.abs(image.size[0] - 2 * size[0]) < 1);
        assert.ok(image.size[1] >= 2 * 300 && image.size[1] % 2 === 0, `${image.size[1]} px high`);
        assert.ok(image.share > least, `${view}: ${image.share} of it has the colour`);
      }
      assert.deepEqual(await page.evaluate(() => {
        const seen = findAll('.sample').filter((sample) => sample.checkVisibility());
        return seen.map((sample) => {
          const { textDecorationLine: line, textDecorationStyle: style } = getComputedStyle(sample);
          return `${line} ${style}`;
        });
      }), ['none solid', 'underline solid', 'underline double', 'underline dashed'], 'by more than colour');
    });
  };
}
