// The weights of a model: model.safetensors, or several files and the index that says which tensor lies in
// which. The index is a stranger's too: what it says is held against the header of each file.
import { KvcError } from '../engine/errors.js';
import { isMissing, isPlainName } from './files.js';
import { shown } from './json.js';
import { readHeader } from './safetensors.js';

/**
 * @import { Directory } from './files.js'
 * @import { Shard, WeightFiles } from './safetensors.js'
 * @import { Header } from './safetensors-header.js'
 * @import { FileStream } from './stream.js'
 */

const WHOLE = 'model.safetensors';
const INDEX = 'model.safetensors.index.json';
const MAX_FILES = 256;

/**
 * Finds the weights, and opens them where they are one file.
 * @param {Directory} directory
 * @returns {Promise<WeightFiles>}
 */
export async function openWeights(directory) {
  try {
    return new Shards(directory, new Map(), [WHOLE], await directory.open(WHOLE));
  } catch (error) {
    if (!isMissing(error)) throw error;
    const json = await directory.json(INDEX, { optional: true, strict: true });
    if (json === undefined) throw await directory.withoutWeights(error);
    const places = weightMap(json);
    return new Shards(directory, places, [...new Set(places.values())].sort());
  }
}

class Shards {
  #directory;
  #places; // tensor -> its file; empty where there is no index
  #opened;
  /** @type {Shard | undefined} */
  #begun;

  /**
   * @param {Directory} directory  @param {Map<string, string>} places
   * @param {string[]} files       their names
   * @param {FileStream} [opened]  the first of them
   */
  constructor(directory, places, files, opened) {
    this.#directory = directory;
    this.#places = places;
    this.#opened = opened;
    this.files = files;
  }

  /** Where the weights are, for messages. */
  get where() {
    return this.#opened?.where ?? `${this.#directory.name}: the files of ${INDEX}`;
  }

  /**
   * The headers of all files, before any data. One after the other: a browser has few connections to a
   * server, and one that is held open and not read gets cut off. A lone file stays open.
   * @returns {Promise<Header[]>}
   */
  async headers() {
    const headers = [];
    for (const file of this.files) {
      const shard = await this.open(file, { quiet: this.files.length > 1 });
      headers.push(shard.header);
      if (this.files.length > 1) shard.stream.close();
      else this.#begun = shard;
    }
    return headers;
  }

  /**
   * A file, its header read and held against the index.
   * @param {string} file  one of `files`
   * @param {{ quiet?: boolean }} [options]  as of Directory.open()
   * @returns {Promise<Shard>}
   */
  async open(file, options) {
    if (this.#begun) return this.#begun;
    const stream = this.#opened ?? await this.#openShard(file, options);
    const header = await readHeader(stream);
    try {
      if (this.#places.size > 0) this.#compare(file, header);
    } catch (error) {
      stream.close();
      throw error;
    }
    return { stream, header };
  }

  /** @param {string} file  @param {{ quiet?: boolean }} [options] */
  async #openShard(file, options) {
    try {
      return await this.#directory.open(file, options);
    } catch (error) {
      if (!isMissing(error)) throw error;
      throw new KvcError(error.code, `${error.message} ${INDEX} names it as one of ${this.files.length}.`,
        { cause: error.cause });
    }
  }

  /** @param {string} file  @param {Header} header */
  #compare(file, { tensors }) {
    const names = new Set(tensors.map(({ name }) => name));
    for (const [name, place] of this.#places) {
      if (place === file && !names.has(name)) {
        throw lie(`tensor ${shown(name)} should be in ${file}, which does not have it`);
      }
    }
    for (const name of names) {
      const place = this.#places.get(name);
      if (place === file) continue;
      const fault = place ? `should be in ${place}` : 'is not listed';
      throw lie(`tensor ${shown(name)} is in ${file}, but ${fault}`);
    }
  }
}

/** @param {string} what */
const lie = (what) => new KvcError('index_invalid',
  `${INDEX} is wrong: ${what}. Take the index and all its files from the same upload.`);

/** @param {unknown} json  @returns {Map<string, string>}  tensor -> file */
function weightMap(json) {
  const map = entriesOf(entriesOf(json, 'it').get('weight_map'), 'weight_map');
  for (const [tensor, file] of map) {
    if (typeof file === 'string' && isPlainName(file) && file.endsWith('.safetensors')) continue;
    throw malformed(`the place of ${shown(tensor)} is ${shown(file)}; it should be the name of a safetensors `
      + 'file beside the index');
  }
  const files = new Set(map.values()).size;
  if (files === 0) throw malformed('weight_map is empty');
  if (files > MAX_FILES) throw malformed(`it names ${files} files; at most ${MAX_FILES} are read`);
  return /** @type {Map<string, string>} */ (map);
}

/** @param {unknown} value  @param {string} what */
function entriesOf(value, what) {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw malformed(`${what} is ${shown(value)}, not an object`);
  }
  return new Map(Object.entries(value));
}

/** @param {string} why */
const malformed = (why) => new KvcError('index_invalid', `${INDEX} cannot be used: ${why}.`);
