// A model directory, wherever it lies: on a web server, on a disk, or given file by file.
//
//   openDirectory(source) -> Directory -> json('config.json') | open('model.safetensors') -> FileStream
//
// The places are chosen in origins.js; what reading a file has in common in all of them is in stream.js.
import { bundlerAdvice } from '../engine/bundlers.js';
import { KvcError, reasonOf, throwIfAborted } from '../engine/errors.js';
import { fileAdvice, otherFormat } from './formats.js';
import { hubAdvice } from './hub.js';
import { parseJson, refuseLoose, shown } from './json.js';
import { AbsentFile, TEMPLATES } from './opened.js';
import { originOf } from './origins.js';
import { FileStream } from './stream.js';

/**
 * @import { Dropped } from './dropped.js'
 * @import { Files } from './given.js'
 * @import { Keep } from './keep.js'
 * @import { Origin } from './opened.js'
 * @import { OnProgress, ReadOptions } from './stream.js'
 * @import { RequestOptions } from './web.js'
 *
 * @typedef {object} Transfer
 * @property {AbortSignal} [signal]
 * @property {OnProgress} [onProgress]
 * @property {Readonly<Record<string, number>>} [sizes]  bytes by file name, where the server does not say
 * @property {Keep} [keep]       what of it is kept on the device
 * @property {number} [idleMs]   of silence, after which a file counts as unreachable
 * @property {number} [stallMs]  of silence, after which an event says so
 */

const MIB = 2 ** 20;
const JSON_CAP = MIB; // bytes; most JSON files are a few KB
/** @type {Readonly<Record<string, number>>}  tokenizer_config.json may list all added tokens once more */
const CAPS = {
  'tokenizer.json': 64 * MIB, 'tokenizer_config.json': 8 * MIB,
  'vocab.json': 16 * MIB, 'merges.txt': 16 * MIB,
};
const TEXT_CAP = 256 * 1024;

/**
 * @param {string | URL | Files | Dropped} source  http(s) or file: URL, path on a disk, the files by name, or
 *   as they were chosen or dropped
 * @param {Transfer & RequestOptions} [options]
 */
export async function openDirectory(source, options = {}) {
  const { signal, onProgress, sizes, idleMs = 30_000, stallMs = 10_000 } = options;
  const { fetch, headers, credentials, cache, keep } = options;
  throwIfAborted(signal);
  const origin = await originOf(source, { fetch, headers, credentials, cache, keep });
  const advice = fileAdvice(source) || hubAdvice(source);
  return new Directory(origin, { signal, onProgress, sizes, idleMs, stallMs }, advice);
}

export class Directory {
  #origin;
  #options;
  #advice;
  #transfers = new AbortController(); // aborted with the caller's signal, or by close()
  #unlisten;

  /** @param {Origin} origin  @param {ReadOptions} options  @param {string} advice  where there is no model */
  constructor(origin, options, advice) {
    this.#origin = origin;
    this.#options = { ...options, signal: this.#transfers.signal };
    this.#advice = advice;
    const { signal } = options;
    const abort = () => this.#transfers.abort(signal?.reason);
    signal?.addEventListener('abort', abort);
    this.#unlisten = () => signal?.removeEventListener('abort', abort);
    if (signal?.aborted) abort();
  }

  /** The address of the files: a URL, a path, or "files". */
  get name() {
    return this.#origin.name;
  }

  /** Stops every transfer that has not ended. */
  close() {
    this.#unlisten();
    this.#transfers.abort();
  }

  /**
   * @param {string} file  a plain name, or one in the folder of templates
   * @param {{ quiet?: boolean }} [options]  quiet: only to look into it; nothing is reported of it
   * @returns {Promise<FileStream>}
   */
  async open(file, { quiet = false } = {}) {
    if (!isPlainName(file.startsWith(TEMPLATES) ? file.slice(TEMPLATES.length) : file)) {
      throw new KvcError('invalid_argument', `"${file}" is not the name of a file in a model directory.`);
    }
    const options = quiet ? { ...this.#options, onProgress: undefined } : this.#options;
    const { signal, onProgress } = options;
    throwIfAborted(signal);
    const label = { name: this.name, file };
    onProgress?.({ status: 'initiate', ...label });
    const onStall = () => onProgress?.({ status: 'stalled', ...label, loaded: 0 });
    const opened = await this.#origin.open(file, { ...options, onStall, quiet });
    const stream = new FileStream(opened, label, options);
    try {
      throwIfAborted(signal);
      onProgress?.({ status: 'download', ...label });
      await stream.refuseHtml();
    } catch (error) {
      stream.close();
      throw error;
    }
    return stream;
  }

  /**
   * The parsed contents of a JSON file; undefined when it is optional and missing. Some servers answer a
   * missing file with a web page.
   * @param {string} file
   * @param {{ optional?: boolean, strict?: boolean }} [options]  strict: no key twice
   * @returns {Promise<unknown>}
   */
  async json(file, { optional = false, strict = false } = {}) {
    let stream;
    try {
      stream = await this.open(file);
    } catch (error) {
      if (!isMissing(error)) throw error;
      if (optional) return undefined;
      throw await this.#withAdvice(error, file);
    }
    const cap = CAPS[file] ?? JSON_CAP;
    const bytes = await stream.take(cap + 1);
    stream.close();
    return parsedJson(bytes, cap, stream, strict);
  }

  /**
   * Files of text that few ask for: read then, after close() too; undefined where one is missing.
   * @param {(file: string) => boolean} isWanted  whether it is one of them
   * @returns {(file: string, signal?: AbortSignal) => Promise<string | undefined>}
   */
  later(isWanted) {
    const origin = this.#origin.only?.(isWanted) ?? this.#origin;
    const { idleMs, stallMs } = this.#options;
    return async (file, signal) => {
      const directory = new Directory(origin, { signal, idleMs, stallMs }, '');
      try {
        return await directory.text(file);
      } finally {
        directory.close();
      }
    };
  }

  /** A file of text; undefined where it is missing. @param {string} file */
  async text(file) {
    const cap = CAPS[file] ?? TEXT_CAP;
    try {
      const stream = await this.open(file);
      const bytes = await stream.take(cap + 1);
      stream.close();
      return parsedText(bytes, cap, stream);
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  }

  /** Whether there is such a file; nothing more of it is read. @param {string} file */
  async has(file) {
    try {
      (await this.open(file, { quiet: true })).close();
      return true;
    } catch (error) {
      if (isMissing(error)) return false;
      throw error;
    }
  }

  /**
   * The error to throw where there are no weights: the model may lie there in another format.
   * @param {KvcError} error  that the weights are missing
   */
  async withoutWeights(error) {
    return (await otherFormat(this, await this.#origin.list?.())) ?? error;
  }

  /** @param {KvcError} error  that a file is missing  @param {string} file */
  async #withAdvice(error, file) {
    const advice = this.#origin.advice?.(file) ?? this.#advice;
    const advised = new KvcError(error.code, error.message + advice, { cause: error.cause });
    return file === 'config.json' ? this.withoutWeights(advised) : advised;
  }
}

/** @param {string} file */
export const isPlainName = (file) => /^\w[\w.-]*$/.test(file);

/** The file is not there, nothing else went wrong. @param {unknown} error  @returns {error is KvcError} */
export const isMissing = (error) => error instanceof AbsentFile
  || (error instanceof KvcError && error.code === 'file_is_html');

/** @param {Uint8Array} bytes  @param {number} cap  @param {FileStream} stream  that they were read from */
function parsedText(bytes, cap, { where, name }) {
  const code = name === 'merges.txt' ? 'tokenizer_invalid' : 'chat_template_failed';
  if (bytes.length > cap) {
    throw new KvcError(code,
      `${where} is longer than ${cap} bytes, the most that is read of ${name}.`);
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new KvcError(code, `${where} is not UTF-8.`, { cause });
  }
}

/**
 * @param {Uint8Array} bytes  @param {number} cap  @param {FileStream} stream  that they were read from
 * @param {boolean} strict
 * @returns {unknown}
 */
function parsedJson(bytes, cap, { where, name }, strict) {
  if (bytes.length > cap) {
    throw new KvcError('json_invalid',
      `${where} is longer than ${cap} bytes, the most that is read of ${name}.`);
  }
  if (bytes.length === 0) throw new KvcError('json_invalid', `${where} is empty; it should hold JSON.`);
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    const value = parseJson(text);
    if (strict) refuseLoose(text, refuseKey);
    return value;
  } catch (cause) {
    const advice = /\.js$/.test(where) ? `. ${bundlerAdvice(where)}` : '';
    const message = `${where} cannot be read as JSON: ${reasonOf(cause)}${advice}`;
    throw new KvcError('json_invalid', message, { cause });
  }
}

/** @param {string} key  @returns {never} */
function refuseKey(key) {
  throw new SyntaxError(`${shown(key)} stands twice in the same object`);
}
