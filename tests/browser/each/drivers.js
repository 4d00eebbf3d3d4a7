// The three engines do the same for the same words of engines.js, and leave nothing behind.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { descendants } from '../engines/processes.js';
import { engines } from '../engines.js';

const PNG = /^\x89PNG\r\n/;

const seen = (page) => page.evaluate(() => globalThis.seen.splice(0));

/** @type {import('../each.js').Prepare} */
export async function drivers(site) {
  const address = `${site.url}driven.html`;
  await writeFile(
    join(site.folder, 'driven.html'),
    `<!doctype html>
    <html lang="en"><head><meta charset="utf-8"><title>Driven</title><link rel="icon" href="data:,">
    <meta http-equiv="Content-Security-Policy"
      content="default-src 'none'; script-src 'self'; connect-src 'self'; img-src data:">
    <script src="driven.js"></script></head>
    <body><button id="ready">Ready</button> <button id="off" disabled>Off</button> <input id="field">
    <select id="choice"><option value="a" selected>A</option><option value="b">B</option></select>
    <div id="host"></div><p id="far">Far below</p></body></html>`,
  );
  await writeFile(
    join(site.folder, 'driven.js'),
    `
    document.title = globalThis.early;
    globalThis.seen = [];
    for (const type of ['click', 'keydown', 'input', 'change']) {
      addEventListener(type, (event) => {
        seen.push([type, event.composedPath()[0].id, event.key ?? '', event.isTrusted]);
      });
    }
    addEventListener('DOMContentLoaded', () => {
      const root = document.querySelector('#host').attachShadow({ mode: 'open' });
      root.innerHTML = '<button id="inside">Inside</button>';
      document.querySelector('#far').innerHTML = '<br>'.repeat(300) + '<button id="below">Below</button>';
    });`,
  );

  await writeFile(
    join(site.folder, 'open.html'),
    '<!doctype html><title>Open</title><link rel="icon" href="data:,">',
  );
  return ({ name, test, openPage }) => {
    test("a script before the page's own; size, palette and language as asked for", async (t) => {
      const asked = {
        width: 700,
        height: 500,
        dark: true,
        locale: 'de-DE',
        init: () => {
          globalThis.early = document.readyState;
        },
      };
      const facts = () => [
        document.title,
        innerWidth,
        innerHeight,
        matchMedia('(prefers-color-scheme: dark)').matches,
        navigator.language,
        document.querySelectorAll('script').length,
      ];
      const page = await openPage(t, address, asked);
      assert.deepEqual(await page.evaluate(facts), ['loading', 700, 500, true, 'de-DE', 1]);
      const other = await openPage(t, address);
      assert.deepEqual(await other.evaluate(facts), ['undefined', 1280, 800, false, 'en-US', 1]);
    });

    test('what is asked of a page', async (t) => {
      const page = await openPage(t, address);
      await t.test('a picture of the page', async () => {
        const path = join(site.folder, `${name}.png`);
        await page.screenshot(path);
        assert.match(await readFile(path, 'latin1'), PNG);
        await rm(path);
      });

      await t.test('clicks and keys are real, below the fold and inside a shadow root too', async () => {
        for (const id of ['ready', 'below', 'inside']) await page.click(`#${id}`);
        assert.deepEqual(
          await seen(page),
          ['ready', 'below', 'inside'].map((id) => ['click', id, '', true]),
        );
        await page.click('#field');
        for (const key of ['a', ' ', 'Escape', 'Tab']) await page.press(key);
        assert.deepEqual(
          (await seen(page)).filter(([type]) => type === 'keydown'),
          ['a', ' ', 'Escape', 'Tab'].map((key) => ['keydown', 'field', key, true]),
        );
        await page.fill('#field', 'Grüße "\n');
        await page.fill('#choice', 'b');
        assert.deepEqual(await page.evaluate(() => [find('#field').value, find('#choice').value]), [
          'Grüße "',
          'b',
        ]);
        assert.deepEqual(
          (await seen(page)).map(([type, id]) => [type, id]),
          ['field', 'choice'].flatMap((id) => [
            ['input', id],
            ['change', id],
          ]),
        );
        assert.ok(await page.isVisible('#inside'));
        assert.equal(await page.text('#inside'), 'Inside');
        assert.equal(await page.attribute('#field', 'id'), 'field');
      });

      await t.test('values travel as JSON, errors reach the test, and waiting ends', async () => {
        const values = [1, 'ä"\u2028', null, { a: [true] }];
        assert.deepEqual(await page.evaluate(async (...given) => given, ...values), values);
        assert.equal(await page.evaluate(() => {}), undefined);
        await assert.rejects(
          page.evaluate(async () => {
            throw new TypeError('in the page');
          }),
          /in the page/,
        );
        await assert.rejects(page.text('#nowhere'), /there is no #nowhere/);
        await assert.rejects(
          page.waitFor((n) => n > 5, [3], 100),
          /waited 100 ms in vain .*n > 5.* \[3\]/,
        );
        assert.equal(
          await page.waitFor(() => (globalThis.calls = (globalThis.calls ?? 0) + 1) > 2 && 'enough'),
          'enough',
        );
      });

      await t.test('a click that is lost or misses is repeated; what cannot be clicked is said', async () => {
        await page.evaluate(() => {
          const lose = (event) => event.stopImmediatePropagation();
          addEventListener('click', lose, { capture: true, once: true });
        });
        await page.click('#ready', 1000);
        assert.deepEqual((await seen(page)).map(([, id]) => id), ['ready']);
        await page.evaluate(() => {
          const move = () => find('#ready').style.setProperty('margin-left', '300px');
          addEventListener('pointerdown', move, { once: true }); // nobody clicks what is no longer there
        });
        await page.click('#ready', 1000);
        assert.equal((await seen(page)).at(-1)[1], 'ready');
        await page.evaluate(() => {
          setTimeout(() => {
            find('#off').disabled = false;
          }, 100);
        });
        await page.click('#off');
        assert.deepEqual(
          (await seen(page)).map(([, id]) => id),
          ['off'],
          'waits until it is enabled',
        );
        await page.evaluate(() => {
          find('#off').disabled = true;
        });
        await assert.rejects(page.click('#off', 100), /#off cannot be clicked/);
        await page.evaluate(() => {
          const cover = document.body.appendChild(document.createElement('div'));
          Object.assign(cover.style, { position: 'fixed', inset: '0' });
        });
        await assert.rejects(page.click('#ready', 100), /#ready cannot be clicked/);
      });
    });

    test('whatever a page complains of is kept', async (t) => {
      const page = await openPage(t, address, { expected: /./ });
      assert.deepEqual(await page.complaints(), []);
      await page.evaluate(async () => {
        console.log('not this');
        console.warn('a warning', 1);
        console.error('an error');
        setTimeout(() => {
          throw new Error('thrown');
        });
        Promise.reject(new Error('rejected'));
        await fetch(location.href.replace('127.0.0.1', 'localhost')).catch(() => {});
        await new Promise((resolve) => setTimeout(resolve, 100));
      });
      const all = (await page.complaints()).join('\n');
      for (const wanted of [
        /^console: a warning 1$/m,
        /^console: an error$/m,
        /^uncaught: .*thrown/m,
        /^uncaught: .*rejected/m,
        /^csp: connect-src /m,
      ]) {
        assert.match(all, wanted);
      }
      assert.doesNotMatch(all, /not this/);
    });

    test('a request to another site is a complaint', async (t) => {
      const page = await openPage(t, `${site.url}open.html`, { expected: /./ });
      const elsewhere = site.url.replace('127.0.0.1', 'localhost');
      await page.evaluate(
        async (...urls) => {
          for (const url of urls) await fetch(url).catch(() => {});
        },
        address,
        elsewhere,
      );
      const requests = (await page.complaints()).filter((words) => words.startsWith('request: '));
      assert.deepEqual(requests, [`request: ${elsewhere}`]);
    });

    test('pages share no storage', async (t) => {
      const pages = [await openPage(t, address), await openPage(t, address)];
      const value = (page) => page.evaluate(() => localStorage.getItem('key'));
      await pages[0].evaluate(() => localStorage.setItem('key', 'mine'));
      assert.deepEqual([await value(pages[0]), await value(pages[1])], ['mine', null]);
    });

    test(
      'killed in the middle, the tests leave no process behind',
      { skip: descendants() ? false : 'no /proc here' },
      async (t) => {
        const temporary = await mkdtemp(join(tmpdir(), 'kvc-killed-')); // nobody will remove its files
        t.after(() => rm(temporary, { recursive: true, maxRetries: 5 }));
        const child = spawn(
          process.execPath,
          [
            '--input-type=module',
            '--eval',
            `
        import { engines } from './tests/browser/engines.js';
        const browser = await engines().find(({ name }) => name === '${name}').launch();
        await (await browser.newPage()).goto('${address}');
        console.log('there');`,
          ],
          { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, TMPDIR: temporary } },
        );
        await once(child.stdout, 'data');
        const left = () => new Set([...descendants(1), ...descendants()].map(({ pid }) => pid));
        const started = descendants(child.pid).map(({ pid }) => pid);
        assert.ok(started.length > 2);
        child.kill('SIGKILL');
        for (const end = Date.now() + 10_000; started.some((pid) => left().has(pid)); await sleep(50)) {
          assert.ok(Date.now() < end, `${started.filter((pid) => left().has(pid))} are still there`);
        }
      },
    );
  };
}

/** Once the engine is closed. */
export function afterwards() {
  test(
    'a browser that was closed leaves no process behind',
    { skip: descendants() ? false : 'no /proc here' },
    () => {
      assert.deepEqual(descendants(), []);
    },
  );

  test('an engine that is left out or not installed says so', () => {
    const names = ({ name, available, reason }) => [name, available, reason];
    assert.deepEqual(engines(['chromium']).map(names).slice(1), [
      ['firefox', false, 'firefox is not in $ENGINES'],
      ['webkit', false, 'webkit is not in $ENGINES'],
    ]);
    const { PATH } = process.env;
    process.env.PATH = '/nowhere';
    try {
      assert.deepEqual(engines(['firefox', 'webkit']).map(names).slice(1), [
        ['firefox', false, 'firefox cannot run here: firefox not found'],
        ['webkit', false, 'webkit cannot run here: WebKitWebDriver and MiniBrowser and Xvfb not found'],
      ]);
    } finally {
      process.env.PATH = PATH;
    }
  });
}
