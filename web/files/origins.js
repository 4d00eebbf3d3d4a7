// The places a model directory can lie in: which one a source means.
import { isUrl } from '../engine/arguments.js';
import { KvcError } from '../engine/errors.js';
import { blobOrigin } from './blobs.js';
import { diskOrigin, hasDisk } from './disk.js';
import { refuseHubPage } from './hub.js';
import { webOrigin } from './web.js';

/**
 * @import { Blobs } from './blobs.js'
 * @import { Origin } from './opened.js'
 * @import { RequestOptions } from './web.js'
 */

/**
 * @param {string | URL | Blobs} source
 * @param {RequestOptions} request
 * @returns {Promise<Origin>}
 */
export async function originOf(source, request) {
  if (isUrl(source)) return urlOrigin(new URL(source.href), request);
  if (typeof source === 'string') {
    const isAddress = /^[a-z][a-z\d+.-]*:\/\//i.test(source);
    return !isAddress && hasDisk() ? diskOrigin(source) : urlOrigin(parsedUrl(source), request);
  }
  if (typeof source === 'object' && source !== null && !Array.isArray(source)) return blobOrigin(source);
  throw new KvcError('invalid_argument',
    'A model is loaded from a URL, a path (in Node), or a Map of file names to Blobs.');
}

/** @param {string} address  in a page or worker, a relative one starts from its own */
function parsedUrl(address) {
  try {
    return new URL(address, globalThis.document?.baseURI ?? globalThis.location?.href);
  } catch (cause) {
    throw new KvcError('invalid_argument',
      `"${address}" is not the address of a model directory; give an absolute URL.`, { cause });
  }
}

/** @param {URL} url  @param {RequestOptions} request  @returns {Promise<Origin> | Origin} */
function urlOrigin(url, request) {
  if (url.protocol === 'file:' && hasDisk()) return diskOrigin(url);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw new KvcError('invalid_argument',
      `A model cannot be loaded from a ${url.protocol} address; serve it over http(s).`);
  }
  refuseHubPage(url);
  return webOrigin(url, request);
}
