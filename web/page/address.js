// What the page's own address says: ?model=FOLDER loads another model of this site, ?variant=scalar
// (simd, relaxed) another build of the engine.
import { WorkerError } from '../worker/client.js';

/** @import { Variant } from '../engine/variants.js' */

const parameters = new URLSearchParams(location.search);

/** On this site only: a link must not make the page fetch from elsewhere. */
export function modelUrl() {
  const url = new URL(parameters.get('model') ?? 'models/stories/', document.baseURI);
  if (url.origin !== location.origin) {
    const message = `This page only loads models of its own site; ${url.href} is on another one.`;
    throw new WorkerError('invalid_argument', message);
  }
  return url.href.endsWith('/') ? url.href : `${url.href}/`;
}

/** The engine refuses what it does not know. */
export const variant = () => /** @type {'auto' | Variant} */ (parameters.get('variant') ?? 'auto');
