// A terminal, as far as the command steers one: wrapping at the edge that waits for the next character, a
// region that scrolls, a saved cursor. Unknown sequences are a failure.
import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';

export class Terminal extends EventEmitter {
  isTTY = true;
  above = []; // rows that have scrolled off at the top
  #row = 0;
  #column = 0;
  #waits = false; // the cursor stands behind the last column
  #saved = [0, 0, false];
  #region;

  constructor(rows, columns) {
    super();
    Object.assign(this, { rows, columns });
    this.lines = Array.from({ length: rows }, () => '');
    this.#region = [0, rows - 1];
  }

  /** What one sees, and above it what one scrolls back to. */
  get all() {
    return [...this.above, ...this.lines];
  }

  /** Rows that scroll. */
  get region() {
    return this.#region.map((row) => row + 1);
  }

  write(text) {
    const parts = text.match(/\x1b\[[\d;]*[A-Za-z]|\x1b[78D]|[^\x1b]/gu) ?? [];
    assert.equal(parts.join(''), text, 'every sequence is known');
    for (const part of parts) this.#take(part);
    return true;
  }

  /** More or fewer rows at the bottom; what scrolls is all of it again. */
  resize(rows) {
    while (this.lines.length > rows) {
      if (this.#row < this.lines.length - 1 && this.#row < rows) this.lines.pop();
      else {
        this.above.push(this.lines.shift());
        this.#row--;
      }
    }
    while (this.lines.length < rows) this.lines.push('');
    this.rows = rows;
    this.#region = [0, rows - 1];
    this.emit('resize');
  }

  #take(part) {
    if (part === '\n') this.#down(true);
    else if (part === '\r') this.#go(this.#row, 0);
    else if (part === '\x1bD') this.#down(false);
    else if (part === '\x1b7') this.#saved = [this.#row, this.#column, this.#waits];
    else if (part === '\x1b8') [this.#row, this.#column, this.#waits] = this.#saved;
    else if (part.startsWith('\x1b[')) this.#control(part.at(-1), part.slice(2, -1).split(';').map(Number));
    else this.#put(part);
  }

  #control(kind, [first, second]) {
    if (kind === 'm') return;
    if (kind === 'A') this.#go(this.#row - (first || 1), this.#column);
    else if (kind === 'H') this.#go((first || 1) - 1, (second || 1) - 1);
    else if (kind === 'r') {
      this.#region = [(first || 1) - 1, (second || this.rows) - 1];
      this.#go(0, 0);
    } else if (kind === 'K') this.lines[this.#row] = first === 2 ? '' : this.#left();
    else if (kind === 'J') {
      this.lines[this.#row] = this.#left();
      this.lines.fill('', this.#row + 1);
    } else assert.fail(`the sequence ${kind} is not known`);
  }

  #left() {
    return this.lines[this.#row].slice(0, this.#column);
  }

  #go(row, column) {
    [this.#row, this.#column, this.#waits] = [row, column, false];
  }

  #put(character) {
    assert.ok(character >= ' ' && !/[\x7f-\x9f]/.test(character), 'nothing else steers it');
    if (this.#waits) this.#down(true);
    const line = this.lines[this.#row].padEnd(this.#column);
    this.lines[this.#row] = line.slice(0, this.#column) + character + line.slice(this.#column + 1);
    this.#waits = this.#column === this.columns - 1;
    if (!this.#waits) this.#column++;
  }

  #down(toStart) {
    const [top, bottom] = this.#region;
    const column = toStart ? 0 : this.#column;
    if (this.#row === bottom) {
      const [line] = this.lines.splice(top, 1);
      if (top === 0) this.above.push(line);
      this.lines.splice(bottom, 0, '');
      this.#go(this.#row, column);
    } else this.#go(Math.min(this.#row + 1, this.rows - 1), column);
  }
}
