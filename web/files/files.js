// A model directory, wherever it lies: on a web server, on Node's disk, or in Blobs.
//
//   openDirectory(source) -> Directory -> json('config.json') | open('model.safetensors') -> FileStream
//
// The places are in origins.js; what reading a file has in common in all of them is in stream.js.
import { KvcError, reasonOf, throwIfAborted } from '../engine/errors.js';
import { AbsentFile, originOf } from './origins.js';
import { FileStream } from './stream.js';

/**
 * @import { Blobs, Origin } from './origins.js'
 * @import { OnProgress, ReadOptions } from './stream.js'
 */

const MIB = 2 ** 20;
const JSON_CAP = MIB;            // bytes; every JSON file except the vocabulary is a few KB
const TOKENIZER_CAP = 64 * MIB;

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
  #options;

  /** @param {Origin} origin  @param {ReadOptions} options */
  constructor(origin, options) {
    this.#origin = origin;
    this.#options = options;
  }

  /** The address of the files: a URL, a path, or "files". */
  get name() {
    return this.#origin.name;
  }

  /** @param {string} file  a plain name  @returns {Promise<FileStream>} */
  async open(file) {
    if (!/^\w[\w.-]*$/.test(file)) {
      throw new KvcError('invalid_argument', `"${file}" is not the name of a file in a model directory.`);
    }
    const { signal, onProgress } = this.#options;
    throwIfAborted(signal);
    const label = { name: this.name, file };
    onProgress?.({ status: 'initiate', ...label });
    const stream = new FileStream(await this.#origin.open(file, this.#options), label, this.#options);
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
   * @param {{ optional?: boolean }} [options]
   * @returns {Promise<unknown>}
   */
  async json(file, { optional = false } = {}) {
    let stream;
    try {
      stream = await this.open(file);
    } catch (error) {
      if (optional && isMissing(error)) return undefined;
      throw error;
    }
    const cap = file === 'tokenizer.json' ? TOKENIZER_CAP : JSON_CAP;
    const bytes = await stream.take(cap + 1);
    stream.close();
    return parsedJson(bytes, cap, stream);
  }
}

/** @param {unknown} error */
const isMissing = (error) => error instanceof AbsentFile
  || (error instanceof KvcError && error.code === 'file_is_html');

/**
 * @param {Uint8Array} bytes  @param {number} cap  @param {FileStream} stream  that they were read from
 * @returns {unknown}
 */
function parsedJson(bytes, cap, { where, name }) {
  if (bytes.length > cap) {
    throw new KvcError('json_invalid',
      `${where} is longer than ${cap} bytes, the most that is read of ${name}.`);
  }
  if (bytes.length === 0) throw new KvcError('json_invalid', `${where} is empty; it should hold JSON.`);
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new KvcError('json_invalid', `${where} is not valid JSON: ${reasonOf(cause)}`, { cause });
  }
}
