// The engine in a worker of its own. Its other side is client.js.
import { Desk } from './desk.js';

new Desk(self, { worker: true });
