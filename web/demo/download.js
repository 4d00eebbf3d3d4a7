// How much of a model has come.

/**
 * @typedef {object} Download
 * @property {Record<string, number>} files  bytes so far
 * @property {number} total  bytes of them all; 0 if not known
 * @property {string} [stalled]  the file of which nothing comes
 */

/** @param {number} total  @returns {Download} */
export const noDownload = (total) => ({ files: {}, total });

/** More of a file has come. @param {Download} download  @param {string} file  @param {number} bytes */
export const withFile = ({ files, total, stalled }, file, bytes) => (
  { files: { ...files, [file]: bytes }, total, ...(stalled !== file && { stalled }) });

/** Bytes of the model that have come. @param {{ download: Download }} state */
export const bytesLoaded = ({ download }) => (
  Object.values(download.files).reduce((sum, bytes) => sum + bytes, 0));
