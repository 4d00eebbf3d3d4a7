// What a run leaves behind: its events in, story, speeds and points of the chart out.
import { counted, measured } from '../measure/numbers.js';
import { Curves, Meter } from './speed.js';

/** @typedef {'on' | 'off'} Mode */
/** @typedef {{ tokens: number, reused: number, ms: number, cached: boolean }} Prompt  as it was read */
/** @typedef {{ meter: Meter, prefill?: Prompt, work?: number }} Column */

export class Recorder {
  curves = new Curves();
  /** The two columns of numbers; each is of the last run that had that mode. @type {Record<Mode, Column>} */
  columns = { on: { meter: new Meter() }, off: { meter: new Meter() } };
  /** What the last token was computed with. @type {Mode} */
  mode = 'on';
  /** Tokens in the text. */
  position = 0;
  /** The prompt of this run, once it is read. @type {Prompt | undefined} */
  prompt;
  /** @type {import('../session/session.js').MemoryUsage | undefined} */
  memory;

  #story;
  #maxTokens = 0;
  #capacity = 0;
  /** Modes that the current run has a column of its own for. @type {Set<Mode>} */
  #seen = new Set();
  /** @type {number[]} */
  #ids = [];
  #ms = 0;
  #unmeasured = 0;
  #catchUp = '';
  #unwritten = '';

  /** @param {import('./view.js').Story} story */
  constructor(story) {
    this.#story = story;
  }

  /** @param {string} prompt  @param {number} maxTokens  @param {number} capacity */
  begin(prompt, maxTokens, capacity) {
    this.#story.begin(prompt);
    this.position = 0;
    this.prompt = undefined;
    this.#maxTokens = maxTokens;
    this.#capacity = capacity;
    this.#seen.clear();
    this.#ids = [];
    this.#ms = this.#unmeasured = 0;
    this.#catchUp = '';
  }

  /** The token ids written in this run, and the milliseconds of computing them. */
  get result() {
    return { ids: this.#ids, ms: this.#ms };
  }

  /** What there is to say about this run beside its numbers. */
  get remark() {
    const hidden = this.#unmeasured > 0 ? `${counted(this.#unmeasured)} tokens came while this tab was hidden; they are not measured. ` : '';
    return hidden + this.#catchUp;
  }

  clear() {
    this.curves.clear();
    this.columns = { on: { meter: new Meter() }, off: { meter: new Meter() } };
    this.#seen.clear();
  }

  /** @param {Prompt} prompt */
  prefilled(prompt) {
    this.prompt = prompt;
    this.mode = prompt.cached ? 'on' : 'off';
    this.#column(this.mode).prefill = prompt;
    this.curves.expected = Math.max(this.curves.expected, Math.min(prompt.tokens + this.#maxTokens, this.#capacity));
  }

  /** @param {{ tokens: import('../worker/messages.js').WrittenToken[], memory: import('../session/session.js').MemoryUsage }} event */
  take({ tokens, memory }) {
    this.memory = memory;
    for (const token of tokens) this.#takeOne(token);
    this.#flush();
  }

  /** @param {import('../worker/messages.js').WrittenToken} token */
  #takeOne({ id, text, position, ms, cached, work, missing }) {
    const mode = cached ? 'on' : 'off';
    const column = this.#column(mode);
    if (mode !== this.mode) {
      column.meter.breakStretch();
      this.#flush();
      this.#story.flip(mode);
    }
    this.mode = mode;
    this.position = position + 1;
    this.#ids.push(id);
    this.#ms += ms;
    this.#unwritten += text;
    column.work = work;
    if (missing > 0) { // its time is that of many tokens
      this.#catchUp = `Switched on again, the cache first took in the ${counted(missing)} tokens it had missed: ${measured(ms)} ms, not in the chart.`;
    } else if (document.hidden) {
      this.#unmeasured++; // browsers slow hidden tabs down
      column.meter.breakStretch();
    } else {
      column.meter.add(ms);
      if (column.meter.now !== undefined) this.curves.set(mode, position, column.meter.now);
    }
  }

  /** Writes all at once: the page is laid out for every write. */
  #flush() {
    if (this.#unwritten) this.#story.write(this.#unwritten);
    this.#unwritten = '';
  }

  /** The column of a mode, a new one when the current run uses it for the first time. @param {Mode} mode */
  #column(mode) {
    if (!this.#seen.has(mode)) this.columns[mode] = { meter: new Meter() };
    this.#seen.add(mode);
    return this.columns[mode];
  }
}

/** Where two runs of the same seed part; -1 if nowhere. @param {number[]} a  @param {number[]} b */
export function firstDifference(a, b) {
  if (a.length === b.length && a.every((id, i) => id === b[i])) return -1;
  const shorter = Math.min(a.length, b.length);
  for (let i = 0; i < shorter; i++) if (a[i] !== b[i]) return i;
  return shorter;
}
