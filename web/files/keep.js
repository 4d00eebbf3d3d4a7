// Keeping in one load: what is large and on the device is read there, all else is kept while it comes, so
// that nothing is missing where there is no network. Whatever fails of it, the model loads; and what was kept
// and does not do any more is fetched, and replaced.
import { KvcError } from '../engine/errors.js';
import { Keeping, drop, hasStore, openStore, partOf, recordOf } from './kept.js';
import { AbsentFile, CHUNK, Unreached } from './opened.js';

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
 *
 * @typedef {(mostMs?: number, isBegun?: boolean) => Promise<Opened>} Download  mostMs: of silence before the
 *   answer; isBegun: and before the file has begun, or ended if it is small
 *
 * @typedef {'use' | 'replace' | 'read'} Manner  what is there is used; or passed over; or nothing is written
 */

/** What is read where it is kept: the rest of a model is small, and asked for each time. */
const LARGE = /\.safetensors$|^(?:tokenizer\.json|vocab\.json|merges\.txt)$/;

/** Errors of a model whose files do not belong together, as when only some of them are of today. */
const UNFIT = /^(?:tensor|index|tokenizer|safetensors)_/;

const ANSWER_MS = 5000; // of silence, after which what is kept of a model is taken in place of an answer

export class Keep {
  #sizes;
  #manner;
  #isUsed = false;
  #isDamaged = false;
  /** One of the files that are kept was asked for in vain: there may be no network. */
  #isSilent = false;
  /** @type {Promise<Cache | undefined> | undefined} */
  #store;
  /** @type {Pick<Keeping, 'commit' | 'drop'>[]} */
  #files = [];
  /** @type {NotKept | undefined} */
  #reason;
  #isCommitted = false;

  /**
   * @param {{ sizes?: Readonly<Record<string, number>>, cache?: string }} options  of the load
   * @param {Manner} [manner]
   */
  constructor({ sizes, cache }, manner = cache === 'reload' ? 'replace' : 'use') {
    this.#sizes = sizes;
    this.#manner = manner;
  }

  /** Whether a load may succeed that does not use what is kept. @param {unknown} error  of this one */
  isToBlame(error) {
    if (!(error instanceof KvcError) || error.code === 'aborted') return false;
    return this.#isDamaged || (this.#isUsed && UNFIT.test(error.code));
  }

  /**
   * @param {Place} place  @param {Download} download
   * @returns {Promise<Opened>}
   */
  async open(place, download) {
    const store = await this.#opened();
    if (!store) return download();
    const record = this.#manner === 'replace' ? undefined : await this.#find(store, place);
    if (record && (this.#isSilent || LARGE.test(place.file))) return this.#read(store, record);
    try {
      const opened = await this.#answer(store, place, download, record);
      const isLook = place.quiet || this.#manner === 'read';
      return isLook ? opened : this.#recorded(store, place.address, opened, record);
    } catch (error) {
      if (error instanceof Unreached) return this.#instead(store, place, error, record);
      const isGone = error instanceof AbsentFile && record && this.#manner === 'use';
      if (isGone) await this.#gone(store, place.address);
      throw error;
    }
  }

  /**
   * The model has loaded: what came counts from now on, if all of it could be kept, and so does what is read
   * later. Promises why not, if so.
   */
  async commit() {
    if (this.#reason) await this.abandon();
    for (const file of this.#files) await file.commit().catch(this.#fail);
    if (this.#reason) await this.abandon(true); // some of it is of today
    this.#files = [];
    this.#isCommitted = true;
    return this.#reason;
  }

  /** The load has failed. @param {boolean} [all]  what was there before goes, too */
  async abandon(all) {
    for (const file of this.#files.splice(0)) await file.drop(all).catch(this.#fail);
  }

  /** @param {unknown} error */
  #fail = (error) => {
    this.#reason ??= error instanceof Error && error.name === 'QuotaExceededError' ? 'quota' : 'failed';
  };

  #opened() {
    this.#store ??= this.#openStore().catch(() => {
      this.#reason = 'unavailable';
      return undefined;
    });
    return this.#store;
  }

  /** None is made where nothing is to be written. */
  async #openStore() {
    return this.#manner === 'read' && !await hasStore() ? undefined : openStore();
  }

  /**
   * With less patience where the model is kept. A file of it that is not kept is asked for once more, with
   * all patience, unless another was not answered either.
   * @param {Cache} store  @param {Place} place  @param {Download} download  @param {KeptRecord} [record]
   */
  async #answer(store, place, download, record) {
    if (!record && !await this.#isKept(store, place)) return download();
    try {
      return await download(ANSWER_MS, record !== undefined);
    } catch (error) {
      if (!(error instanceof Unreached)) throw error;
      if (record) this.#isSilent = true;
      if (this.#isSilent) throw error;
      return download();
    }
  }

  /**
   * There is no network. Models are kept whole: a file that is not there beside its config.json was not
   * there when it came.
   * @param {Cache} store  @param {Place} place  @param {Unreached} error  @param {KeptRecord} [record]
   */
  async #instead(store, place, error, record) {
    if (record) return this.#read(store, record);
    if (!await this.#isKept(store, place)) throw error;
    throw new AbsentFile(`${error.message} Nor is it among what is kept on this device.`, error);
  }

  /** Whether the model of a file is there. @param {Cache} store  @param {Place} place */
  async #isKept(store, { address, file }) {
    if (this.#manner === 'replace') return false;
    const folder = address.endsWith(`/${file}`) ? address.slice(0, -file.length) : '';
    return await recordOf(store, `${folder}config.json`).catch(() => undefined) !== undefined;
  }

  /**
   * The server has a file no more, which counts once the model has loaded.
   * @param {Cache} store  @param {string} address
   */
  async #gone(store, address) {
    const remove = () => drop(store, address);
    if (this.#isCommitted) await remove().catch(this.#fail);
    else this.#files.push({ commit: remove, drop: async (all) => { if (all) await remove(); } });
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

  /**
   * @param {Cache} store  @param {string} address  @param {Opened} opened  @param {KeptRecord} [before]
   * @returns {Opened}
   */
  #recorded(store, address, opened, before) {
    /** @type {Keeping | undefined} */
    let keeping = new Keeping(store, address, before);
    this.#files.push(keeping);
    return {
      ...opened,
      read: async () => {
        const bytes = await opened.read();
        try {
          await (bytes ? keeping?.take(bytes) : keeping?.end());
          if (!bytes && this.#isCommitted) await keeping?.commit();
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
  const again = new Keep(options, 'replace');
  try {
    return await load(again);
  } finally {
    await again.abandon(); // nothing, where it was committed
  }
}
