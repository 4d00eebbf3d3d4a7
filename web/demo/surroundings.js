// What the player asks of a browser, answered by the browser.

/**
 * @import { Machine } from './benchmark.js'
 * @import { Surroundings } from './player.js'
 */

/**
 * What Chromium tells of itself, on pages from https or from this machine.
 * @typedef {object} UserAgentData
 * @property {(names: string[]) => Promise<Hints>} getHighEntropyValues
 *
 * @typedef {object} Hints
 * @property {{ brand: string, version: string }[]} [fullVersionList]
 * @property {string} platform
 * @property {string} [architecture]
 * @property {string} [bitness]
 */

/** @type {Surroundings} */
export const browser = {
  isOnline: () => navigator.onLine,
  now: () => new Date(),
  describeMachine,
  downloadSize,
};

/** @returns {Promise<Machine>} */
async function describeMachine() {
  const { userAgent, hardwareConcurrency: logicalCores } = navigator;
  const { userAgentData } = /** @type {Navigator & { userAgentData?: UserAgentData }} */ (navigator);
  const hints = await userAgentData?.getHighEntropyValues(['fullVersionList', 'architecture', 'bitness'])
    .catch(() => undefined); // it may refuse, and then says less
  const brands = (hints?.fullVersionList ?? []).filter(({ brand }) => !/not.*brand/i.test(brand));
  const brand = brands.find((one) => one.brand !== 'Chromium') ?? brands[0];
  if (!hints || !brand) return { browser: userAgent, logicalCores };
  const processor = [hints.architecture, hints.bitness && `${hints.bitness} bits`].filter(Boolean).join(', ');
  const system = `${hints.platform}${processor && ` (${processor})`}`;
  return { browser: `${brand.brand} ${brand.version}`, system, logicalCores };
}

/**
 * Bytes of a model's large files. Compressed ones come as fewer, and then nobody knows.
 * @param {string} model
 */
async function downloadSize(model) {
  const sizes = await Promise.all(['model.safetensors', 'tokenizer.json'].map(async (file) => {
    const { ok, headers } = await fetch(new URL(file, model), { method: 'HEAD' });
    return ok && !headers.has('content-encoding') ? Number(headers.get('content-length')) : 0;
  }));
  return sizes.includes(0) ? 0 : sizes.reduce((sum, size) => sum + size, 0);
}
