// The places a model directory can lie in: which one a source means.
import { isUrl } from '../engine/arguments.js';
import { absolute } from '../engine/bundlers.js';
import { KvcError } from '../engine/errors.js';
import { hasDisk, isPath } from '../engine/node.js';
import { diskOrigin, openOnDisk } from './disk.js';
import { isDropped, modelFiles } from './dropped.js';
import { givenOrigin } from './given.js';
import { refuseHubPage } from './hub.js';
import { openAddress, webOrigin } from './web.js';

/**
 * @import { Dropped } from './dropped.js'
 * @import { Files } from './given.js'
 * @import { Opened, Origin, Patience } from './opened.js'
 * @import { RequestOptions } from './web.js'
 */

/**
 * @param {string | URL | Files | Dropped} source
 * @param {RequestOptions} request
 * @returns {Promise<Origin>}
 */
export async function originOf(source, request) {
  if (typeof source === 'string' || isUrl(source)) return directoryAt(source, request);
  if (typeof source === 'object' && source !== null) {
    const files = isDropped(source) ? await modelFiles(source) : source;
    return givenOrigin(files, (address, file, patience) => fileAt(address, file, patience, request));
  }
  throw new KvcError('invalid_argument',
    'A model is loaded from a URL, a path (in Node), files or a folder that were chosen or dropped, or a Map '
    + 'of file names to Blobs or addresses.');
}

/** @param {string | URL} source  @param {RequestOptions} request */
function directoryAt(source, request) {
  const place = placeOf(source);
  if (isOnDisk(place)) return diskOrigin(place);
  if (!isOnWeb(place)) throw noPlace(place);
  refuseHubPage(place);
  return webOrigin(place, request);
}

/**
 * @param {string | URL} address  @param {string} file  @param {Patience} patience
 * @param {RequestOptions} request  @returns {Promise<Opened>}
 */
function fileAt(address, file, patience, request) {
  const place = placeOf(address);
  if (isOnDisk(place)) return openOnDisk(place);
  // Bundlers put small files into their scripts, as data: addresses.
  if (!isOnWeb(place) && !/^(?:data|blob):/.test(place.protocol)) throw noPlace(place);
  return openAddress(place, file, request, patience);
}

/** @param {string | URL} source  an address, or a path  @returns {string | URL}  a path stays as it is */
function placeOf(source) {
  if (typeof source !== 'string') return absolute(source);
  if (isPath(source)) return source;
  try {
    return new URL(source, globalThis.document?.baseURI ?? globalThis.location?.href);
  } catch (cause) {
    throw new KvcError('invalid_argument',
      `"${source}" is not the address of a model directory; give an absolute URL.`, { cause });
  }
}

/** @param {string | URL} place  @returns {place is string | (URL & { protocol: 'file:' })} */
const isOnDisk = (place) => typeof place === 'string' || (place.protocol === 'file:' && hasDisk());

/** @param {URL} url */
const isOnWeb = ({ protocol }) => protocol === 'http:' || protocol === 'https:';

/** @param {URL} url */
const noPlace = ({ protocol }) => new KvcError('invalid_argument',
  `A model cannot be loaded from a ${protocol} address; serve it over http(s).`);
