// One opened file, wherever it lies: what web.js, disk.js and given.js share, and the waiting for it.
import { KvcError, abortError, reasonOf } from '../engine/errors.js';

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
 * Waits for one thing after another, for none of them longer than idleMs. Pieces of a file come by the
 * thousand, so one timer and one listener serve all of them.
 */
export class Waiting {
  #where;
  #patience;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  /** Of the wait under way. @type {((error: unknown) => void) | undefined} */
  #reject;
  #since = 0;
  #isTold = false;
  #hasEnded = false;

  /** @param {string} where  @param {Patience} patience */
  constructor(where, patience) {
    this.#where = where;
    this.#patience = { ...patience, soon: Math.min(patience.stallMs, patience.idleMs) };
    patience.signal?.addEventListener('abort', this.#onAbort);
  }

  /**
   * Settles as `promise` does; rejects sooner on an abort, after idleMs of silence, or when onStall throws.
   * @template T
   * @param {Promise<T>} promise
   * @returns {Promise<T>}
   */
  for(promise) {
    return new Promise((resolve, reject) => {
      this.#reject = reject;
      this.#since = performance.now();
      this.#isTold = false;
      this.#timer ??= setTimeout(this.#look, this.#patience.soon);
      promise.then((value) => {
        this.#settle();
        resolve(value);
      }, (error) => {
        this.#settle();
        reject(error);
      });
      if (this.#patience.signal?.aborted) this.#onAbort();
    });
  }

  /** Nothing more will be waited for. */
  end() {
    this.#hasEnded = true;
    this.#patience.signal?.removeEventListener('abort', this.#onAbort);
    if (!this.#reject) clearTimeout(this.#timer);
  }

  #settle() {
    this.#reject = undefined;
    if (this.#hasEnded) clearTimeout(this.#timer);
  }

  /** @param {unknown} error */
  #fail(error) {
    const reject = this.#reject;
    this.#settle();
    reject?.(error);
  }

  #onAbort = () => this.#fail(abortError(/** @type {AbortSignal} */ (this.#patience.signal)));

  /** The timer was set for an earlier wait: the one under way may be younger. */
  #look = () => {
    this.#timer = undefined;
    if (!this.#reject) return;
    const { idleMs, stallMs, soon, onStall } = this.#patience;
    const ms = performance.now() - this.#since;
    if (ms >= idleMs) {
      this.#fail(new Unreached(`${this.#where} sent nothing for ${idleMs / 1000} s. `
        + 'Check the connection and load it again.'));
      return;
    }
    try {
      if (ms >= stallMs && !this.#isTold) onStall?.();
    } catch (error) {
      this.#fail(error);
    }
    if (!this.#reject) return; // or the listener has aborted
    this.#isTold ||= ms >= stallMs;
    this.#timer = setTimeout(this.#look, this.#isTold ? Math.min(soon, idleMs - ms) : soon - ms);
  };
}

/**
 * The same file, once its first CHUNK of bytes has come, or all of it: whether the network ends before is
 * known then.
 * @param {Opened} opened  @param {Patience} patience
 * @returns {Promise<Opened>}
 */
export async function begun(opened, patience) {
  const waiting = new Waiting(opened.where, patience);
  /** @type {Uint8Array[]} */
  const pieces = [];
  let [length, hasEnded] = [0, false];
  try {
    while (length < CHUNK && !hasEnded) {
      const piece = await waiting.for(opened.read());
      if (piece) pieces.push(piece.slice()); // the next read overwrites it
      length += piece?.length ?? 0;
      hasEnded = !piece;
    }
  } catch (error) {
    opened.cancel();
    if (error instanceof KvcError) throw error;
    throw new Unreached(`${opened.where} broke off after ${length} bytes (${reasonOf(error)}).`, error);
  } finally {
    waiting.end();
  }
  return { ...opened, read: async () => pieces.shift() ?? (hasEnded ? undefined : opened.read()) };
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
