// A file inside a script: gzipped, and written in base64. It is unpacked piece by piece as it is read, so
// that no thread is blocked by megabytes.

const PIECE = 256 * 1024; // characters of base64; a multiple of 4

/** Like a Blob of the file, as far as reading goes; only the end tells how large it is. */
export class Packed {
  #text;

  /** @param {string} text */
  constructor(text) {
    this.#text = text;
  }

  stream() {
    const text = this.#text;
    let at = 0;
    /** @type {ReadableStream<BufferSource>} */
    const pieces = new ReadableStream({
      pull(out) {
        if (at >= text.length) return out.close();
        out.enqueue(bytesOf(text.slice(at, at += PIECE)));
      },
    });
    return pieces.pipeThrough(new DecompressionStream('gzip'));
  }
}

/** @param {string} text  in base64 */
const bytesOf = (text) => Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
