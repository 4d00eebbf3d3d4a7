// SentencePiece's table of characters to replace, compiled into a trie: normalizer "Precompiled". Read as
// Rust's tokenizers do, quirks included: the ids are theirs.
//
//   u32 size of the trie in bytes | units of a double array (darts-clone), u32 each | texts, each ended by 0
import { shown } from './json.js';
import { invalid } from './tokenizer-values.js';

const MOST_BYTES = 5; // of a grapheme that is looked up whole
const WINDOW = 1000; // UTF-16 units that the segmenter is given at once: its time grows with their square
const utf8 = new TextEncoder();

/** @param {unknown} base64  @param {string} what  names it  @returns {(text: string) => string} */
export function charsmapOf(base64, what) {
  const { units, texts } = contentsOf(base64, what);
  if (typeof Intl.Segmenter !== 'function') {
    throw invalid(`tokenizer.json: ${what} needs Intl.Segmenter, which this browser does not have.`);
  }
  const segmenter = new Intl.Segmenter('en', { granularity: 'grapheme' });
  /** @param {Uint8Array} bytes */
  const replacement = (bytes) => {
    const at = shortestPrefix(units, bytes);
    return at === undefined ? undefined : textAt(texts, at);
  };
  return (text) => {
    let changed = '';
    for (const segment of graphemesOf(text, segmenter)) {
      const bytes = utf8.encode(segment);
      const whole = bytes.length <= MOST_BYTES ? replacement(bytes) : undefined;
      if (whole !== undefined) changed += whole;
      else for (const character of segment) changed += replacement(utf8.encode(character)) ?? character;
    }
    return changed;
  };
}

/**
 * The graphemes of a text, as the segmenter finds them. Where one ends depends on what it has itself and on
 * the character after it: those of a window are the text's own, but the last, which may go on beyond it.
 * @param {string} text  @param {{ segment: (text: string) => Iterable<{ segment: string }> }} segmenter
 */
export function* graphemesOf(text, segmenter) {
  for (let at = 0, size = WINDOW; at < text.length;) {
    const cutsPair = Number(text.codePointAt(at + size - 1)) > 0xffff;
    const end = Math.min(at + size + Number(cutsPair), text.length);
    const found = Array.from(segmenter.segment(text.slice(at, end)), ({ segment }) => segment);
    const last = end < text.length ? found.pop() ?? '' : '';
    yield* found;
    at = end - last.length;
    size = found.length === 0 ? 2 * size : WINDOW; // a grapheme may be longer
  }
}

/** @param {unknown} base64  @param {string} what */
function contentsOf(base64, what) {
  const bytes = bytesOf(base64);
  const view = new DataView(bytes.buffer);
  const size = bytes.length < 4 ? 0 : view.getUint32(0, true);
  if (size === 0 || size % 4 !== 0 || size > bytes.length - 4) {
    throw invalid(`tokenizer.json: ${what} is ${shown(base64)}, no table of SentencePiece.`);
  }
  const units = Uint32Array.from({ length: size / 4 }, (_, i) => view.getUint32(4 + 4 * i, true));
  return { units, texts: bytes.subarray(4 + size) };
}

/** None where it is not base64. @param {unknown} base64 */
function bytesOf(base64) {
  const isBase64 = typeof base64 === 'string' && base64.length % 4 === 0 && /^[\w+/]*={0,2}$/.test(base64);
  return Uint8Array.from(isBase64 && !base64.includes('_') ? atob(base64) : '', (c) => c.charCodeAt(0));
}

/**
 * Where the text lies that replaces the shortest beginning that is in the table.
 * @param {Uint32Array} units  @param {Uint8Array} bytes
 */
function shortestPrefix(units, bytes) {
  let at = offsetOf(units[0]);
  for (const byte of bytes) {
    at ^= byte;
    const unit = units[at];
    if (byte === 0 || unit === undefined || (unit & 0x800000ff) !== byte) return undefined;
    at ^= offsetOf(unit);
    if ((unit & 0x100) !== 0) return units[at] & 0x7fffffff;
  }
  return undefined;
}

/** @param {number} unit */
const offsetOf = (unit) => (unit >>> 10) << ((unit & 0x200) >>> 6);

/** @param {Uint8Array} texts  @param {number} at */
function textAt(texts, at) {
  const end = texts.indexOf(0, at);
  return new TextDecoder().decode(texts.subarray(at, end < 0 ? texts.length : end));
}
