// What a page's own TypeScript knows once the tag is registered: the element by its name, its events by theirs.
import type { KvCacheDemo } from './element.js';
import type { Details } from './events.js';

type Events = { [K in keyof Details]: CustomEvent<Details[K]> };

declare global {
  interface HTMLElementTagNameMap {
    'kv-cache-demo': KvCacheDemo;
  }
  interface HTMLElementEventMap extends Events {}
  interface DocumentEventMap extends Events {}
}
