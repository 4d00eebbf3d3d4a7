/// <reference path="../css.d.ts" />
// The strips: Q, K and V of one head as the engine has them; what a step adds, what it leaves alone, and what
// it uses once.
import { Looks, absenceWords, canLook, newestOf } from '../looks.js';
import { element, put, say } from '../parts/dom.js';
import { framed, framedStyles } from '../parts/figure.js';
import { quoted } from '../parts/story-text.js';
import { StripsDrawing } from '../parts/strips-drawing.js';
import { stripsPicture } from '../parts/strips-picture.js';
import { Rows, factsOf, freshAt, modeAt, roomFor, rowAfter, stepAt } from '../strips.js';
import { engineOf } from '../recorded.js';
import { gapAt, slideOf } from '../sliding.js';
import { LOOKS } from '../words/looks.js';
import { STRIPS } from '../words/strips.js';
import styles from './strips.css' with { type: 'text' };

/**
 * @import { Seen } from '../../worker/messages.js'
 * @import { Refusal, Wanted } from '../looks.js'
 * @import { Context, View } from '../view.js'
 * @import { Run } from '../run.js'
 * @import { State } from '../state.js'
 *
 * @typedef {(typeof STRIPS)[string]} Words
 *
 * @typedef {object} Held  of one head of one run
 * @property {Rows} keys
 * @property {Rows} values
 * @property {Float32Array} weights  of the newest row that is there
 * @property {Float32Array} query
 */

const FAR = 16;       // rows, by the keys for a page
const MOST_ROWS = 10; // of the table
const LEAST_SHARE = 1 / 5; // of the strips: then there is room for words

/** @type {View} */
export const strips = {
  name: 'strips',
  styles: framedStyles(styles),
  mount(root, context) {
    const shown = new Strips(root, context);
    return (state) => shown.show(state);
  },
};

class Strips {
  #said;
  #words;
  #looks;
  #frame;
  #drawing;
  #empty = element('p', { class: 'note' });
  #layer;
  #head;
  /** @type {State | undefined} */
  #state;
  #run = 0;
  /** Texts of the prompt's tokens; absent until the engine has told. @type {readonly string[] | undefined} */
  #prompt;
  /** @type {Held | undefined} */
  #held;
  /** The row that is drawn large; absent: the newest. @type {number | undefined} */
  #chosen;
  /** @type {Refusal | undefined} */
  #refusal;
  /** What is drawn, and its row that is drawn large. @type {Held | undefined} */
  #drawn;
  #large = -1;

  /** @param {HTMLElement} root  @param {Context} context */
  constructor(root, context) {
    const { actions, signal, words } = context;
    const said = this.#said = STRIPS[words.lang];
    this.#words = words;
    this.#looks = new Looks(actions, signal, (seen) => this.#take(seen), (refusal) => {
      this.#refusal = refusal;
      this.#tell();
    });
    this.#layer = choice(said.layer, signal, () => this.#begin());
    this.#head = choice(said.head, signal, () => this.#begin());
    this.#drawing = new StripsDrawing(signal);
    const { node, slider } = this.#drawing;
    put(slider, 'aria-label', said.rows);
    const { caption, row, token, state, weight } = said.table;
    this.#frame = framed(context, {
      name: 'strips', title: said.title, means: said.means, interactive: true,
      drawing: element('div', {}, element('div', { class: 'strips-place' }, node, this.#empty),
        element('p', { class: 'note' }, said.hint)),
      controls: element('div', { class: 'strips-controls' }, this.#layer.node, this.#head.node),
      picture: () => stripsPicture(node),
      table: { caption, heads: [row, token, state, weight], rows: () => this.#rows() },
    });
    root.append(this.#frame.node);
    this.#listen(slider, signal);
  }

  /** @param {HTMLElement} slider  @param {AbortSignal} signal */
  #listen(slider, signal) {
    slider.addEventListener('click', ({ clientY }) => this.#choose(this.#drawing.rowAt(clientY)), { signal });
    slider.addEventListener('keydown', (event) => {
      const to = this.#moved(event.key);
      if (to === undefined || event.altKey || event.ctrlKey || event.metaKey) return;
      event.preventDefault(); // of scrolling
      this.#choose(to);
    }, { signal });
  }

  get #length() { return this.#held?.keys.length ?? 0; }

  /** Where a key leads to. @param {string} key */
  #moved(key) {
    const at = this.#chosen ?? this.#length - 1;
    switch (key) {
      case 'ArrowUp': case 'ArrowLeft': return at - 1;
      case 'ArrowDown': case 'ArrowRight': return at + 1;
      case 'PageUp': return at - FAR;
      case 'PageDown': return at + FAR;
      case 'Home': return 0;
      case 'End': return Infinity;
      default: return undefined;
    }
  }

  /** @param {number} row */
  #choose(row) {
    this.#chosen = row >= this.#length - 1 ? undefined : Math.max(0, row);
    this.#tell();
  }

  /** @param {State} state */
  show(state) {
    this.#state = state;
    if (state.run.number !== this.#run) {
      this.#run = state.run.number;
      this.#prompt = undefined;
      this.#begin();
    }
    const config = engineOf(state)?.config;
    if (config) this.#layer.show(config.nLayer, this.#words.format.counted);
    if (config) this.#head.show(config.nHead, this.#words.format.counted);
    this.#looks.want(this.#wanted(state));
    this.#tell();
  }

  /** Another run or head: nothing is known of it. */
  #begin() {
    this.#held = this.#chosen = this.#refusal = undefined;
    this.#looks.forget();
    if (this.#state) this.#looks.want(this.#wanted(this.#state));
  }

  /** A look at the rows that are not there yet. @param {State} state  @returns {Wanted | undefined} */
  #wanted(state) {
    const { model, run } = state;
    if (!model || !canLook(state)) return undefined;
    const { nHead, nKvHead } = model.config;
    const [layer, head, position] = [this.#layer.value, this.#head.value, newestOf(run)];
    const place = { position, layers: [layer], heads: [head] };
    return {
      key: JSON.stringify([run.number, place]),
      look: {
        attention: place, queries: place,
        vectors: {
          at: position, first: this.#length, layers: [layer], heads: [Math.floor(head * nKvHead / nHead)],
        },
        ...(!this.#prompt && { tokens: { count: run.prefill?.tokens } }),
      },
    };
  }

  /** @param {Seen} seen */
  #take({ attention, queries, vectors, tokens, cache }) {
    if (!attention || !queries || !vectors) return;
    const width = queries.queries.length;
    const { keys, values } = this.#held ?? { keys: new Rows(width), values: new Rows(width) };
    const known = width * (keys.length - vectors.first); // they came since it was asked for
    keys.append(vectors.keys.subarray(known));
    values.append(vectors.values.subarray(known));
    const slide = this.#state && slideOf(this.#state);
    const end = cache.windowLayers.includes(vectors.layers[0]) ? cache.freed : 0;
    for (const rows of [keys, values]) rows.forget(slide ? gapAt(rows.length, slide) : { first: 0, end });
    this.#held = { keys, values, weights: attention.weights, query: queries.queries };
    this.#prompt ??= tokens?.map(({ text }) => text);
    this.#refusal = undefined;
    this.#tell();
  }

  #tell() {
    const state = this.#state;
    if (!state) return;
    const held = this.#held;
    const { node, slider } = this.#drawing;
    const absence = absenceWords(LOOKS[this.#words.lang], this.#words, state, this.#refusal);
    node.hidden = held === undefined;
    this.#empty.hidden = held !== undefined;
    say(this.#empty, absence);
    if (!held) return this.#frame.show('', state);
    const rows = held.keys.length;
    const chosen = this.#chosen ?? rows - 1;
    const fresh = freshAt(state.run, rows - 1);
    put(node, 'data-mode', modeAt(state.run, rows - 1));
    if (this.#drawn !== held || this.#large !== chosen) {
      this.#drawing.show({ ...held, chosen, fresh }, this.#labelsFor(state.run, held, chosen, fresh));
    }
    this.#drawn = held;
    this.#large = chosen;
    put(slider, 'aria-valuemax', String(rows));
    put(slider, 'aria-valuenow', String(chosen + 1));
    put(slider, 'aria-valuetext', this.#said.row(chosen + 1, rows, this.#textOf(chosen)));
    this.#frame.show(this.#refusal ? absence : sentenceOf(this.#said, state, rows, this.#layer.value), state);
  }

  /** @param {Run} run  @param {Held} held  @param {number} chosen  @param {number} fresh */
  #labelsFor(run, { keys, weights }, chosen, fresh) {
    const said = this.#said;
    const step = stepAt(run, keys.length - 1);
    const isAgain = fresh === 0 && step > 0;
    const isRoom = (isAgain ? keys.length : fresh) >= LEAST_SHARE * roomFor(keys.length);
    return {
      query: said.query(step, isSourced(run)), compared: said.compared, weights: said.weights,
      keys: said.keys(keys.length, keys.width), values: said.values(keys.length, keys.width),
      rest: isRoom ? said[isAgain ? 'again' : 'untouched'](step) : '',
      row: `${said.rowOf(chosen + 1, this.#textOf(chosen))}: ${this.#stateOf(run, chosen)}`,
      weight: said.weight(weights[chosen]),
    };
  }

  /** @param {Run} run  @param {number} row */
  #stateOf(run, row) {
    if (this.#held && !this.#held.keys.has(row)) return this.#said.gone;
    const after = rowAfter(run, row, this.#length - 1);
    switch (after.kind) {
      case 'new': return this.#said.isNew(after.step);
      case 'again': return this.#said.again(after.step);
      case 'since': return this.#said.since(after.step, isSourced(run));
      case 'before': return this.#said.before;
    }
  }

  /** @param {number} row */
  #textOf(row) {
    const prompt = this.#prompt ?? [];
    return quoted(prompt[row] ?? this.#state?.run.tokens.at(row - prompt.length)?.text ?? '');
  }

  /** Of the table, the newest first. */
  #rows() {
    const { run } = this.#state ?? {};
    const { weights = [] } = this.#held ?? {};
    if (!run) return [];
    return Array.from({ length: Math.min(MOST_ROWS, weights.length) }, (_, i) => {
      const row = weights.length - 1 - i;
      const share = this.#said.weight(weights[row]);
      return [this.#words.format.counted(row + 1), this.#textOf(row), this.#stateOf(run, row), share];
    });
  }
}

/** @param {Run} run */
const isSourced = ({ prefill }) => prefill?.source !== undefined;

/** @param {Words} words  @param {State} state  @param {number} rows  @param {number} layer */
function sentenceOf(words, state, rows, layer) {
  const { run } = state;
  const facts = factsOf(state, rows, layer);
  if (facts.step > 0) return words[modeAt(run, rows - 1)](facts);
  const { source, sourceKept = false } = run.prefill ?? {};
  return source ? words.source(source, sourceKept, facts) : words.prompt(facts);
}

/**
 * One of some that are counted.
 * @param {string} name  @param {AbortSignal} signal  @param {() => void} onChange
 */
function choice(name, signal, onChange) {
  const select = element('select', { part: 'strips-choice' });
  const node = element('label', {}, name, select);
  select.addEventListener('change', onChange, { signal });
  /** @param {number} n  @param {(value: number) => string} counted */
  const show = (n, counted) => {
    if (select.length === n) return;
    const options = Array.from({ length: n }, (_, i) => element('option', { value: i }, counted(i + 1)));
    select.replaceChildren(...options);
  };
  return { node, show, get value() { return Math.max(0, select.selectedIndex); } };
}
