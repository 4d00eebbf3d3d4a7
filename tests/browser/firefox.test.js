// All subjects of each/ in Firefox.
//
// Takes long.
import { everySubject } from './each.js';

await everySubject('firefox');
