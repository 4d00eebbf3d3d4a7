// All subjects of each/ in WebKitGTK.
import { everySubject } from './each.js';

await everySubject('webkit');
