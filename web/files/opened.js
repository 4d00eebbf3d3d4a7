// One opened file, wherever it lies: what web.js, disk.js and given.js share, and the waiting for it.
import { KvcError, abortError } from '../engine/errors.js';

export const CHUNK = 256 * 1024; // bytes of one read, at most

/** Where a model has chat templates with names, but the default one. */
export const TEMPLATES = 'additional_chat_templates/';

/**
 * @import { AbortSignal, ByteStream } from '../engine/platform.js'
 *
 * @typedef {object} Patience    how long a file may stay silent
 * @property {AbortSignal} [signal]
 * @property {number} idleMs     then it counts as unreachable
 * @property {number} stallMs    then onStall is called, once in a silence
 * @property {() => void} [onStall]
 * @property {boolean} [quiet]   only its beginning will be read
 *
 * @typedef {object} Opened      one file, ready to be read
 * @property {string} where      full URL, path or name, for messages
 * @property {number} [size]     bytes, when the origin is sure
 * @property {number} [total]    bytes, as a hint for the progress bar
 * @property {boolean} [html]    declared to be a web page
 * @property {() => Promise<Uint8Array | undefined>} read   the next bytes, valid until the next call;
 *                               undefined at the end
 * @property {() => void} cancel lets go of the file; called once
 *
 * @typedef {object} Origin
 * @property {string} name
 * @property {(file: string, patience: Patience) => Promise<Opened>} open
 * @property {(file: string) => string} [advice]  what more to say where a file is not
 * @property {() => Promise<readonly string[]>} [list]  the names of all files, where that can be known
 * @property {(isWanted: (file: string) => boolean) => Origin} [only]  with these alone, where the others take
 *   memory
 */

/** The file does not exist, and nothing else went wrong: permitted for an optional file. */
export class AbsentFile extends KvcError {
  /** @param {string} message  @param {unknown} [cause] */
  constructor(message, cause) {
    super('file_unreachable', message, { cause });
  }
}

/** Nobody has answered: there may be no network. */
export class Unreached extends KvcError {
  /** @param {string} message  @param {unknown} [cause] */
  constructor(message, cause) {
    super('file_unreachable', message, { cause });
  }
}

/**
 * Settles as `promise` does; rejects sooner on an abort, or after idleMs of silence, or when onStall throws.
 * @template T
 * @param {Promise<T>} promise
 * @param {string} where
 * @param {Patience} patience
 * @returns {Promise<T>}
 */
export function patiently(promise, where, { signal, idleMs, stallMs, onStall }) {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(stalling);
      clearTimeout(failing);
      signal?.removeEventListener('abort', onAbort);
    };
    const fail = (/** @type {unknown} */ error) => {
      stop();
      reject(error);
    };
    const onAbort = () => fail(abortError(/** @type {AbortSignal} */ (signal)));
    const stalling = setTimeout(() => {
      try {
        onStall?.();
      } catch (error) {
        fail(error);
      }
    }, stallMs);
    const failing = setTimeout(() => fail(new KvcError('file_unreachable',
      `${where} sent nothing for ${idleMs / 1000} s. Check the connection and load it again.`)), idleMs);
    promise.then(resolve, reject).finally(stop);
    signal?.addEventListener('abort', onAbort);
    if (signal?.aborted) onAbort();
  });
}

/**
 * Reads ahead: the next piece comes while one is worked on. Two pieces of memory take turns, because tens of
 * megabytes of fresh arrays would pile up before a browser collects them.
 * @param {(memory: Uint8Array<ArrayBuffer>) => Promise<Uint8Array<ArrayBuffer> | undefined>} read  the next
 *   bytes, in this memory or where it has been moved to; undefined at the end
 */
export function readAhead(read) {
  let spare = new ArrayBuffer(CHUNK);
  /** That of the piece given out. @type {ArrayBuffer} */
  let lent = new ArrayBuffer(CHUNK);
  /** @type {Promise<Uint8Array<ArrayBuffer> | undefined> | undefined} */
  let coming;
  const begin = () => {
    coming = read(new Uint8Array(spare));
    coming.catch(() => {}); // told to whoever asks next, or to nobody
  };
  return async () => {
    if (!coming) begin();
    const piece = await coming;
    spare = lent; // whoever had it has asked for more
    if (piece) {
      lent = piece.buffer;
      begin();
    }
    return piece;
  };
}

/**
 * A stream that is not a byte stream brings arrays of its own.
 * @param {ByteStream} stream
 */
export function readerOf(stream) {
  let reader;
  try {
    reader = stream.getReader({ mode: 'byob' });
  } catch {
    const other = stream.getReader();
    return { read: async () => (await other.read()).value, cancel: () => other.cancel() };
  }
  const read = readAhead(async (memory) => { // takes the memory and gives it back
    const { done, value } = await reader.read(memory);
    return done ? undefined : value;
  });
  return { read, cancel: () => reader.cancel() };
}
