// The built page in every browser engine: whatever depends on how an engine runs workers, modules and
// WebAssembly.
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { PROMPT, SEED, TOKENS, written as expected } from '../expected.js';
import { drawn } from '../engines/page.js';
import { descendants, privateBytes } from '../engines/processes.js';
import { part } from '../selectors.js';
import { addModel } from '../site.js';

const ENDS = ['finished', 'stopped', 'full', 'failed'];
const STOP_MS = 2000;
const RUNS = 8;
const MOST_GROWTH = 20e6; // bytes in so many; a session of the shipped model has 3 MB, the model itself 10

// ---- what the tests do with a page ------------------------------------------------------------

/** Waits for one of these states and returns it. */
const reached = (page, ...wanted) => page.waitFor((figure, states) => {
  const state = findAll(figure)[0]?.dataset.state; // the figure may not be mounted yet
  return states.includes(state) && state;
}, [part('figure'), wanted.length > 0 ? wanted : ENDS]);

async function set(page, { pace = 0, ...settings }) {
  await page.evaluate((fold) => { find(fold).open = true; }, part('sampling'));
  for (const [name, value] of Object.entries(settings)) await page.fill(part(name), String(value));
  await page.fill(part('pace'), String(pace));
}

/** Presses a button that begins a run, and waits until that is drawn. */
async function begin(page, button = part('go')) {
  await page.click(button);
  await page.evaluate(drawn);
}

/** Presses Generate and waits until the run has ended well. */
async function run(page, end = 'finished') {
  await begin(page);
  const reason = await reached(page);
  assert.equal(reason, end, await page.text(part('error-message')));
}

const written = (page) => page.evaluate((parts) => (
  findAll(parts).map((one) => one.textContent).join('')), part('story-written'));

/** Waits for so many characters of a story that is being written. */
const writtenAtLeast = (page, length) => page.waitFor((figure, begun, parts, least) => (
  begun.includes(findAll(figure)[0].dataset.state)
  && findAll(parts).reduce((sum, { textContent }) => sum + textContent.length, 0) >= least
), [part('figure'), ['running', ...ENDS], part('story-written'), length]);

/** The verdict about the whole text, and the hashes: through the cache, from scratch, as the run left it. */
async function proof(page) {
  const over = (words) => /whole text|failed|stopped/.test(find(words).textContent);
  await page.waitFor(over, [part('proof-words')]);
  const verdict = await page.attribute(part('proof'), 'data-verdict');
  return { verdict, hashes: (await page.text(part('proof-hashes'))).match(/[0-9a-f]{16}/g) };
}

const provenEqual = (hash) => ({ verdict: 'equal', hashes: Array(3).fill(hash) });

// ---- one page, run after run, each as the one before has left it -------------------------------------

/** Without the cache, the story that Node writes, to the bit; then with it. */
async function firstClick(t, page) {
  await set(page, { seed: SEED, maxTokens: TOKENS });
  await run(page);
  assert.match(await page.text(part('state')), new RegExp(`Finished: ${TOKENS} tokens written`));
  assert.equal(await page.evaluate((field) => find(field).value, part('prompt')), PROMPT);
  assert.equal(await written(page), expected.text);
  assert.deepEqual(await proof(page), provenEqual(expected.hash));
  t.diagnostic(await page.text(part('engine')));
  await showsFigures(page, 'off');
  assert.ok(Number(await page.text(part('work-off'))) > TOKENS);
  await begin(page, part('cache')); // starts the next run
  assert.equal(await reached(page), 'finished');
  assert.equal(await page.text(part('work-on')), '1');
  assert.match(await page.text(part('position')), /^\d+ of 1,024$/);
  assert.match(await page.text(part('memory')), /^[\d.]+ of [\d.]+ MB used$/);
}

async function showsFigures(page, mode) {
  for (const figure of ['prefill', 'now', 'same']) {
    assert.match(await page.text(part(`${figure}-${mode}`)), /^[\d.,]+ \/s$/, figure);
  }
}

async function cachedFigures(t, page) {
  await page.fill(part('prompt'), 'In the castle by the sea lived a cat.'); // of which nothing is cached
  await run(page);
  await showsFigures(page, 'on');
  const figures = ['prefill-on', 'now-on', 'ms-on'].map((each) => page.text(part(each)));
  t.diagnostic((await Promise.all(figures)).join(', '));
}

async function flipped(t, page) {
  await page.fill(part('prompt'), PROMPT);
  await set(page, { pace: 30 }); // slow enough for two clicks on the way
  await begin(page, part('cache')); // off
  await writtenAtLeast(page, 40);
  for (const to of ['on', 'off']) {
    await page.click(part('cache'));
    const follows = (flip) => findAll(flip)[0]?.nextSibling?.textContent.length > 30;
    await page.waitFor(follows, [part(`flip-${to}`)]);
  }
  assert.equal(await reached(page), 'finished');
  assert.equal(await written(page), expected.text);
  assert.deepEqual(await proof(page), provenEqual(expected.hash));
}

async function stopped(t, page) {
  for (const stop of [() => page.press('Escape'), () => page.click(part('go'))]) {
    await set(page, { maxTokens: 1000, pace: 60 });
    await begin(page);
    await reached(page, 'running');
    await writtenAtLeast(page, 250); // after a second: what follows a click at once is half of a double click
    const asked = Date.now();
    await stop();
    assert.equal(await reached(page), 'stopped');
    assert.ok(Date.now() - asked < STOP_MS, `stopped after ${Date.now() - asked} ms`);
    const text = await written(page);
    assert.equal((await proof(page)).verdict, 'equal');
    assert.equal(await written(page), text, 'nothing is written after the stop');
    assert.ok(expected.text.startsWith(text) || text.startsWith(expected.text));
  }
  await set(page, { maxTokens: TOKENS });
  await run(page);
  assert.equal(await written(page), expected.text);
}

async function memory(t, page) {
  await set(page, { maxTokens: 6 }); // a run that leaks does so however short it is
  const after = async (runs) => {
    for (let i = 0; i < runs; i++) {
      await page.fill(part('prompt'), `In the year ${i}`); // nothing of the run before is of use
      await run(page);
      await proof(page);
    }
    await sleep(500);
    return privateBytes(descendants());
  };
  const sizes = [await after(2)];
  const growth = () => sizes.at(-1) - sizes.at(-2);
  do { // an engine that is warming up, or a lazy collector, gets another chance: a leak does not need one
    sizes.push(await after(RUNS));
  } while (growth() > MOST_GROWTH && sizes.length < 4);
  t.diagnostic(sizes.map((bytes) => `${(bytes / 1e6).toFixed(0)} MB`).join(', '));
  assert.ok(growth() <= MOST_GROWTH, `grew to ${sizes}`);
}

// ---- pages of their own -------------------------------------------------------------------------------

async function race(page) {
  assert.match(await page.text(part('state')), /^Recorded /);
  await set(page, { seed: SEED, maxTokens: 40 });
  await begin(page, part('both'));
  assert.equal(await reached(page), 'finished', await page.text(part('error-message')));
  const [on, off] = await Promise.all(['on', 'off'].map((lane) => page.text(part(`lane-${lane}`))));
  assert.equal(on, off);
  assert.ok(on.length > PROMPT.length + 80 && `${PROMPT}${expected.text}`.startsWith(on));
  for (const lane of ['on', 'off']) {
    assert.match(await page.text(part(`lane-numbers-${lane}`)), /^40 after [\d.]+ s$/);
  }
  assert.equal((await proof(page)).verdict, 'equal');
}

async function withoutWeights(page, model) {
  await model.remove('model.safetensors');
  await page.fill(part('prompt'), 'a');
  await set(page, { maxTokens: 20 });
  assert.ok(!await page.isVisible(part('error')));
  await run(page, 'failed');
  assert.ok(await page.isVisible(part('error')));
  assert.equal(await page.text(part('error-code')), 'file_unreachable');
  assert.match(await page.text(part('error-message')), /^.*model\.safetensors was answered with 404.*\.$/);
  await model.restore('model.safetensors');
  await begin(page, part('retry'));
  assert.equal(await reached(page), 'finished');
  assert.ok(!await page.isVisible(part('error')));
}

async function tooLong(page) {
  await page.fill(part('prompt'), 'a'.repeat(65));
  await set(page, { maxTokens: 5 });
  await run(page, 'failed');
  assert.match(await page.text(part('error-message')), /65 .*64/);
  await page.fill(part('prompt'), 'a');
  await begin(page, part('retry'));
  assert.equal(await reached(page), 'finished');
}

/** @type {import('../each.js').Prepare} */
export async function page(site) {
  return ({ name, test, openPage }) => {
    const open = async (t, { query = '', ...settings } = {}) => {
      const page = await openPage(t, site.url + query, settings);
      await reached(page, 'unloaded');
      return page;
    };

    test('one page, run after run', async (t) => {
      const page = await open(t);
      const first = 'the first click writes the story that Node writes, to the bit; figures appear';
      await t.test(first, (t) => firstClick(t, page));
      await t.test('at full speed the cached figures appear too', (t) => cachedFigures(t, page));
      const flips = 'flipped in the middle of a run, the text goes on unchanged, the numbers are the same';
      await t.test(flips, (t) => flipped(t, page));
      const stop = 'stop takes effect within a token, by key and by button, and the next run is whole';
      await t.test(stop, (t) => stopped(t, page));
      const skip = descendants() ? false : 'no /proc here';
      await t.test('memory stays where it is', { skip }, (t) => memory(t, page));
    });

    test('a race: two workers write the same text at the same time', async (t) => race(await open(t)));

    test('what fails is said in a sentence, and Try again works', async (t) => {
      const model = await addModel(site, `broken-${name}`);
      const page = await open(t, { query: model.query, expected: /404/ });
      await t.test('weights that are not there', () => withoutWeights(page, model));
      await t.test('a prompt longer than the context, then a shorter one', () => tooLong(page));
    });
  };
}
