// The machine that a figure is on, as far as its browser tells.

/**
 * @import { Machine } from './benchmark.js'
 *
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

/** @returns {Promise<Machine>} */
export async function describeMachine() {
  const { userAgent, hardwareConcurrency: logicalCores } = navigator;
  const { userAgentData } = /** @type {Navigator & { userAgentData?: UserAgentData }} */ (navigator);
  const hints = await userAgentData?.getHighEntropyValues(['fullVersionList', 'architecture', 'bitness'])
    .catch(() => undefined); // it may refuse, and then says less
  const brands = (hints?.fullVersionList ?? []).filter(({ brand }) => !/not.*brand/i.test(brand));
  const brand = brands.find((one) => one.brand !== 'Chromium') ?? brands[0];
  if (!hints || !brand) return { browser: userAgent, logicalCores };
  const processor = [hints.architecture, hints.bitness].filter(Boolean).join('-'); // "x86-64"
  const system = `${hints.platform}${processor && ` (${processor})`}`;
  return { browser: `${brand.brand} ${brand.version}`, system, logicalCores };
}
