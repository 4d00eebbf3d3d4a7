// All subjects of each/ in WebKitGTK.
//
// Takes long.
import { everySubject } from './each.js';

await everySubject('webkit');
