// What the page's own address says: ?model=FOLDER loads another model of this site, ?variant=scalar
// (simd, relaxed) another build of the engine.
import { Refusal } from '../demo/failure.js';

/** @import { Variant } from '../engine/variants.js' */

const parameters = new URLSearchParams(location.search);

/** On this site only: a link must not make the page fetch from elsewhere. */
export function modelUrl() {
  const url = new URL(parameters.get('model') ?? 'models/stories/', document.baseURI);
  if (url.origin !== location.origin) {
    throw new Refusal('invalid_argument', { what: 'foreignModel', address: url.href });
  }
  return url.href.endsWith('/') ? url.href : `${url.href}/`;
}

/** The engine refuses what it does not know. */
export const variant = () => /** @type {'auto' | Variant} */ (parameters.get('variant') ?? 'auto');
