// Gives <kv-cache-demo> to the document. Where a copy of the script has done so already, that one stays.
import { TAG } from './attributes.js';
import { KvCacheDemo } from './element.js';

export { KvCacheDemo };

const registry = globalThis.customElements; // Node has none
const there = registry?.get(TAG);
if (there) {
  const { version = 'another' } = /** @type {{ version?: string }} */ (/** @type {unknown} */ (there));
  const copy = `A second copy of the script, ${KvCacheDemo.version}, is not used`;
  console.warn(`${copy}: <${TAG}> ${version} is on this page already.`);
} else {
  registry?.define(TAG, KvCacheDemo);
}
