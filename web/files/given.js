// A model directory that is given file by file: as Blobs, such as files that were dropped onto a page, or as
// the address of each, where a bundler has put it.
import { isUrl } from '../engine/arguments.js';
import { bundlerAdvice } from '../engine/bundlers.js';
import { KvcError } from '../engine/errors.js';
import { AbsentFile, readerOf } from './opened.js';

/**
 * @import { Blob, URL } from '../engine/platform.js'
 * @import { Opened, Origin, Patience } from './opened.js'
 *
 * @typedef {Map<string, Blob | string | URL> | Readonly<Record<string, Blob | string | URL>>} Files
 *   file name -> its contents, or where they are
 */

/** Blobs and Maps of another realm, such as a frame's, count too. @param {unknown} value */
const isBlob = (value) => typeof (/** @type {Partial<Blob>} */ (value)?.stream) === 'function';

/** @param {Files} files  @returns {files is Map<string, Blob | string | URL>} */
const isMap = (files) => typeof files.get === 'function' && typeof files.keys === 'function';

/**
 * @param {Files} given
 * @param {(address: string | URL, file: string, patience: Patience) => Promise<Opened>} openAt
 * @returns {Origin}
 */
export function givenOrigin(given, openAt) {
  const files = isMap(given) ? given : new Map(Object.entries(given));
  return {
    name: 'files',
    list: async () => [...files.keys()],
    only: (isWanted) => givenOrigin(new Map([...files].filter(([name]) => isWanted(name))), openAt),
    advice(file) {
      const place = files.get(file);
      const advice = bundlerAdvice(isUrl(place) ? place.href : typeof place === 'string' ? place : '');
      return advice && ` ${advice}`;
    },
    async open(file, patience) {
      const place = files.get(file);
      if (place === undefined) throw new AbsentFile(`There is no ${file} among the given files.`);
      if (typeof place === 'string' || isUrl(place)) return openAt(place, file, patience);
      if (isBlob(place)) return openedBlob(/** @type {Blob} */ (place), file);
      throw new KvcError('invalid_argument', `The value given for ${file} is no Blob, File or address.`);
    },
  };
}

/** @param {Blob} blob  @param {string} where  @returns {Opened} */
function openedBlob(blob, where) {
  const reader = readerOf(blob.stream());
  return {
    where,
    size: blob.size,
    read: reader.read,
    cancel() {
      // Nothing waits for the rest of a Blob, so it does not matter whether cancelling works.
      reader.cancel().catch(() => {});
    },
  };
}
