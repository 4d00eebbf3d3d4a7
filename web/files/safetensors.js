// The safetensors format: 8 bytes N (u64, little-endian), N bytes of JSON that say where each tensor lies,
// then the tensors back to back up to the last byte of the file. The rules for the JSON are in
// safetensors-header.js.
import { KvcError } from '../engine/errors.js';
import { shown } from './json.js';
import { PREFIX_BYTES, parseHeader, trailingBytes } from './safetensors-header.js';

/**
 * @import { FileStream } from './stream.js'
 * @import { Header, TensorInfo } from './safetensors-header.js'
 *
 * @typedef {typeof USABLE[number]} UsableDtype
 *
 * @typedef {object} Shard  a file whose header is read, and whose stream is at its first tensor
 * @property {FileStream} stream
 * @property {Header} header
 *
 * @typedef {object} WeightFiles  that a model's weights are in
 * @property {string[]} files     their names
 * @property {string} where       for messages
 * @property {() => Promise<Header[]>} headers  of all of them, before any data
 * @property {(file: string, options?: { quiet?: boolean }) => Promise<Shard>} open  quiet: not reported
 */

/** Dtypes of tensors that the engine takes. */
const USABLE = /** @type {const} */ (['F32', 'F16', 'BF16', 'F8_E4M3', 'F8_E5M2']);
const MAX_HEADER_BYTES = 16 * 2 ** 20;

/**
 * Reads and checks the header, and leaves the stream at the first byte of the first tensor.
 * @param {FileStream} stream
 * @returns {Promise<Header>}
 */
export async function readHeader(stream) {
  try {
    const prefix = await stream.take(PREFIX_BYTES);
    const length = headerLength(prefix, stream.size);
    const bytes = await stream.take(length);
    if (bytes.length < length) throw endsInHeader(length, PREFIX_BYTES + bytes.length);
    const header = parseHeader(bytes, stream.size);
    stream.expect(PREFIX_BYTES + header.headerBytes + header.dataBytes);
    return header;
  } catch (error) {
    stream.close();
    throw named(stream, error);
  }
}

/**
 * Adds the name of the file, which the rules of the format do not know.
 * @param {FileStream} stream  @param {unknown} error
 */
function named(stream, error) {
  if (!(error instanceof KvcError) || error.message.includes(stream.where)) return error;
  return new KvcError(error.code, `${stream.where}: ${error.message}`, { cause: error.cause });
}

/** N, from the first 8 bytes. @param {Uint8Array} prefix  @param {number} [fileSize] */
function headerLength(prefix, fileSize) {
  if (prefix.length < PREFIX_BYTES) {
    throw new KvcError('safetensors_header_too_small', `The file ends after ${prefix.length} bytes; a `
      + 'safetensors file starts with 8 bytes that give the length of its header.');
  }
  const length = new DataView(prefix.buffer, prefix.byteOffset).getBigUint64(0, true);
  if (length > MAX_HEADER_BYTES) {
    throw new KvcError('safetensors_header_too_large', `The header claims ${length} bytes; at most `
      + `${MAX_HEADER_BYTES} are read. Perhaps the file is not a safetensors file.`);
  }
  const bytes = Number(length);
  if (fileSize !== undefined && PREFIX_BYTES + bytes > fileSize) throw endsInHeader(bytes, fileSize);
  return bytes;
}

/** @param {number} length  @param {number} fileSize */
function endsInHeader(length, fileSize) {
  return new KvcError('safetensors_header_length', `The header should be ${length} bytes after the first 8, `
    + `but the file is only ${fileSize} bytes long. Load it again, or check that the upload was complete.`);
}

/**
 * The number format of a tensor that the engine is about to load.
 * @param {TensorInfo} tensor
 * @returns {UsableDtype}
 */
export function usableDtype({ name, dtype }) {
  const usable = USABLE.find((each) => each === dtype);
  if (usable) return usable;
  throw new KvcError('safetensors_dtype',
    `Tensor ${shown(name)} is ${dtype}; only ${USABLE.join(', ')} can be used. Convert the model.`);
}

/**
 * The data of all tensors in file order, in pieces as they arrive: views, each valid until the next piece. A
 * piece never spans two tensors but may end in the middle of an element.
 * @param {FileStream} stream  as readHeader left it
 * @param {Header} header
 * @returns {AsyncGenerator<{ tensor: TensorInfo, offset: number, bytes: Uint8Array }>}
 */
export async function* tensorChunks(stream, header) {
  const filled = header.tensors.filter(({ begin, end }) => end > begin).values();
  let tensor = filled.next().value;
  let position = 0;
  for await (let chunk of stream.chunks()) {
    while (chunk.length > 0) {
      if (!tensor) throw named(stream, trailingBytes('bytes'));
      const bytes = chunk.subarray(0, tensor.end - position);
      yield { tensor, offset: position - tensor.begin, bytes };
      position += bytes.length;
      if (position === tensor.end) tensor = filled.next().value;
      chunk = chunk.subarray(bytes.length);
    }
  }
}
