// One file of a model directory as a stream of bytes. Waiting, aborting, progress, the end of the file and
// the check for a web page in place of the file are done here, once, for every origin.
import { KvcError, reasonOf, throwIfAborted } from '../engine/errors.js';
import { Waiting } from './opened.js';

const HTML_PEEK = 64;            // bytes looked at to recognise a web page
const PROGRESS_EVERY_MS = 50;

/**
 * @import { NotKept } from './keep.js'
 * @import { Opened, Patience } from './opened.js'
 *
 * @typedef {object} ProgressEvent
 * @property {'initiate' | 'download' | 'progress' | 'stalled' | 'done' | 'not_kept' | 'ready'} status
 *   "stalled": nothing has arrived for 10 s; the next "progress" says that it goes on
 * @property {string} name       the address of the model
 * @property {string} [file]
 * @property {number} [loaded]   bytes
 * @property {number} [total]    bytes, absent while the size is not known
 * @property {number} [progress] per cent, absent while the size is not known
 * @property {NotKept} [reason]  of "not_kept"
 *
 * @typedef {(event: ProgressEvent) => void} OnProgress
 * @typedef {{ onProgress?: OnProgress, sizes?: Readonly<Record<string, number>> }} Reporting
 *   sizes: bytes by file name, where the server does not say
 * @typedef {Patience & Reporting} ReadOptions
 */

/** The bytes of one file, in order, once. */
export class FileStream {
  #opened;
  #label;
  #options;
  #waiting;
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
    this.#waiting = new Waiting(opened.where, { ...options, onStall: this.#onStall });
    options.signal?.addEventListener('abort', this.#onAbort);
  }

  /** Closes it even if nobody is reading. */
  #onAbort = () => this.close();

  #onStall = () => this.#options.onProgress?.(this.#event('stalled'));

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
    this.#waiting.end();
    this.#options.signal?.removeEventListener('abort', this.#onAbort);
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
    throwIfAborted(this.#options.signal);
    if (this.#closed) throw new KvcError('invalid_argument', `${this.where} is closed.`);
    try {
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
    for (;;) {
      const chunk = await this.#waiting.for(this.#readOrigin());
      if (chunk?.length !== 0) return chunk;
    }
  }

  async #readOrigin() {
    try {
      return await this.#opened.read();
    } catch (cause) {
      const why = reasonOf(cause);
      if (this.#loaded > 0) throw this.#truncated(`the transfer broke off (${why})`, cause);
      throw new KvcError('file_unreachable', `${this.where} could not be read: ${why}`, { cause });
    }
  }

  #report() {
    const { onProgress } = this.#options;
    const now = performance.now();
    if (!onProgress || (!this.#ended && now - this.#lastEvent.time < PROGRESS_EVERY_MS)) return;
    const event = this.#event('progress');
    this.#lastEvent = { time: now, progress: event.progress ?? this.#lastEvent.progress };
    onProgress(event);
    if (this.#ended) onProgress({ status: 'done', ...this.#label });
  }

  /** @param {'progress' | 'stalled'} status  @returns {ProgressEvent} */
  #event(status) {
    const loaded = this.#loaded;
    const hint = this.#options.sizes?.[this.name] ?? this.#opened.total;
    const total = this.#ended ? loaded : this.#expected ?? hint;
    const event = { status, ...this.#label, loaded };
    // A total that turned out too small (a wrong Content-Length) is no total.
    if (total === undefined || !(loaded <= total)) return event;
    const progress = Math.max(this.#lastEvent.progress, total === 0 ? 100 : (100 * loaded) / total);
    return { ...event, total, progress };
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
