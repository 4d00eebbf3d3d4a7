// What the page's own address says: ?model=FOLDER loads another model of this site, ?variant=scalar
// (simd, relaxed) another build of the engine.
import { WorkerError } from '../worker/client.js';

/** @import { Variant } from '../engine/variants.js' */

const parameters = new URLSearchParams(location.search);

/** On this site only: a link must not make the page fetch from elsewhere. */
export function modelUrl() {
  const url = new URL(parameters.get('model') ?? 'models/stories/', document.baseURI);
  if (url.origin !== location.origin) {
    throw new WorkerError('invalid_argument', `This page only loads models of its own site; ${url.href} is on another one.`);
  }
  return url.href.endsWith('/') ? url.href : `${url.href}/`;
}

/** The worker refuses what is none. */
export const variant = () => /** @type {'auto' | Variant} */ (parameters.get('variant') ?? 'auto');

/** Bytes that loading the model takes; 0 if the server does not say. */
export async function downloadSize() {
  try {
    const sizes = await Promise.all(['model.safetensors', 'tokenizer.json'].map(async (file) => {
      const { ok, headers } = await fetch(new URL(file, modelUrl()), { method: 'HEAD' });
      return ok && !headers.has('content-encoding') ? Number(headers.get('content-length')) : 0;
    }));
    return sizes.includes(0) ? 0 : sizes.reduce((sum, size) => sum + size, 0);
  } catch {
    return 0; // loading it will say in words what is wrong
  }
}
