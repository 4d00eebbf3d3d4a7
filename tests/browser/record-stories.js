// Records the run that the demo shows before anything was run: npm run record -- --machine WORDS ...
// The cache is off, at full speed, for half of the context; then it is switched on.
//
//   --machine WORDS     what this runs on, as in "laptop of 2024, 8 cores"
//   --machine-de WORDS  the same in German
//   --pictures          makes only the pictures anew, from the recording as it is
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { compact, moduleOf } from './recording.js';
import { openRecorder } from './recorder.js';

const FOLDER = 'web/demo/recorded';
const PROMPT = 'Once upon a time there was a king who had three daughters.';
const HALF = 500; // tokens

const { values } = parseArgs({
  options: { machine: { type: 'string' }, 'machine-de': { type: 'string' }, pictures: { type: 'boolean' } },
});

const recorder = await openRecorder();
await mkdir(FOLDER, { recursive: true });
if (!values.pictures) {
  const machine = { en: values.machine, de: values['machine-de'] };
  if (!machine.en || !machine.de) throw new Error('Say what this runs on: --machine and --machine-de.');
  const { version } = JSON.parse(await readFile('package.json', 'utf8'));
  const events = await recorder.record({
    prompt: PROMPT, settings: { maxTokens: 1024 }, pace: 0,
    acts: ['flip', 'generate'], at: { [HALF]: 'flip' },
  });
  const date = new Date().toISOString().slice(0, 10);
  const browser = `Chromium ${parseInt(recorder.browser.version(), 10)}`;
  const recording = compact(events, { date, machine, browser, version, model: 'stories' }, PROMPT);
  await writeFile(`${FOLDER}/stories.js`, moduleOf(recording));
}
await recorder.close();
