/// <reference path="../css.d.ts" />
// The attention lens: what the newest or a chosen token reads, over the text itself, one head at a time.
import { LEVELS, TellingHead, factsOf, hasHead, headsFor, levelOf, rowOf, strongest } from '../lens.js';
import { Log } from '../log.js';
import { Looks, absenceWords, canLook, newestOf } from '../looks.js';
import { button, element, put, say } from '../parts/dom.js';
import { framed, framedStyles } from '../parts/figure.js';
import { headsGrid } from '../parts/heads.js';
import { lensPicture } from '../parts/lens-picture.js';
import { LensText } from '../parts/lens-text.js';
import { quoted } from '../parts/story-text.js';
import { engineOf } from '../recorded.js';
import { slideOf } from '../sliding.js';
import { languageOf } from '../state.js';
import { LENS } from '../words/lens.js';
import { LOOKS } from '../words/looks.js';
import styles from './lens.css' with { type: 'text' };

/**
 * @import { Prefill, Seen, WrittenToken } from '../../worker/messages.js'
 * @import { Attention, Head, Read } from '../lens.js'
 * @import { Refusal, Wanted } from '../looks.js'
 * @import { Context, View } from '../view.js'
 * @import { Run } from '../run.js'
 * @import { State } from '../state.js'
 *
 * @typedef {(typeof LENS)[string]} Words
 *
 * @typedef {object} Known  of one run
 * @property {number} run  its number
 * @property {Log<WrittenToken>} tokens  that stand there
 * @property {Prefill} [prefill]
 * @property {readonly string[]} [prompt]  the texts of its tokens; absent until the engine has told
 * @property {Attention} [attention]  the newest answer
 */

const FAR = 16;     // tokens, by the keys for a page
const MOST_ROWS = 10;
const SCALE = [0.01, 0.1, 0.5, 1]; // of the samples
const SINK = 0.5;   // a share of the first token that is worth a word

/** @type {View} */
export const lens = {
  name: 'lens',
  styles: framedStyles(styles),
  mount(root, context) {
    const shown = new Lens(root, context);
    return (state) => shown.show(state);
  },
};

class Lens {
  #said;
  #words;
  #looks;
  #frame;
  #heads;
  #text;
  #slider;
  #newest;
  #empty;
  #story;
  /** @type {State | undefined} */
  #state;
  /** @type {Known} */
  #known = { run: 0, tokens: new Log() };
  /** @type {Head} */
  #head = { layer: 0, head: 0 };
  /** Chooses the head until the reader does. @type {TellingHead | undefined} */
  #telling = new TellingHead();
  /** The token that reads; absent: the newest. @type {number | undefined} */
  #chosen;
  /** @type {Refusal | undefined} */
  #refusal;
  /** What is read. */
  #sentence = '';

  /** @param {HTMLElement} root  @param {Context} context */
  constructor(root, context) {
    const { actions, signal, words } = context;
    const said = this.#said = LENS[words.lang];
    this.#words = words;
    this.#looks = new Looks(actions, signal, (seen) => this.#take(seen), (error) => this.#fail(error));
    this.#heads = headsGrid(said, signal, (head) => this.#choose(head, this.#chosen));
    this.#newest = button({ class: 'lens-newest', part: 'lens-newest' }, said.newest);
    const text = this.#story = element('p', { class: 'lens-text', dir: 'auto', translate: 'no' });
    this.#empty = element('p', { class: 'note' });
    this.#slider = element('div', {
      class: 'lens-box', part: 'lens-text', role: 'slider', tabindex: 0, 'aria-label': said.tokens,
      'aria-valuemin': 1,
    }, text);
    this.#text = new LensText(this.#slider, text, said.percent, signal);
    const place = element('div', { class: 'lens-place' }, this.#slider, this.#empty);
    const drawing = element('div', {}, place, scaleOf(said));
    const { caption, position, token, weight } = said.table;
    this.#frame = framed(context, {
      name: 'lens', title: said.title, means: said.means, drawing, interactive: true,
      picture: () => lensPicture(this.#text.places(), place.getBoundingClientRect()),
      controls: element('div', { class: 'lens-controls' }, this.#heads.node, this.#newest,
        element('p', { class: 'note' }, said.headsMean)),
      table: { caption, heads: [position, token, weight], rows: () => this.#rows() },
    });
    root.append(this.#frame.node);
    this.#listen(signal);
  }

  /** @param {AbortSignal} signal */
  #listen(signal) {
    this.#newest.addEventListener('click', () => this.#choose(this.#head, undefined), { signal });
    this.#slider.addEventListener('click', ({ target }) => {
      const token = /** @type {Element} */ (target).closest('.lens-token');
      if (token) this.#choose(this.#head, Number(token.getAttribute('data-at')));
    }, { signal });
    this.#slider.addEventListener('keydown', (event) => {
      const to = this.#moved(event.key);
      if (to === undefined || event.altKey || event.ctrlKey || event.metaKey) return;
      event.preventDefault(); // of scrolling
      const last = this.#text.length - 1;
      this.#choose(this.#head, to > last ? undefined : Math.max(0, to));
    }, { signal });
  }

  /** Where a key leads to. @param {string} key */
  #moved(key) {
    const at = this.#chosen ?? this.#known.attention?.position;
    if (at === undefined) return undefined;
    switch (key) {
      case 'ArrowLeft': case 'ArrowDown': return at - 1;
      case 'ArrowRight': case 'ArrowUp': return at + 1;
      case 'PageUp': return at - FAR;
      case 'PageDown': return at + FAR;
      case 'Home': return 0;
      case 'End': return Infinity;
      default: return undefined;
    }
  }

  /** @param {Head} head  @param {number | undefined} position */
  #choose(head, position) {
    const isMoved = position !== this.#chosen;
    this.#telling = undefined;
    this.#head = head;
    this.#chosen = position;
    if (isMoved) this.#text.follow(position === undefined);
    if (isMoved && position !== undefined) this.#text.reveal(position);
    this.#paint();
    if (this.#state) this.show(this.#state);
  }

  /** @param {State} state */
  show(state) {
    this.#state = state;
    put(this.#story, 'lang', languageOf(state));
    if (state.run.number !== this.#known.run) this.#begin(state.run);
    this.#write(state.run);
    const config = engineOf(state)?.config;
    if (config && !hasHead(config, this.#head)) { // another model than the one before
      [this.#head, this.#telling] = [{ layer: 0, head: 0 }, new TellingHead()];
    }
    if (config) this.#heads.show({ layer: config.nLayer, head: config.nHead }, this.#head);
    this.#looks.want(wantedOf(state, this.#chosen, this.#head, this.#known));
    this.#tell(state);
  }

  /** Another run, or the same with another end: what both have stays. @param {Run} run */
  #begin({ number, prefill, tokens }) {
    const before = this.#known;
    const prompt = prefill && prefill === before.prefill ? before.prompt : undefined;
    this.#known = { run: number, tokens, prefill, prompt };
    this.#chosen = undefined;
    this.#refusal = undefined;
    this.#sentence = '';
    this.#looks.forget();
    this.#text.keep(prompt ? prompt.length + sharedBy(before.tokens, tokens) : 0);
  }

  /** @param {Seen} seen */
  #take({ attention, tokens }) {
    this.#known = {
      ...this.#known, attention,
      ...(tokens && { prompt: tokens.map(({ text }) => text), prefill: this.#state?.run.prefill }),
    };
    this.#refusal = undefined;
    if (attention && this.#telling) this.#head = this.#telling.after(attention);
    if (this.#telling?.isSettled) this.#telling = undefined;
    if (!this.#state) return;
    this.#write(this.#state.run);
    this.#paint();
    this.show(this.#state);
  }

  /** @param {Refusal} refusal */
  #fail(refusal) {
    this.#refusal = refusal;
    if (this.#state) this.#tell(this.#state);
  }

  /** What the run has that does not stand there yet. @param {Run} run */
  #write({ tokens }) {
    const { prompt } = this.#known;
    if (!prompt) return;
    this.#known = { ...this.#known, tokens };
    for (const text of prompt.slice(this.#text.length)) this.#text.write(text);
    for (const { text } of tokens.from(this.#text.length - prompt.length)) this.#text.write(text);
  }

  /** What the head reads that is looked at, if it was asked for. */
  get #read() {
    const { attention } = this.#known;
    const weights = attention && rowOf(attention, this.#head);
    return attention && weights && { position: attention.position, weights };
  }

  #paint() {
    const { attention } = this.#known;
    const read = this.#read;
    if (attention) this.#heads.paint(attention);
    if (read) this.#text.paint(read);
    if (read) this.#sentence = this.#sentenceOf(read);
  }

  /** @param {Read} read */
  #sentenceOf(read) {
    const facts = factsOf(read, this.#head, (position) => this.#textOf(position),
      this.#state && engineOf(this.#state)?.config.window, this.#state && slideOf(this.#state));
    if (read.position === 0) return this.#said.alone(facts);
    const said = this.#said.reads(facts);
    return facts.first < SINK ? said : `${said} ${this.#said.sink}`;
  }

  /** A token in a sentence. @param {number} position */
  #textOf(position) {
    const { prompt = [] } = this.#known;
    const text = prompt[position] ?? this.#state?.run.tokens.at(position - prompt.length)?.text ?? '';
    return quoted(text);
  }

  /** Of the table. */
  #rows() {
    const read = this.#read;
    return (read ? strongest(read.weights, MOST_ROWS) : []).map(({ position, weight }) => (
      [this.#words.format.counted(position + 1), this.#textOf(position), this.#said.table.exact(weight)]));
  }

  /** @param {State} state */
  #tell(state) {
    const absence = absenceWords(LOOKS[this.#words.lang], this.#words, state, this.#refusal);
    this.#slider.hidden = this.#text.length === 0;
    this.#empty.hidden = !this.#slider.hidden;
    say(this.#empty, absence);
    put(this.#newest, 'aria-pressed', String(this.#chosen === undefined));
    this.#newest.hidden = this.#slider.hidden;
    this.#frame.show(this.#slider.hidden ? '' : (!this.#refusal && this.#sentence) || absence, state);
    const [at, { length }] = [this.#read?.position, this.#text];
    if (at === undefined) return;
    put(this.#slider, 'aria-valuemax', String(length)); // the text goes on whichever token is looked at
    put(this.#slider, 'aria-valuenow', String(at + 1));
    put(this.#slider, 'aria-valuetext', this.#said.token(at + 1, length, this.#textOf(at)));
  }
}

/**
 * Tokens that both have at the beginning.
 * @param {Log<WrittenToken>} before  @param {Log<WrittenToken>} now
 */
function sharedBy(before, now) {
  let n = 0;
  while (n < before.length && now.at(n)?.text === before.at(n)?.text) n++;
  return n;
}

/**
 * The next look, if there is something to look at.
 * @param {State} state  @param {number | undefined} chosen  @param {Head} head  @param {Known} known
 * @returns {Wanted | undefined}
 */
function wantedOf(state, chosen, head, { prompt }) {
  const { model, run } = state;
  if (!model || !canLook(state)) return undefined;
  const { nLayer, nHead } = model.config;
  const position = chosen ?? newestOf(run);
  const place = headsFor({ layer: nLayer, head: nHead }, head, position);
  return {
    key: JSON.stringify([run.number, position, place]),
    look: {
      attention: { position, ...place }, ...(!prompt && { tokens: { count: run.prefill?.tokens } }),
    },
  };
}

/** What full means. @param {Words} words */
function scaleOf({ hint, scale, percent }) {
  const samples = SCALE.map((share) => {
    const sample = element('span', { class: 'lens-token reads' }, percent(share));
    sample.style.setProperty('--read', String(levelOf(share) / LEVELS));
    return sample;
  });
  return element('p', { class: 'lens-scale note' }, element('span', {}, hint),
    element('span', {}, `${scale} `, ...samples));
}
