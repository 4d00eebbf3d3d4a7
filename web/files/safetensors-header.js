// The JSON header of a safetensors file, strictly checked: a file may come from anywhere, so nothing in its
// header is trusted before it is checked.
import { KvcError, reasonOf } from '../engine/errors.js';
import { parseJson, refuseLoose, shown } from './json.js';

export const PREFIX_BYTES = 8; // before the header: its length

const MAX_TENSORS = 65_536;
const MAX_RANK = 8;
const MAX_NAME_BYTES = 512;

/** Bits per element of every dtype in the format; few of them can be computed with here. */
const DTYPE_BITS = new Map([
  ['F4', 4], ['F6_E2M3', 6], ['F6_E3M2', 6],
  ['BOOL', 8], ['U8', 8], ['I8', 8], ['F8_E5M2', 8], ['F8_E4M3', 8], ['F8_E8M0', 8],
  ['F8_E4M3FNUZ', 8], ['F8_E5M2FNUZ', 8],
  ['I16', 16], ['U16', 16], ['F16', 16], ['BF16', 16],
  ['I32', 32], ['U32', 32], ['F32', 32],
  ['I64', 64], ['U64', 64], ['F64', 64], ['C64', 64],
]);

/**
 * @typedef {object} TensorInfo
 * @property {string} name
 * @property {string} dtype
 * @property {number[]} shape   outermost first; [] is a scalar
 * @property {number} begin     offset of the first byte, counted from the end of the header
 * @property {number} end       offset after the last byte
 *
 * @typedef {object} Header
 * @property {TensorInfo[]} tensors         in file order
 * @property {Map<string, string>} metadata
 * @property {number} headerBytes           N: the data starts at byte 8 + N
 * @property {number} dataBytes             the file is 8 + N + dataBytes long
 */

/**
 * @param {Uint8Array} bytes      the N bytes of the header
 * @param {number} [fileSize]     of the whole file, when known
 * @returns {Header}
 */
export function parseHeader(bytes, fileSize) {
  const entries = new Map(Object.entries(jsonOf(bytes)));
  const metadata = entries.has('__metadata__') ? stringMap(entries.get('__metadata__')) : new Map();
  entries.delete('__metadata__');
  if (entries.size > MAX_TENSORS) {
    throw new KvcError('safetensors_header_too_large',
      `The header names ${entries.size} tensors; at most ${MAX_TENSORS} are read.`);
  }
  const tensors = Array.from(entries, ([name, info]) => tensorInfo(name, info));
  tensors.sort((a, b) => a.begin - b.begin || a.end - b.end);
  const dataBytes = checkLayout(tensors);
  checkFileSize(PREFIX_BYTES + bytes.length + dataBytes, fileSize);
  return { tensors, metadata, headerBytes: bytes.length, dataBytes };
}

/** @param {number} described  bytes, by the header  @param {number | undefined} fileSize */
function checkFileSize(described, fileSize) {
  if (!Number.isSafeInteger(described)) {
    throw new KvcError('safetensors_overflow', 'The header describes more bytes than can be counted.');
  }
  if (fileSize === undefined) return;
  if (fileSize < described) {
    throw new KvcError('file_truncated', `The file is ${fileSize} bytes long, but its header describes `
      + `${described}. Load it again, or check that the upload was complete.`);
  }
  if (fileSize > described) throw trailingBytes(`${fileSize - described} bytes`);
}

/** @param {string} what */
export function trailingBytes(what) {
  return new KvcError('safetensors_trailing_bytes', `After its last tensor the file goes on with ${what}.`);
}

// ---- JSON ---------------------------------------------------------------------------------------

/** @param {Uint8Array} bytes  @returns {object} */
function jsonOf(bytes) {
  let text;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new KvcError('safetensors_header_utf8', 'The header is not valid UTF-8.', { cause });
  }
  let value;
  try {
    value = parseJson(text);
  } catch (cause) {
    const why = `The header cannot be read as JSON: ${reasonOf(cause)}`;
    throw new KvcError('safetensors_header_json', why, { cause });
  }
  if (!isObject(value)) throw new KvcError('safetensors_header_json', 'The header is not a JSON object.');
  refuseLoose(text, refuseKey, refuseNumber);
  return value;
}

/** @param {string} key  @returns {never} */
function refuseKey(key) {
  throw new KvcError('safetensors_duplicate_key',
    `${shown(key)} appears twice in the same object of the header.`);
}

/** @param {number} at  @returns {never} */
function refuseNumber(at) {
  throw new KvcError('safetensors_tensor_info',
    `Character ${at} of the header: sizes and offsets must be plain integers.`);
}

/** @param {unknown} value  @returns {value is object} */
const isObject = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);

/** @param {unknown} metadata  @returns {Map<string, string>} */
function stringMap(metadata) {
  if (!isObject(metadata) || Object.values(metadata).some((value) => typeof value !== 'string')) {
    throw new KvcError('safetensors_metadata', '__metadata__ must be an object of strings.');
  }
  return new Map(Object.entries(metadata));
}

// ---- tensors ------------------------------------------------------------------------------------

/** @param {string} name  @param {unknown} info  @returns {TensorInfo} */
function tensorInfo(name, info) {
  const what = `Tensor ${shown(name)}`;
  checkName(what, name);
  const { dtype, shape, begin, end } = entryOf(what, info);
  for (const size of [...shape, begin, end]) checkCount(what, size);
  if (begin > end) {
    throw new KvcError('safetensors_offsets', `${what} begins at byte ${begin} but ends at byte ${end}.`);
  }
  const needed = bytesNeeded(what, dtype, shape);
  if (end - begin !== needed) {
    throw new KvcError('safetensors_size_mismatch',
      `${what}: ${dtype} [${shape}] needs ${needed} bytes, but its range has ${end - begin}.`);
  }
  return { name, dtype, shape, begin, end };
}

/** @param {string} what  @param {string} name */
function checkName(what, name) {
  if (new TextEncoder().encode(name).length > MAX_NAME_BYTES) {
    throw malformed(what, `its name is longer than ${MAX_NAME_BYTES} bytes`);
  }
  if (name.includes('\0')) throw malformed(what, 'its name contains a NUL, where a name in C would end');
}

/**
 * The parts of an entry, each of the right kind; the numbers are still unchecked.
 * @param {string} what  @param {unknown} info
 */
function entryOf(what, info) {
  if (!isObject(info)) throw malformed(what, 'its entry is not an object');
  const { dtype, shape, data_offsets: offsets } = /** @type {Record<string, unknown>} */ (info);
  if (Object.keys(info).sort().join() !== 'data_offsets,dtype,shape') {
    throw malformed(what, 'its entry must hold dtype, shape and data_offsets, and nothing else');
  }
  if (typeof dtype !== 'string') throw malformed(what, 'its dtype is not a string');
  if (!Array.isArray(shape)) throw malformed(what, 'its shape is not an array');
  if (shape.length > MAX_RANK) {
    throw malformed(what, `it has ${shape.length} dimensions; at most ${MAX_RANK} are supported`);
  }
  const isPair = Array.isArray(offsets) && offsets.length === 2;
  if (!isPair) throw malformed(what, 'its data_offsets are not a pair');
  const [begin, end] = offsets;
  return { dtype, shape, begin, end };
}

/** @param {string} what  @param {string} why */
function malformed(what, why) {
  return new KvcError('safetensors_tensor_info', `${what}: ${why}.`);
}

/** @param {string} what  @param {unknown} value */
function checkCount(what, value) {
  if (typeof value !== 'number' || value < 0) {
    throw malformed(what, 'its sizes and offsets must be non-negative integers');
  }
  checkExact(what, value);
}

/** Beyond 2^53 a JavaScript number is no longer exact. @param {string} what  @param {number} value */
function checkExact(what, value) {
  if (Number.isSafeInteger(value)) return;
  throw new KvcError('safetensors_overflow', `${what}: a size is too large to count with.`);
}

/** @param {string} what  @param {string} dtype  @param {number[]} shape */
function bytesNeeded(what, dtype, shape) {
  const bits = DTYPE_BITS.get(dtype);
  if (bits === undefined) {
    throw new KvcError('safetensors_dtype', `${what} has the unknown dtype ${shown(dtype)}.`);
  }
  let total = bits;
  for (const size of shape) checkExact(what, (total *= size));
  if (total % 8 !== 0) {
    throw new KvcError('safetensors_size_mismatch',
      `${what}: ${dtype} [${shape}] does not fill a whole number of bytes.`);
  }
  return total / 8;
}

/** Back to back from 0 on: nothing can hide in a hole or be read twice. @param {TensorInfo[]} tensors */
function checkLayout(tensors) {
  let position = 0;
  for (const { name, begin, end } of tensors) {
    if (begin !== position) {
      const fault = begin > position ? 'there is a hole' : 'it overlaps another tensor';
      throw new KvcError('safetensors_offsets',
        `Tensor ${shown(name)} begins at byte ${begin}, not at byte ${position}: ${fault}.`);
    }
    position = end;
  }
  return position;
}
