// Where a text is streamed to. Standard output gets the text and nothing else, when it is a file or a pipe to
// the letter. A terminal has, besides, a line at its bottom that says how it goes: the text scrolls in the
// region above it and cannot run into it, and characters that would steer the terminal are shown and do not.
import { once } from 'node:events';

/**
 * @import { EventEmitter } from 'node:events'
 * @import { WriteStream } from 'node:tty'
 * @typedef {EventEmitter & Pick<WriteStream, 'write' | 'isTTY' | 'rows' | 'columns'>} Output
 */

const STATUS_MS = 100;  // between two looks of it
const LEAST_ROWS = 4;

const [SAVE, RESTORE] = ['\x1b7', '\x1b8'];
const [DIM, PLAIN] = ['\x1b[2m', '\x1b[0m'];
const CONTROLS = /[\0-\x08\x0b-\x1f\x7f-\x9f]/g;
const harmless = (/** @type {string} */ text) => text.replace(CONTROLS, '\ufffd');

export class Screen {
  #out;
  #signal;
  #hasStatus;
  #isOpen = false;
  #shownAt = -Infinity;
  #status = '';
  #atLineStart = true;

  /**
   * @param {AbortSignal} signal  ends waiting for a slow reader
   * @param {Output} [out]
   */
  constructor(signal, out = process.stdout) {
    this.#signal = signal;
    this.#out = out;
    this.#hasStatus = out.isTTY && out.rows >= LEAST_ROWS && process.env.TERM !== 'dumb';
  }

  /** Whether people look at it. */
  get isTerminal() {
    return this.#out.isTTY === true;
  }

  /**
   * More of the text. Waits for a reader that is slower than the model.
   * @param {string} text
   */
  async text(text) {
    if (text === '') return;
    this.#atLineStart = text.endsWith('\n');
    const shown = this.isTerminal ? harmless(text) : text;
    if (this.#out.write(shown) || this.#signal.aborted) return;
    // An abort is heard by whoever writes.
    await once(this.#out, 'drain', { signal: this.#signal }).catch(() => {});
  }

  /** Something beside the text, for people alone: in a line of its own. @param {string} words */
  async aside(words) {
    if (!this.isTerminal) return;
    await this.endLine();
    this.#out.write(`${DIM}${harmless(words)}${PLAIN}\n`);
  }

  /** The next text begins a line. */
  async endLine() {
    if (!this.#atLineStart) await this.text('\n');
  }

  // ---- the line at the bottom -------------------------------------------------------------------

  /** How it goes, ten times a second at most. @param {() => string} words */
  status(words) {
    const now = performance.now();
    if (!this.#hasStatus || now - this.#shownAt < STATUS_MS) return;
    this.#shownAt = now;
    this.#status = words();
    if (!this.#isOpen) this.#open();
    this.#draw();
  }

  #draw() {
    const { rows, columns } = this.#out;
    const line = this.#status.slice(0, columns - 1);
    this.#out.write(`${SAVE}\x1b[${rows};1H${DIM}${line}${PLAIN}\x1b[K${RESTORE}`);
  }

  /** Takes the bottom line off what scrolls; the text moves up if it stands there. */
  #open() {
    if (!this.#isOpen) {
      this.#out.on('resize', this.#resize);
      process.once('exit', this.#leave);
    }
    this.#isOpen = true;
    const [whole, down, up] = [`${SAVE}\x1b[r${RESTORE}`, '\x1bD', '\x1b[A'];
    this.#out.write(`${whole}${down}${up}${SAVE}\x1b[1;${this.#out.rows - 1}r${RESTORE}`);
  }

  #resize = () => {
    this.#out.write('\x1b[J'); // the line as it was may now stand anywhere below
    if (this.#out.rows < LEAST_ROWS) return this.#leave();
    this.#open();
    this.#draw();
  };

  #leave = () => {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#out.off('resize', this.#resize);
    process.off('exit', this.#leave);
    this.#out.write(`${SAVE}\x1b[${this.#out.rows};1H\x1b[2K\x1b[r${RESTORE}`);
  };

  /** The terminal as it was; the text stays. */
  async close() {
    this.#leave();
    this.#shownAt = -Infinity;
    await this.endLine();
  }
}
