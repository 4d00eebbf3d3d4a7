// What engines may do differently, subject by subject: each engine is started once for all of them.
import { eachEngine } from './each-engine.js';
import { chat } from './each/chat.js';
import { dropped } from './each/dropped.js';
import { element } from './each/element.js';
import { figure } from './each/figure.js';
import { kept } from './each/kept.js';
import { languages } from './each/languages.js';
import { later } from './each/later.js';
import { model } from './each/model.js';
import { origins } from './each/origins.js';
import { taking } from './each/taking.js';
import { addModel, serveSite } from './site.js';

/**
 * Prepares the pages of a subject; what it returns declares its tests in an engine.
 * @typedef {(site: Awaited<ReturnType<typeof serveSite>>, small: Awaited<ReturnType<typeof addModel>>)
 *   => Promise<Parameters<typeof eachEngine>[0]>} Prepare
 */

const site = await serveSite();
const small = await addModel(site, 'small');
const subjects = [];
for (const prepare of [chat, dropped, figure, element, kept, languages, later, model, origins, taking]) {
  subjects.push(await prepare(site, small));
}

eachEngine((engine) => {
  for (const declare of subjects) declare(engine);
});
