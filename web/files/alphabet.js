// How tokens spell bytes. The byte-level alphabet has one printable character for each; SentencePiece writes
// text as it is, with ▁ for a space, and a byte that it has no character for as "<0xE2>".

const utf8 = new TextEncoder();

/** @param {number} byte */
const isPrintable = (byte) => (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte !== 0xad);

/**
 * The byte-level alphabet: bytes that are printable in Latin-1 stand for themselves; the other 68 take U+0100
 * onwards, in order.
 */
const BYTE_OF = new Map(Array.from({ length: 256 }, (_, byte) => byte)
  .sort((a, b) => Number(isPrintable(b)) - Number(isPrintable(a)) || a - b)
  .map((byte, rank) => [String.fromCharCode(isPrintable(byte) ? byte : 256 + rank - 188), byte]));

/** @type {string[]} */
const CHARACTER_OF = [];
for (const [character, byte] of BYTE_OF) CHARACTER_OF[byte] = character;

/** A text in the byte-level alphabet. @param {string} text */
export function spelt(text) {
  let letters = '';
  for (const byte of utf8.encode(text)) letters += CHARACTER_OF[byte];
  return letters;
}

/** The bytes that a vocabulary has no letter for. @param {ReadonlyMap<string, number>} vocab */
export const bytesWithoutLetter = (vocab) => (
  new Set([...BYTE_OF].filter(([character]) => !vocab.has(character)).map(([, byte]) => byte)));

/** "<0xE2>" of a byte. @param {number} byte */
export const byteToken = (byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`;

/**
 * The bytes of a byte-level token; one that is not written in the alphabet stands for its own text.
 * @param {string} token
 */
export function bytesOfLetters(token) {
  const bytes = [];
  for (const character of token) {
    const byte = BYTE_OF.get(character);
    if (byte === undefined) return utf8.encode(token);
    bytes.push(byte);
  }
  return Uint8Array.from(bytes);
}

/** The bytes of a token of SentencePiece. @param {string} token  @param {boolean} fallback  knows "<0xE2>" */
export function bytesOfPiece(token, fallback) {
  if (fallback && /^<0x[\dA-Fa-f]{2}>$/.test(token)) return Uint8Array.of(parseInt(token.slice(3, 5), 16));
  return utf8.encode(token.replaceAll('▁', ' '));
}
