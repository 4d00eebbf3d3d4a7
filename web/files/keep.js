// Keeping in one load: what is on the device is read there, what is not is kept while it comes. Whatever
// fails of it, the model loads; and what was kept and does not do any more is fetched, and replaced.
import { KvcError } from '../engine/errors.js';
import { Keeping, openStore, partOf, recordOf } from './kept.js';
import { CHUNK } from './opened.js';

/**
 * @import { KeptRecord } from './kept.js'
 * @import { Opened } from './opened.js'
 *
 * @typedef {'unavailable' | 'quota' | 'failed'} NotKept  why something is not kept: there is no Cache API
 *   here, or it may not be used; the browser gives no more room; something else
 *
 * @typedef {object} Place  of a file
 * @property {string} address  without its query
 * @property {string} file     its name
 * @property {boolean} [quiet] only its beginning is read
 */

/** What is worth it: the rest of a model is small, and asked for each time. */
const LARGE = /\.safetensors$|^(?:tokenizer\.json|vocab\.json|merges\.txt)$/;

/** Errors of a model whose files do not belong together, as when only some of them are of today. */
const UNFIT = /^(?:tensor|index|tokenizer|safetensors)_/;

export class Keep {
  #sizes;
  #isFresh;
  #isUsed = false;
  #isDamaged = false;
  /** @type {Promise<Cache | undefined> | undefined} */
  #store;
  /** @type {Keeping[]} */
  #files = [];
  /** @type {NotKept | undefined} */
  #reason;

  /**
   * @param {{ sizes?: Readonly<Record<string, number>>, cache?: string }} options  of the load
   * @param {boolean} [isFresh]  past what is there
   */
  constructor({ sizes, cache }, isFresh = cache === 'reload') {
    this.#sizes = sizes;
    this.#isFresh = isFresh;
  }

  /** Whether a load may succeed that does not use what is kept. @param {unknown} error  of this one */
  isToBlame(error) {
    if (!(error instanceof KvcError) || error.code === 'aborted') return false;
    return this.#isDamaged || (this.#isUsed && UNFIT.test(error.code));
  }

  /**
   * @param {Place} place  @param {() => Promise<Opened>} download
   * @returns {Promise<Opened>}
   */
  async open(place, download) {
    const store = LARGE.test(place.file) ? await this.#opened() : undefined;
    const record = store && !this.#isFresh ? await this.#find(store, place) : undefined;
    if (store && record) return this.#read(store, record);
    const opened = await download();
    return store && !place.quiet ? this.#recorded(store, place.address, opened) : opened;
  }

  /** The model has loaded: what came counts from now on. Promises why something does not, if so. */
  async commit() {
    for (const file of this.#files.splice(0)) await file.commit().catch(this.#fail);
    return this.#reason;
  }

  /** The load has failed. */
  async abandon() {
    for (const file of this.#files.splice(0)) await file.drop().catch(this.#fail);
  }

  /** @param {unknown} error */
  #fail = (error) => {
    this.#reason ??= error instanceof Error && error.name === 'QuotaExceededError' ? 'quota' : 'failed';
  };

  #opened() {
    this.#store ??= openStore().catch(() => {
      this.#reason = 'unavailable';
      return undefined;
    });
    return this.#store;
  }

  /** @param {Cache} store  @param {Place} place */
  async #find(store, { address, file }) {
    const record = await recordOf(store, address).catch(() => undefined); // as if it were not there
    return record?.bytes === (this.#sizes?.[file] ?? record?.bytes) ? record : undefined;
  }

  /** @param {Cache} store  @param {KeptRecord} record  @returns {Opened} */
  #read(store, record) {
    this.#isUsed = true;
    let [next, at] = [0, 0];
    let part = new Uint8Array(0);
    const begin = () => {
      const coming = next < record.sums.length ? partOf(store, record, next++) : undefined;
      coming?.catch(() => { this.#isDamaged = true; });
      return coming;
    };
    let coming = begin();
    return {
      where: record.address,
      size: record.bytes,
      total: record.bytes,
      async read() {
        if (at === part.length) {
          if (!coming) return undefined;
          [part, at] = [await coming, 0];
          coming = begin();
        }
        const piece = part.subarray(at, at + CHUNK);
        at += piece.length;
        return piece;
      },
      cancel() {},
    };
  }

  /** @param {Cache} store  @param {string} address  @param {Opened} opened  @returns {Opened} */
  #recorded(store, address, opened) {
    /** @type {Keeping | undefined} */
    let keeping = new Keeping(store, address);
    this.#files.push(keeping);
    return {
      ...opened,
      read: async () => {
        const bytes = await opened.read();
        try {
          await (bytes ? keeping?.take(bytes) : keeping?.end());
        } catch (error) {
          this.#fail(error);
          keeping = undefined;
        }
        return bytes;
      },
    };
  }
}

/**
 * A load that keeps, and a second one if what was kept does not do.
 * @template T
 * @param {ConstructorParameters<typeof Keep>[0]} options  of the load
 * @param {(keep: Keep) => Promise<T>} load
 */
export async function withKeeping(options, load) {
  const keep = new Keep(options);
  try {
    return await load(keep);
  } catch (error) {
    await keep.abandon();
    if (!keep.isToBlame(error)) throw error;
  }
  const again = new Keep(options, true);
  try {
    return await load(again);
  } finally {
    await again.abandon(); // nothing, where it was committed
  }
}
