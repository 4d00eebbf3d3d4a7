// What loads keep on the device: files in the browser's Cache API, which has disk and not memory for them.
// Each file lies there in parts, because browsers hold the whole body of an entry while they store it, and a
// record of it, written when all is there and the model has loaded, and removed before anything changes. The
// keys are addresses of nobody's, so that no service worker finds a part where it looks for a file.

const NAME = 'kvcache-wasm-1'; // of the cache; other versions would lay it out in another way
const PART_BYTES = 2 ** 20;
const LIMIT_MS = 5000; // of one call; a load does not wait longer for its keeping

/**
 * @typedef {object} KeptRecord  of a file
 * @property {string} address  without a query
 * @property {number} bytes
 * @property {number} date     in ms since 1970
 * @property {number[]} sums   of its parts
 */

/** @template T @param {Promise<T>} promise  @returns {Promise<T>} */
function inTime(promise) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`the cache took longer than ${LIMIT_MS} ms`)), LIMIT_MS);
    promise.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

/** @param {string} address  @param {string | number} what */
const keyOf = (address, what) => `https://kept.invalid/${encodeURIComponent(address)}/${what}`;

/** Throws where there is none: in Node, on insecure addresses, in some private windows. */
export async function openStore() {
  return inTime(globalThis.caches.open(NAME));
}

/** @param {Uint8Array} bytes  beginning at the start of their buffer */
function sumOf({ buffer, length }) {
  let sum = -2128831035; // FNV-1a, by words
  const words = new Int32Array(buffer, 0, length >> 2);
  for (let i = 0; i < words.length; i++) sum = Math.imul(sum ^ words[i], 16777619);
  const rest = new Uint8Array(buffer, words.byteLength, length & 3);
  for (const byte of rest) sum = Math.imul(sum ^ byte, 16777619);
  return sum;
}

/** The record of a file, if what it says can be true. @param {Cache} store  @param {string} address */
export async function recordOf(store, address) {
  const response = await inTime(store.match(keyOf(address, 'record')));
  return response && checkedRecord(await response.json(), address);
}

/** @param {unknown} value  @param {string} [expected]  @returns {KeptRecord | undefined} */
function checkedRecord(value, expected) {
  const { address, bytes, date, sums } = /** @type {Partial<KeptRecord>} */ (Object(value));
  if (typeof address !== 'string' || address !== (expected ?? address)) return undefined;
  if (!Number.isSafeInteger(bytes) || !Number.isFinite(date) || !Array.isArray(sums)) return undefined;
  const isWhole = sums.length === Math.ceil(Number(bytes) / PART_BYTES);
  return isWhole ? /** @type {KeptRecord} */ (value) : undefined;
}

/**
 * Part i of a file: as it was kept, or an error.
 * @param {Cache} store  @param {KeptRecord} record  @param {number} i
 */
export async function partOf(store, { address, bytes, sums }, i) {
  const response = await inTime(store.match(keyOf(address, i)));
  if (!response) throw new Error('a part of what was kept is gone');
  const part = new Uint8Array(await inTime(response.arrayBuffer()));
  if (part.length !== Math.min(PART_BYTES, bytes - i * PART_BYTES) || sumOf(part) !== sums[i]) {
    throw new Error('a part of what was kept is damaged');
  }
  return part;
}

/**
 * Removes a file: the record first, so that none is there without all its parts.
 * @param {Cache} store  @param {string} address
 */
export async function drop(store, address) {
  await inTime(store.delete(keyOf(address, 'record')));
  for (const { url } of await inTime(store.keys())) {
    if (url.startsWith(keyOf(address, ''))) await inTime(store.delete(url));
  }
}

/** The records of all files; none where there is no cache. @returns {Promise<KeptRecord[]>} */
export async function records() {
  if (!await hasStore()) return [];
  const store = await openStore();
  const list = [];
  for (const { url } of await inTime(store.keys())) {
    if (!url.endsWith('/record')) continue;
    const record = checkedRecord(await (await store.match(url))?.json().catch(() => undefined));
    if (record && url === keyOf(record.address, 'record')) list.push(record);
  }
  return list;
}

/** Removes everything, also what is left of loads that were cut short. */
export async function dropAll() {
  if (await hasStore()) await inTime(globalThis.caches.delete(NAME));
}

/** Whether something is kept, or has been. */
export const hasStore = async () => await found() === true;

/** Whether something can be. */
export const mayKeep = async () => await found() !== undefined;

/** Whether there is a cache; undefined where none may be used. */
async function found() {
  try {
    return await inTime(globalThis.caches.has(NAME));
  } catch {
    return undefined; // even to look for it throws in a sandboxed frame
  }
}

/**
 * A file that is being kept while it is read. What is there stays until the model has loaded, and what comes
 * is held in memory until then: only small files are fetched although they are there.
 */
export class Keeping {
  #store;
  #address;
  #buffer = new Uint8Array(PART_BYTES);
  #filled = 0;
  #bytes = 0;
  /** @type {number[]} */
  #sums = [];
  #before;
  /** @type {Uint8Array<ArrayBuffer>[]} */
  #held = [];
  /** Something of it may be there. */
  #isPut = false;
  /** The part before this one: more than one is never on its way. @type {Promise<void>} */
  #putting = Promise.resolve();
  #ended = false;
  #dropped = false;

  /** @param {Cache} store  @param {string} address  @param {KeptRecord} [before]  what is there */
  constructor(store, address, before) {
    this.#store = store;
    this.#address = address;
    this.#before = before;
  }

  /** @param {Uint8Array} bytes */
  async take(bytes) {
    for (let at = 0; at < bytes.length;) {
      const piece = bytes.subarray(at, at + PART_BYTES - this.#filled);
      this.#buffer.set(piece, this.#filled);
      this.#filled += piece.length;
      at += piece.length;
      if (this.#filled === PART_BYTES) await this.#flush();
    }
  }

  /** The file has ended. */
  async end() {
    if (this.#filled > 0) await this.#flush();
    this.#buffer = new Uint8Array(0);
    this.#ended = true;
  }

  /** From now on it counts. */
  async commit() {
    if (!this.#ended) return this.drop();
    if (this.#isSame()) return;
    const record = { address: this.#address, bytes: this.#bytes, date: Date.now(), sums: this.#sums };
    const body = JSON.stringify(record);
    try {
      if (this.#before) await this.#begin();
      for (const [i, part] of this.#held.entries()) await this.#put(i, part);
      await this.#putting;
      await inTime(this.#store.put(keyOf(this.#address, 'record'), new Response(body)));
    } catch (error) {
      await this.drop();
      throw error;
    }
  }

  /** @param {boolean} [all]  also what was there before */
  async drop(all) {
    this.#dropped = true;
    await this.#putting.catch(() => {});
    if (this.#isPut || all) await drop(this.#store, this.#address);
  }

  /** It is what was there before. */
  #isSame() {
    const { bytes, sums } = this.#before ?? {};
    return bytes === this.#bytes && `${sums}` === `${this.#sums}`;
  }

  async #flush() {
    await this.#putting;
    if (this.#dropped) return;
    const part = this.#buffer.subarray(0, this.#filled);
    const i = this.#sums.push(sumOf(part)) - 1;
    this.#bytes += this.#filled;
    this.#filled = 0;
    if (this.#before) {
      this.#held.push(part.slice());
      return;
    }
    if (i === 0) await this.#begin();
    this.#putting = this.#put(i, part);
    this.#putting.catch(() => {}); // told by the next part
  }

  /** In place of what is there. */
  async #begin() {
    this.#isPut = true;
    await drop(this.#store, this.#address);
  }

  /** @param {number} i  @param {Uint8Array<ArrayBuffer>} part  which the Response copies */
  #put(i, part) {
    return inTime(this.#store.put(keyOf(this.#address, i), new Response(part)));
  }
}
