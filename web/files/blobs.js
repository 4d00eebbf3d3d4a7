// A model directory made of Blobs, such as files that were dropped onto a page.
import { KvcError } from '../engine/errors.js';
import { AbsentFile, readerOf } from './opened.js';

/**
 * @import { Blob } from '../engine/platform.js'
 * @import { Origin } from './opened.js'
 *
 * @typedef {Map<string, Blob> | Record<string, Blob>} Blobs  file name -> contents
 */

/** Blobs and Maps of another realm, such as a frame's, count too. @param {unknown} value */
const isBlob = (value) => typeof (/** @type {Partial<Blob>} */ (value)?.stream) === 'function';

/** @param {Blobs} blobs  @returns {Origin} */
export function blobOrigin(blobs) {
  const isMap = typeof blobs.get === 'function';
  const files = isMap ? /** @type {Map<string, Blob>} */ (blobs) : new Map(Object.entries(blobs));
  return {
    name: 'files',
    async open(file) {
      const blob = files.get(file);
      if (blob === undefined) throw new AbsentFile(`There is no ${file} among the given files.`);
      if (!isBlob(blob)) {
        throw new KvcError('invalid_argument', `The value given for ${file} is not a Blob or File.`);
      }
      const reader = readerOf(blob.stream());
      return {
        where: file,
        size: blob.size,
        read: reader.read,
        cancel() {
          // Nothing waits for the rest of a Blob, so it does not matter whether cancelling works.
          reader.cancel().catch(() => {});
        },
      };
    },
  };
}
