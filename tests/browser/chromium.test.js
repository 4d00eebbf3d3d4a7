// All subjects of each/ in Chromium.
//
// Takes long.
import { everySubject } from './each.js';

await everySubject('chromium');
