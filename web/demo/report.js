// The benchmark's figures to take away: as Markdown, as JSON, with the place where they were measured.
import { HEAD, cells, details, table } from '../measure/figures.js';
import { counted } from '../measure/numbers.js';

/**
 * @typedef {object} Machine       what a page can know of it
 * @property {string} browser      with its version; or how it calls itself, in full
 * @property {string} [system]     if the browser tells
 * @property {number} [logicalCores]
 *
 * @typedef {object} Report
 * @property {string} date         when it began, ISO 8601
 * @property {string} model        its address
 * @property {import('../config/config.js').Config} config
 * @property {string} build        of the engine
 * @property {Machine} machine
 * @property {object} plan
 * @property {boolean} complete    not stopped, nothing failed
 * @property {string[]} remarks
 * @property {import('../measure/figures.js').Row[]} rows
 */

/** @returns {Promise<Machine>} */
export async function describeMachine() {
  const { userAgent, hardwareConcurrency: logicalCores } = navigator;
  const data = /** @type {any} */ (navigator).userAgentData; // Chromium has it, on pages from https or this machine
  const hints = await data?.getHighEntropyValues(['fullVersionList', 'architecture', 'bitness']).catch(() => undefined);
  const brands = (hints?.fullVersionList ?? []).filter((/** @type {{ brand: string }} */ { brand }) => !/not.*brand/i.test(brand));
  const brand = brands.find((/** @type {{ brand: string }} */ one) => one.brand !== 'Chromium') ?? brands[0];
  if (!brand) return { browser: userAgent, logicalCores };
  const processor = [hints.architecture, hints.bitness && `${hints.bitness} bits`].filter(Boolean).join(', ');
  return { browser: `${brand.brand} ${brand.version}`, system: `${hints.platform}${processor && ` (${processor})`}`, logicalCores };
}

/** Where and when, in a sentence. @param {Report} report */
export function place({ date, config, build, machine: { browser, system, logicalCores } }) {
  const machine = `${browser}${system ? ` on ${system}` : ''}${logicalCores ? `, ${logicalCores} logical cores` : ''}, as the browser tells`;
  const model = `GPT-2 with ${config.nLayer} layers, width ${config.nEmbd}, ${config.nHead} heads, vocabulary ${counted(config.vocabSize)}`;
  return `Measured on ${date.slice(0, 16).replace('T', ' at ')} UTC: ${machine}; one thread, ${build} build; ${model}.`;
}

/** @param {Report} report */
export function asMarkdown(report) {
  const { rows, remarks } = report;
  const kinds = [...new Set(rows.map(({ weights }) => weights))];
  return [
    'Tokens per second: median (least to greatest). The logits are equal bit for bit, with the cache and without.', '',
    table(HEAD, rows.map(cells), 1), '',
    ...kinds.map((kind) => `${kind}: ${details(rows.filter(({ weights }) => weights === kind))}.`), '',
    [place(report), ...remarks].join(' '), '',
  ].join('\n');
}

/** @param {Report} report */
export const asJson = (report) => `${JSON.stringify(report, null, 2)}\n`;
