// The text of a run up to a stop string: what a stop string could still begin with is held back, and what
// is given out ends where it begins. Of several the one that is complete first counts, as if the text came
// letter by letter (of those complete at once the longest): so where tokens begin and end changes nothing.

/** @typedef {{ push: (id: number) => string, flush: () => string }} TextStream */

/** @implements {TextStream} */
export class StopText {
  /** The stop string that was found. @type {string | null} */
  found = null;
  #stream;
  #stops;
  #skipped;
  #held = '';

  /**
   * @param {TextStream} stream  @param {readonly string[]} stops
   * @param {number} skipped  tokens in whose text none is looked for
   */
  constructor(stream, stops, skipped) {
    this.#stream = stream;
    this.#stops = stops;
    this.#skipped = skipped;
  }

  /** Whether some characters wait for what comes next. */
  get holds() {
    return this.#held !== '';
  }

  /** The characters that may be given out once this token is there. @param {number} id */
  push(id) {
    const piece = this.#stream.push(id);
    if (this.#stops.length === 0 || this.#skipped-- > 0) return piece;
    return this.#search(this.#held + piece);
  }

  /** What is left at the end of a text; nothing behind a stop string. */
  flush() {
    const rest = this.#held + this.#stream.flush();
    this.#held = '';
    return this.found === null ? rest : '';
  }

  /** @param {string} text */
  #search(text) {
    const [first] = this.#stops
      .map((stop) => ({ stop, at: text.indexOf(stop) }))
      .filter(({ at }) => at >= 0)
      .sort((a, b) => a.at + a.stop.length - b.at - b.stop.length || a.at - b.at);
    this.found = first?.stop ?? null;
    const end = first ? first.at : text.length - this.#begun(text);
    this.#held = first ? '' : text.slice(end);
    return text.slice(0, end);
  }

  /** The most characters at the end of a text with which a stop string begins. @param {string} text */
  #begun(text) {
    const longest = Math.max(...this.#stops.map(({ length }) => length - 1));
    for (let n = Math.min(longest, text.length); n > 0; n--) {
      const end = text.slice(-n);
      if (this.#stops.some((stop) => stop.startsWith(end))) return n;
    }
    return 0;
  }
}
