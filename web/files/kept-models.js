// What is kept on the device, as users see it: by models, which are the folders of its files.
import { invalid, isUrl, shown } from '../engine/arguments.js';
import { drop, dropAll, openStore, records } from './kept.js';
import { TEMPLATES } from './opened.js';

/**
 * @import { URL as AnyURL } from '../engine/platform.js'
 *
 * @typedef {object} KeptModel
 * @property {string} address  of its folder, as loadModel() takes it, without a query
 * @property {number} bytes    of its files that are kept
 * @property {Date} date       when the last of them came
 * @property {string[]} files  their names
 */

/**
 * The models that loadModel() keeps on this device, for this site.
 * @returns {Promise<KeptModel[]>}
 */
export async function keptModels() {
  /** @type {Map<string, KeptModel>} */
  const models = new Map();
  for (const { address: file, bytes, date } of await records()) {
    const address = folderOf(file);
    const { bytes: others = 0, date: other = 0, files = [] } = models.get(address) ?? {};
    models.set(address, {
      address, bytes: bytes + others, date: new Date(Math.max(date, Number(other))),
      files: [...files, file.slice(address.length)],
    });
  }
  return [...models.values()];
}

/**
 * Removes one model, or everything: its bytes.
 * @param {string | AnyURL} [model]  the address that it was loaded from
 * @returns {Promise<number>}
 */
export async function removeKept(model) {
  const folder = model === undefined ? undefined : folderAt(model);
  const removed = (await records()).filter(({ address }) => [undefined, folderOf(address)].includes(folder));
  if (folder === undefined) await dropAll();
  else for (const { address } of removed) await drop(await openStore(), address);
  return removed.reduce((sum, { bytes }) => sum + bytes, 0);
}

/** @param {string} file  its address */
const folderOf = (file) => {
  const folder = file.slice(0, file.lastIndexOf('/') + 1);
  return folder.endsWith(`/${TEMPLATES}`) ? folder.slice(0, -TEMPLATES.length) : folder;
};

/** Its address as KeptModel has it. @param {string | AnyURL} model  as loadModel() takes it */
export function folderAt(model) {
  const base = globalThis.document?.baseURI ?? globalThis.location?.href;
  try {
    const url = new URL(isUrl(model) ? model.href : model, base);
    url.search = url.hash = '';
    return url.href.endsWith('/') ? url.href : `${url.href}/`;
  } catch {
    throw invalid(`removeKept() takes the address of a model, not ${shown(model)}.`);
  }
}
