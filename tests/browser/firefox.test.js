// All subjects of each/ in Firefox.
import { everySubject } from './each.js';

await everySubject('firefox');
