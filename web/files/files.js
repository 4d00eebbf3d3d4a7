// A model directory, wherever it lies, as byte streams: on a web server, on Node's disk, or in Blobs.
//
//   openDirectory(source) -> Directory -> json('config.json') | open('model.safetensors') -> FileStream
//
// The places are in origins.js; waiting, aborting, progress, the end of the file and the "web page
// instead of a file" check are done here, once, for all of them.
import { KvcError, reasonOf, throwIfAborted } from '../engine/errors.js';
import { AbsentFile, originOf, patiently } from './origins.js';

const MIB = 2 ** 20;
const JSON_CAP = MIB;               // bytes; every JSON file except the vocabulary is a few KB
const TOKENIZER_CAP = 64 * MIB;
const HTML_PEEK = 64;               // bytes looked at to recognise a web page
const PROGRESS_EVERY_MS = 50;

/**
 * @typedef {import('./origins.js').Blobs} Blobs
 * @typedef {import('./origins.js').Opened} Opened
 * @typedef {import('./origins.js').Origin} Origin
 *
 * @typedef {{ status: 'initiate' | 'download' | 'progress' | 'done' | 'ready', name: string,
 *   file?: string, loaded?: number, total?: number, progress?: number }} ProgressEvent
 *   `progress` is a percentage; it and `total` are absent while the size is not known.
 * @typedef {(event: ProgressEvent) => void} OnProgress
 * @typedef {import('./origins.js').Patience & { onProgress?: OnProgress }} Limits
 */

/**
 * @param {string | URL | Blobs} source  http(s) or file: URL, path in Node, or Blobs by file name
 * @param {{ signal?: AbortSignal, onProgress?: OnProgress, fetch?: typeof fetch, idleMs?: number }} [options]
 *   idleMs: how long a server may stay silent before the file counts as unreachable
 */
export async function openDirectory(source, options = {}) {
  const { signal, onProgress, fetch: fetchFile = globalThis.fetch, idleMs = 30_000 } = options;
  throwIfAborted(signal);
  return new Directory(await originOf(source, fetchFile), { signal, onProgress, idleMs });
}

export class Directory {
  #origin;
  #limits;

  /** @param {Origin} origin  @param {Limits} limits */
  constructor(origin, limits) {
    this.#origin = origin;
    this.#limits = limits;
  }

  /** Where the files come from: a URL, a path, or "files". */
  get name() {
    return this.#origin.name;
  }

  /** @param {string} file  a plain name  @returns {Promise<FileStream>} */
  async open(file) {
    if (!/^\w[\w.-]*$/.test(file)) {
      throw new KvcError('invalid_argument', `"${file}" is not the name of a file in a model directory.`);
    }
    throwIfAborted(this.#limits.signal);
    const label = { name: this.name, file };
    this.#limits.onProgress?.({ status: 'initiate', ...label });
    const opened = await this.#origin.open(file, this.#limits);
    const stream = new FileStream(opened, label, this.#limits);
    try {
      throwIfAborted(this.#limits.signal);
      this.#limits.onProgress?.({ status: 'download', ...label });
      await stream.refuseHtml();
    } catch (error) {
      stream.close();
      throw error;
    }
    return stream;
  }

  /**
   * The parsed contents of a JSON file; undefined when it is optional and not there, which some servers
   * say with a web page.
   * @param {string} file
   * @param {{ optional?: boolean }} [options]
   * @returns {Promise<unknown>}
   */
  async json(file, { optional = false } = {}) {
    let stream;
    try {
      stream = await this.open(file);
    } catch (error) {
      if (optional && (error instanceof AbsentFile || (error instanceof KvcError && error.code === 'file_is_html'))) return undefined;
      throw error;
    }
    const cap = file === 'tokenizer.json' ? TOKENIZER_CAP : JSON_CAP;
    const bytes = await stream.take(cap + 1);
    stream.close();
    if (bytes.length > cap) {
      throw new KvcError('json_invalid', `${stream.where} is longer than ${cap} bytes, the most that is read of ${file}.`);
    }
    if (bytes.length === 0) throw new KvcError('json_invalid', `${stream.where} is empty; it should hold JSON.`);
    try {
      return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    } catch (cause) {
      throw new KvcError('json_invalid', `${stream.where} is not valid JSON: ${reasonOf(cause)}`, { cause });
    }
  }
}

/** The bytes of one file, in order, once. */
export class FileStream {
  #opened;
  #label;
  #limits;
  /** @type {Uint8Array[]} bytes read from the origin but not yet given out */
  #ahead = [];
  #loaded = 0;
  /** @type {number | undefined} the length that the body must have */
  #expected;
  #ended = false;
  #closed = false;
  #lastEvent = { time: -Infinity, progress: 0 };

  /** @param {Opened} opened  @param {{ name: string, file: string }} label  @param {Limits} limits */
  constructor(opened, label, limits) {
    this.#opened = opened;
    this.#label = label;
    this.#limits = limits;
    this.#expected = opened.size;
  }

  get name() {
    return this.#label.file;
  }

  /** Full URL or path, for messages. */
  get where() {
    return this.#opened.where;
  }

  /** Bytes in the file, undefined when only the end will tell (a compressed transfer). */
  get size() {
    return this.#opened.size;
  }

  /** The true size, from what the file itself says: for progress, and an earlier end becomes an error. @param {number} total */
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

  /** Exactly n bytes. @param {number} n */
  async read(n) {
    const bytes = await this.take(n);
    if (bytes.length === n) return bytes;
    this.close();
    throw this.#truncated(`${n - bytes.length} more bytes should follow`);
  }

  /** Everything not yet read, as it arrives, each piece good until the next; leaving the loop closes the file. */
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
    throw new KvcError('file_is_html', `${this.where} is a web page, not ${this.name}: the server answers a missing file `
      + 'with a page of its own. Check the address of the model and that the file is there.');
  }

  async #peek() {
    const head = await this.take(HTML_PEEK);
    if (head.length > 0) this.#ahead.unshift(head);
    return head;
  }

  /** @returns {Promise<Uint8Array | undefined>} */
  async #next() {
    if (this.#closed) throw new KvcError('invalid_argument', `${this.where} is closed and cannot be read any more.`);
    try {
      throwIfAborted(this.#limits.signal);
      return this.#ahead.shift() ?? await this.#receive();
    } catch (error) {
      this.close();
      throw error;
    }
  }

  async #receive() {
    const chunk = this.#ended ? undefined : await this.#read();
    if (chunk) this.#loaded += chunk.length;
    else if (this.#expected !== undefined && this.#loaded < this.#expected) throw this.#truncated(`it should have ${this.#expected}`);
    if (this.#ended) return undefined;
    this.#ended = chunk === undefined;
    this.#report();
    return chunk;
  }

  async #read() {
    /** @type {Uint8Array | undefined} */
    let chunk = new Uint8Array(0);
    try {
      while (chunk?.length === 0) chunk = await patiently(this.#opened.read(), this.where, this.#limits);
      return chunk;
    } catch (error) {
      if (error instanceof KvcError) throw error;
      if (this.#loaded > 0) throw this.#truncated(`the transfer broke off (${reasonOf(error)})`, error);
      throw new KvcError('file_unreachable', `${this.where} could not be read: ${reasonOf(error)}`, { cause: error });
    }
  }

  #report() {
    const { onProgress } = this.#limits;
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
