// Records what happens in real runs of the page, event by event, for tests/node/state.test.js to repeat:
// node tests/browser/record.js [NAME...]   (./build.sh site first)
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openRecorder } from './recorder.js';

const FOLDER = 'tests/fixtures/events';
/** In place of the real one, which does not matter. */
const MACHINE = { browser: 'Some Browser 1.0', system: 'Some System', logicalCores: 8 };

/** @type {Record<string, import('./recorder.js').Scenario>} */
const SCENARIOS = {
  flips: {
    settings: { maxTokens: 60 }, pace: 60, acts: ['flip', 'generate'], at: { 20: 'flip', 40: 'flip' },
  },
  stopped: { settings: { maxTokens: 300 }, pace: 60, acts: ['generate'], at: { 30: 'stop' } },
  race: { settings: { maxTokens: 20 }, acts: ['compare'] },
  failed: { model: 'nowhere/', acts: ['generate'] },
  benchmark: { acts: ['measure'] },
};

const { site, record, close } = await openRecorder();
await mkdir(FOLDER, { recursive: true });
const names = process.argv.slice(2);
for (const name of names.length > 0 ? names : Object.keys(SCENARIOS)) {
  const events = await record(SCENARIOS[name]);
  for (const { event } of events) if (event?.subject) event.subject.machine = MACHINE;
  const lines = events.map((event) => JSON.stringify(event).replaceAll(site, 'http://localhost/'));
  await writeFile(join(FOLDER, `${name}.json`), `[\n${lines.join(',\n')}\n]\n`);
}
await close();
