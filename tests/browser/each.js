// What engines may do differently, subject by subject: an engine is started once for all of them.
import { stop } from 'esbuild';
import { inEngine } from './each-engine.js';
import { builds } from './each/builds.js';
import { chat } from './each/chat.js';
import { afterwards, drivers } from './each/drivers.js';
import { dropped } from './each/dropped.js';
import { element } from './each/element.js';
import { figure } from './each/figure.js';
import { golden } from './each/golden.js';
import { kept } from './each/kept.js';
import { languages } from './each/languages.js';
import { later } from './each/later.js';
import { model } from './each/model.js';
import { origins } from './each/origins.js';
import { page } from './each/page.js';
import { taking } from './each/taking.js';
import { addModel, serveSite } from './site.js';

/**
 * Prepares the pages of a subject; what it returns declares its tests in an engine.
 * @typedef {(site: Awaited<ReturnType<typeof serveSite>>, small: Awaited<ReturnType<typeof addModel>>)
 *   => Promise<Parameters<typeof inEngine>[1]>} Prepare
 */

const SUBJECTS = [
  page, golden, builds, chat, dropped, figure, element, kept, languages, later, model, origins, taking,
  drivers,
];

/** Chromium has files of its own that ask more of these. */
const WITH_OWN_FILES = [chat, element, kept, languages, model];

/** Declares the tests of all subjects. @param {string} name  of the engine */
export async function everySubject(name) {
  const site = await serveSite();
  const small = await addModel(site, 'small');
  const subjects = [];
  const asked = SUBJECTS.filter((each) => name !== 'chromium' || !WITH_OWN_FILES.includes(each));
  for (const prepare of asked) subjects.push(await prepare(site, small));
  await stop(); // its service is no process of a browser
  inEngine(name, (engine) => {
    for (const declare of subjects) declare(engine);
  });
  afterwards();
}
