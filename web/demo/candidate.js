// A model that a reader gives: by its address, or by its files.
import { modelFiles } from '../files/dropped.js';
import { Refusal } from './failure.js';

/**
 * @import { Dropped } from '../files/dropped.js'
 * @import { Files } from '../worker/messages.js'
 *
 * @typedef {string | Dropped} Given  an address, or what was chosen or dropped
 *
 * @typedef {object} Candidate
 * @property {string} name  '' where nobody says it
 * @property {{ url: string, files?: undefined } | { url?: undefined, files: Files }} source
 */

/** @param {Given} given  @returns {Promise<Candidate>} */
export async function candidateOf(given) {
  if (typeof given === 'string') return atAddress(given.trim());
  const folder = folderOf(given);
  const files = await modelFiles(given);
  const name = folder || await nameIn(files.get('config.json'));
  return { name, source: { files: /** @type {Files} */ (Object.fromEntries(files)) } };
}

/** @param {string} address  @returns {Candidate} */
function atAddress(address) {
  const url = urlOf(address);
  if (!/^https?:$/.test(url?.protocol ?? '')) {
    throw new Refusal('invalid_argument', { what: 'noAddress', address });
  }
  const { href } = /** @type {URL} */ (url);
  return { name: nameAt(href), source: { url: href } };
}

/** What a model is called by its address. @param {string} address */
export function nameAt(address) {
  const { pathname, host } = new URL(address);
  const parts = pathname.split('/').filter(Boolean);
  const revision = parts.indexOf('resolve'); // of the Hub: owner, name, resolve, revision
  return decoded(parts[revision > 0 ? revision - 1 : parts.length - 1] ?? host);
}

/** @param {string} address */
function urlOf(address) {
  try {
    return new URL(address, globalThis.document?.baseURI);
  } catch {
    return undefined;
  }
}

/** @param {string} text */
function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** The folder that was dropped or chosen, if it was one. @param {Dropped} given */
function folderOf(given) {
  const [first] = Array.from(/** @type {ArrayLike<unknown>} */ (given));
  const { isDirectory, name, webkitRelativePath } = (
    /** @type {{ isDirectory?: boolean, name?: string, webkitRelativePath?: string }} */ (Object(first)));
  return (isDirectory ? name : webkitRelativePath?.split('/')[0]) ?? '';
}

/** What transformers writes into a config.json, as in "owner/name". @param {Blob | undefined} config */
async function nameIn(config) {
  try {
    const { _name_or_path: path } = JSON.parse(await config?.text() ?? '{}');
    return typeof path === 'string' ? path.split(/[\\/]/).filter(Boolean).pop()?.slice(0, 60) ?? '' : '';
  } catch {
    return ''; // whatever is wrong with it, the engine says
  }
}
