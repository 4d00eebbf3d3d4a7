// Records the run that the demo shows before anything was run, of either storyteller:
// npm run record -- --machine WORDS ...
// The cache is off, at full speed, for half of the context; then it is switched on.
//
//   --machine WORDS     what this runs on, as in "laptop of 2024, 8 cores"
//   --machine-de WORDS  the same in German
//   --model NAME        stories if absent, of which there are pictures; or tales; or sounds, a word
//   --pictures          makes only the pictures anew, from the recording as it is
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { HEIGHT, WIDTH, pictureOf } from './picture.js';
import { FIRST } from '../../web/demo/sounding.js';
import { compact, compactWord, moduleOf } from './recording.js';
import { openRecorder } from './recorder.js';

const FOLDER = 'web/demo/recorded';
const PROMPT = 'Once upon a time there was a king who had three daughters.';
const HALF = 500; // tokens

const { values } = parseArgs({
  options: {
    machine: { type: 'string' }, 'machine-de': { type: 'string' }, pictures: { type: 'boolean' },
    model: { type: 'string', default: 'stories' },
  },
});

const { model } = values;
const recorder = await openRecorder();
await mkdir(FOLDER, { recursive: true });
if (!values.pictures) {
  const machine = { en: values.machine, de: values['machine-de'] };
  if (!machine.en || !machine.de) throw new Error('Say what this runs on: --machine and --machine-de.');
  const { version } = JSON.parse(await readFile('package.json', 'utf8'));
  const date = new Date().toISOString().slice(0, 10);
  const browser = `Chromium ${parseInt(recorder.browser.version(), 10)}`;
  const facts = { date, machine, browser, version };
  const recording = model === 'sounds' ? compactWord(await recorder.pronounce(FIRST.word), facts, FIRST.word)
    : compact(await recorder.record({
      model: `models/${model}/`, prompt: PROMPT, settings: { maxTokens: 1024 }, pace: 0,
      acts: ['generate'], at: { [HALF]: 'flip' },
    }), { ...facts, model }, PROMPT);
  await writeFile(`${FOLDER}/${model}.js`, moduleOf(recording, model));
}
if (model === 'stories') {
  const { STORIES } = await import(pathToFileURL(`${FOLDER}/stories.js`));
  const picture = pictureOf(STORIES);
  await writeFile(`${FOLDER}/stories.svg`, picture);
  const viewport = { width: WIDTH, height: HEIGHT };
  const page = await recorder.browser.newPage({ viewport, deviceScaleFactor: 2 });
  await page.goto(`data:image/svg+xml,${encodeURIComponent(picture)}`);
  await page.screenshot({ path: `${FOLDER}/stories.png` });
}
await recorder.close();
