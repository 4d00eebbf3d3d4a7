// All subjects of each/ in Chromium.
import { everySubject } from './each.js';

await everySubject('chromium');
