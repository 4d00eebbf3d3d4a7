// One file of a model directory as a stream of bytes. Waiting, aborting, progress, the end of the file and
// the check for a web page in place of the file are done here, once, for every origin.
import { KvcError, reasonOf, throwIfAborted } from '../engine/errors.js';
import { patiently } from './origins.js';

const HTML_PEEK = 64;            // bytes looked at to recognise a web page
const PROGRESS_EVERY_MS = 50;

/**
 * @import { Opened, Patience } from './origins.js'
 *
 * @typedef {{ status: 'initiate' | 'download' | 'progress' | 'done' | 'ready', name: string,
 *   file?: string, loaded?: number, total?: number, progress?: number }} ProgressEvent
 *   `progress` is a percentage; it and `total` are absent while the size is not known.
 * @typedef {(event: ProgressEvent) => void} OnProgress
 * @typedef {Patience & { onProgress?: OnProgress }} ReadOptions
 */

/** The bytes of one file, in order, once. */
export class FileStream {
  #opened;
  #label;
  #options;
  /** @type {Uint8Array[]} bytes read from the origin but not yet given out */
  #ahead = [];
  #loaded = 0;
  /** @type {number | undefined} the length that the body must have */
  #expected;
  #ended = false;
  #closed = false;
  #lastEvent = { time: -Infinity, progress: 0 };

  /** @param {Opened} opened  @param {{ name: string, file: string }} label  @param {ReadOptions} options */
  constructor(opened, label, options) {
    this.#opened = opened;
    this.#label = label;
    this.#options = options;
    this.#expected = opened.size;
  }

  get name() {
    return this.#label.file;
  }

  /** Full URL or path, for messages. */
  get where() {
    return this.#opened.where;
  }

  /** Bytes in the file; undefined when only the end will tell (a compressed transfer). */
  get size() {
    return this.#opened.size;
  }

  /**
   * The true size, as the contents of the file tell it: used for progress; an earlier end is an error.
   * @param {number} total
   */
  expect(total) {
    this.#expected = total;
  }

  /** Up to n bytes: fewer only at the end of the file. @param {number} n */
  async take(n) {
    const parts = [];
    let length = 0;
    while (length < n) {
      const chunk = await this.#next();
      if (!chunk) break;
      const part = chunk.slice(0, n - length); // the next read overwrites it
      if (part.length < chunk.length) this.#ahead.unshift(chunk.subarray(part.length));
      parts.push(part);
      length += part.length;
    }
    return parts.length === 1 ? parts[0] : joined(parts, length);
  }

  /** The rest of the file as it arrives, each piece valid until the next. Leaving the loop closes it. */
  async *chunks() {
    try {
      for (let chunk = await this.#next(); chunk; chunk = await this.#next()) yield chunk;
    } finally {
      this.close();
    }
  }

  /** Stops the transfer. Harmless when repeated, or after the end. */
  close() {
    if (this.#closed) return;
    this.#closed = true;
    this.#ahead = [];
    this.#opened.cancel();
  }

  /** Servers of single-page apps answer a missing file with 200 and their index page. */
  async refuseHtml() {
    const head = this.#opened.html ? '<html' : latin1(await this.#peek());
    if (!/^(?:\xEF\xBB\xBF)?\s*<(?:!doctype|html|head|body|!--|\?xml)/i.test(head)) return;
    throw new KvcError('file_is_html', `${this.where} is a web page, not ${this.name}: the server answers a `
      + 'missing file with a page of its own. Check the address of the model and that the file is there.');
  }

  async #peek() {
    const head = await this.take(HTML_PEEK);
    if (head.length > 0) this.#ahead.unshift(head);
    return head;
  }

  /** @returns {Promise<Uint8Array | undefined>} */
  async #next() {
    if (this.#closed) throw new KvcError('invalid_argument', `${this.where} is closed.`);
    try {
      throwIfAborted(this.#options.signal);
      return this.#ahead.shift() ?? await this.#receive();
    } catch (error) {
      this.close();
      throw error;
    }
  }

  async #receive() {
    if (this.#ended) {
      this.#refuseShort();
      return undefined;
    }
    const chunk = await this.#read();
    if (chunk) this.#loaded += chunk.length;
    else this.#refuseShort();
    this.#ended = chunk === undefined;
    this.#report();
    return chunk;
  }

  /** At the end of the file. expect() may come after it, so every call looks again. */
  #refuseShort() {
    if (this.#expected === undefined || this.#loaded >= this.#expected) return;
    throw this.#truncated(`it should have ${this.#expected}`);
  }

  async #read() {
    /** @type {Uint8Array | undefined} */
    let chunk = new Uint8Array(0);
    try {
      while (chunk?.length === 0) chunk = await patiently(this.#opened.read(), this.where, this.#options);
      return chunk;
    } catch (error) {
      if (error instanceof KvcError) throw error;
      if (this.#loaded > 0) throw this.#truncated(`the transfer broke off (${reasonOf(error)})`, error);
      const why = `${this.where} could not be read: ${reasonOf(error)}`;
      throw new KvcError('file_unreachable', why, { cause: error });
    }
  }

  #report() {
    const { onProgress } = this.#options;
    const now = performance.now();
    if (!onProgress || (!this.#ended && now - this.#lastEvent.time < PROGRESS_EVERY_MS)) return;
    const total = this.#ended ? this.#loaded : this.#expected ?? this.#opened.total;
    /** @type {ProgressEvent} */
    const event = { status: 'progress', ...this.#label, loaded: this.#loaded };
    // A total that turned out too small (a wrong Content-Length) is no total.
    if (total !== undefined && this.#loaded <= total) {
      event.total = total;
      event.progress = Math.max(this.#lastEvent.progress, total === 0 ? 100 : (100 * this.#loaded) / total);
    }
    this.#lastEvent = { time: now, progress: event.progress ?? this.#lastEvent.progress };
    onProgress(event);
    if (this.#ended) onProgress({ status: 'done', ...this.#label });
  }

  /** @param {string} why  @param {unknown} [cause] */
  #truncated(why, cause) {
    return new KvcError('file_truncated', `${this.where} ended after ${this.#loaded} bytes: ${why}. `
      + 'Load it again, or check that the upload was complete.', { cause });
  }
}

/** @param {Uint8Array[]} parts  @param {number} length */
function joined(parts, length) {
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** @param {Uint8Array} bytes */
const latin1 = (bytes) => String.fromCharCode(...bytes);
