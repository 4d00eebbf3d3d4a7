// A list that only grows, shared by the states that have it.

/**
 * `append` costs O(1) and returns a new log; the old one keeps its length, and so a state made earlier still
 * reads what it always did. The two share their items. Appending to a log that is not the longest any more
 * copies it first.
 * @template T
 */
export class Log {
  #items;

  /** @param {T[]} [items]  taken over: nobody else writes them */
  constructor(items = []) {
    this.#items = items;
    this.length = items.length;
  }

  /** @param {number} index  @returns {T | undefined} */
  at(index) {
    return index < this.length ? this.#items[index] : undefined;
  }

  /** @param {T} item  @returns {Log<T>} */
  append(item) {
    const items = this.#items.length === this.length ? this.#items : this.#items.slice(0, this.length);
    items.push(item);
    return new Log(items);
  }

  /** The first n items, or all. @param {number} n */
  first(n) {
    const log = new Log(this.#items);
    log.length = Math.min(n, this.length);
    return log;
  }

  /** The items from an index on. @param {number} start  @returns {Generator<T>} */
  *from(start) {
    for (let i = start; i < this.length; i++) yield this.#items[i];
  }

  [Symbol.iterator]() {
    return this.from(0);
  }

  toJSON() {
    return [...this];
  }
}
