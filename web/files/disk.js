// A model directory on a disk, in runtimes that have one: Node, Deno, Bun.
import { assets } from '../engine/assets.js';
import { KvcError, reasonOf } from '../engine/errors.js';
import { AbsentFile, readAhead } from './opened.js';

/** @import { Opened, Origin } from './opened.js' */

/** The modules of a disk; some runtimes that look like Node have none. */
async function diskModules() {
  try {
    const { open, readdir, stat } = await assets.node('fs/promises');
    const { fileURLToPath, pathToFileURL } = await assets.node('url');
    return { open, readdir, stat, fileURLToPath, pathToFileURL };
  } catch (cause) {
    throw new KvcError('invalid_argument',
      `There is no disk to load a model from here (${reasonOf(cause)}); give an http(s) address.`, { cause });
  }
}

/** @param {string | URL} place  a path or a file: address */
async function onDisk(place) {
  const { open, readdir, stat, fileURLToPath, pathToFileURL } = await diskModules();
  const url = new URL(typeof place === 'string' ? pathToFileURL(place) : place);
  url.search = url.hash = '';
  return {
    url,
    /** @param {URL} folder  @returns {Promise<string[]>} */
    list: async (folder) => {
      try {
        return await readdir(fileURLToPath(folder));
      } catch {
        return []; // what cannot be listed has been refused by open(), with a reason
      }
    },
    /** @param {URL} file  @returns {Promise<Opened>} */
    async open(file) {
      let where = file.href;
      try {
        where = fileURLToPath(file);
        // Checked before opening: opening a pipe would wait for a writer.
        const info = await stat(where);
        if (!info.isFile()) throw new Error('it is not a regular file');
        return openedHandle(await open(where), where, info.size);
      } catch (error) {
        const { code } = /** @type {{ code?: string }} */ (error);
        if (code === 'ENOENT' || code === 'ENOTDIR') throw new AbsentFile(`${where} does not exist.`, error);
        const why = `${where} cannot be opened: ${reasonOf(error)}`;
        throw new KvcError('file_unreachable', why, { cause: error });
      }
    },
  };
}

/** @param {string | URL} folder  a path or a file: address  @returns {Promise<Origin>} */
export async function diskOrigin(folder) {
  const { url: base, list, open } = await onDisk(folder);
  if (!base.pathname.endsWith('/')) base.pathname += '/';
  return {
    name: typeof folder === 'string' ? folder : base.href,
    list: () => list(base),
    open: (file) => open(new URL(file, base)),
  };
}

/** One file. @param {string | URL} place  a path or a file: address  @returns {Promise<Opened>} */
export async function openOnDisk(place) {
  const { url, open } = await onDisk(place);
  return open(url);
}

/**
 * @typedef {object} DiskFile  a FileHandle of Node
 * @property {(how: { buffer: Uint8Array, offset: number, length: number, position: null }) =>
 *   Promise<{ bytesRead: number }>} read  from where the last read ended
 * @property {() => Promise<void>} close
 *
 * @param {DiskFile} handle  @param {string} where  @param {number} size  @returns {Opened}
 */
function openedHandle(handle, where, size) {
  return {
    where,
    size,
    read: readAhead(async (buffer) => {
      // By name, and all of it: Yarn's file system takes an array that is no Buffer for these options, and
      // has other defaults than Node's.
      const { length } = buffer;
      const { bytesRead } = await handle.read({ buffer, offset: 0, length, position: null });
      return bytesRead > 0 ? buffer.subarray(0, bytesRead) : undefined;
    }),
    cancel() {
      // Nothing was written, so nothing is lost if closing fails.
      handle.close().catch(() => {});
    },
  };
}
