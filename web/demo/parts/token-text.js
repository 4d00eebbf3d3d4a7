// The text of a run, token by token: each can be pointed at and chosen, and shows by a line below it what the
// newest step did with its K and V. The lines are those of a few stretches of text, so that a step touches
// these and the newest token, however long the text is.
import { stayAtEnd } from './at-end.js';
import { element, put } from './dom.js';
import { visible } from './story-text.js';
import { cutsOf, deedOn } from '../text.js';

/**
 * @import { WrittenToken } from '../../worker/messages.js'
 * @import { Run } from '../run.js'
 * @import { Deed, Newest } from '../text.js'
 *
 * @typedef {{ id: number, text: string }} Token
 * @typedef {{ first: number, node: HTMLElement }} Stretch  first: position of its first token
 * @typedef {(position: number | undefined) => void} OnToken
 */

const FLASH_MS = 180;
const BETWEEN_MS = 500; // from one flash to the next: more than three a second can make people ill

export class TokenText {
  node;
  story;
  #describedBy;
  #scroll;
  /** By position; those of the prompt are missing until it was taken apart. @type {HTMLElement[]} */
  #tokens = [];
  /** @type {WeakMap<Element, number>} */
  #positions = new WeakMap();
  /** @type {Stretch[]} */
  #stretches = [];
  #past = 0;
  /** The text's. @type {Pick<Run, 'number' | 'prefill'>} */
  #run = { number: -1 };
  /** Those of its prompt, once they are known. @type {readonly Token[] | undefined} */
  #prompt;
  /** Behind the prompt. @type {WrittenToken[]} */
  #written = [];
  /** Looks as the newest one. @type {HTMLElement | undefined} */
  #newest;
  /** The one that Tab leads to. @type {HTMLElement | undefined} */
  #stop;
  #flashed = -Infinity;

  /**
   * @param {string} label  @param {string} describedBy  id of what tells of a token
   * @param {{ point: OnToken, choose: (position: number) => void }} listeners
   * @param {AbortSignal} signal
   */
  constructor(label, describedBy, { point, choose }, signal) {
    const attributes = { class: 'story tokens', part: 'tokens', dir: 'auto', translate: 'no' };
    this.story = element('p', attributes);
    this.node = element('div', {
      class: 'story-box', part: 'tokens-box', role: 'group', 'aria-label': label }, this.story);
    this.#describedBy = describedBy;
    this.#scroll = stayAtEnd(this.node, this.story, signal);
    /** @param {globalThis.Event} event */
    const positionOf = ({ target }) => this.#positions.get(/** @type {Element} */ (target));
    this.story.addEventListener('pointerover', (event) => point(positionOf(event)), { signal });
    this.story.addEventListener('pointerleave', () => point(undefined), { signal });
    for (const type of ['click', 'focusin']) {
      this.story.addEventListener(type, (event) => {
        const position = positionOf(event);
        if (position !== undefined) choose(position);
      }, { signal });
    }
    this.story.addEventListener('keydown', (event) => {
      const position = positionOf(event);
      const next = position === undefined ? undefined : this.#nextFor(event, position);
      if (next === undefined) return;
      event.preventDefault(); // of scrolling
      choose(next);
    }, { signal });
  }

  /** The prompt is one piece, and its tokens are wanted. */
  get isWhole() { return this.#promptLength > 0 && !this.#prompt; }

  get #promptLength() { return this.#run.prefill?.tokens ?? 0; }

  /** @param {Run} run  @param {number} position  @returns {Token | undefined} */
  at({ tokens }, position) {
    const prompt = this.#promptLength;
    return position < prompt ? this.#prompt?.[position] : tokens.at(position - prompt);
  }

  /** Writes down what a run has that is not here, and takes away what it has not. @param {Run} run */
  show(run) {
    const { prefill, tokens } = run;
    if (!this.isOf(run)) this.#begin(run);
    else this.#keep(run);
    for (const token of tokens.from(this.#written.length)) this.#append(token);
    if (prefill) for (const first of cutsOf(run)) this.#cut(first);
  }

  /**
   * Whether that is the run, with more tokens or fewer. To go back in it gives it another number; it has read
   * its prompt only once, though.
   * @param {Run} run
   */
  isOf({ number, prefill }) {
    return prefill ? prefill === this.#run.prefill : number === this.#run.number;
  }

  /** @param {readonly Token[]} tokens  of the prompt */
  takeApart(tokens) {
    this.#prompt = tokens;
    this.#past = 0; // these are new
    this.#stretches[0].node.replaceChildren(...tokens.map(({ text }, position) => (
      this.#make(text, position, 'prompt'))));
  }

  /** @param {Run} run */
  #begin({ number, prefill, prompt }) {
    this.#run = { number, prefill };
    this.#tokens = [];
    this.#past = 0;
    this.#written = [];
    this.#newest = this.#stop = this.#prompt = undefined;
    this.#stretches = [];
    this.story.replaceChildren();
    this.#beginParagraph(0);
    this.#stretches[0].node.append(element('span', { class: 'prompt' }, visible(prompt)));
    this.#cut(this.#promptLength);
    this.#scroll.follow(true);
    this.node.scrollTop = 0;
  }

  /**
   * Takes away what a run has no more. As long as it keeps its number, it only grows.
   * @param {Run} run
   */
  #keep({ number, tokens }) {
    const { length: all } = this.#written;
    if (number === this.#run.number && tokens.length >= all) return;
    this.#run = { ...this.#run, number };
    const other = this.#written.findIndex((token, i) => !isSame(token, tokens.at(i)));
    const length = other < 0 ? all : other;
    this.#written.length = length;
    const end = this.#promptLength + length;
    for (const node of this.#tokens.splice(end)) node.remove();
    while ((this.#stretches.at(-1)?.first ?? 0) > Math.max(end - 1, this.#promptLength)) {
      this.#stretches.pop()?.node.remove();
    }
    for (const node of [...this.story.children].reverse()) {
      if (node.firstElementChild) break;
      node.remove();
    }
    if (!this.#newest?.isConnected) this.#newest = undefined;
    if (!this.#stop?.isConnected) this.#stop = undefined;
  }

  /** @param {WrittenToken} token */
  #append(token) {
    const node = this.#make(token.text, token.position);
    if (this.#written.at(-1)?.text.endsWith('\n')) this.#beginParagraph(token.position);
    this.#stretches[this.#stretches.length - 1].node.append(node);
    this.#written.push(token);
  }

  /**
   * A block of its own: a browser lays out anew the one that grows, and not all of the text.
   * @param {number} first
   */
  #beginParagraph(first) {
    const node = element('span');
    this.#stretches.push({ first, node });
    this.story.append(element('span', { class: 'paragraph' }, node));
  }

  /** Here another stretch begins. @param {number} first  position */
  #cut(first) {
    const i = this.#stretches.findIndex((stretch) => stretch.first > first);
    const at = i < 0 ? this.#stretches.length : i;
    const before = this.#stretches[at - 1];
    if (before.first === first || (this.isWhole && first < this.#promptLength)) return;
    const node = element('span');
    before.node.after(node);
    const end = this.#stretches[at]?.first ?? this.#tokens.length;
    const focused = this.#stop?.matches(':focus') ? this.#stop : undefined;
    node.append(...this.#tokens.slice(first, end));
    this.#stretches.splice(at, 0, { first, node });
    focused?.focus({ preventScroll: true }); // what is moved loses it
  }

  /** What the newest step did. @param {Newest} newest  @param {boolean} flash  it is a new step */
  mark(newest, flash) {
    for (const { first, node } of this.#stretches) put(node, 'data-deed', this.#deedOf(newest, first));
    put(this.story, 'data-mode', newest.mode);
    this.#markPast(newest);
    const node = newest.step > 0 ? this.#tokens[newest.total - 1] : undefined;
    if (node !== this.#newest) {
      this.#newest?.classList.remove('newest');
      node?.classList.add('newest');
      this.#newest = node;
    }
    if (flash) this.#flash();
  }

  /**
   * The token that is chosen, or that Tab leads to as long as none is.
   * @param {number} position  @param {boolean} chosen
   */
  choose(position, chosen) {
    const node = this.#tokens[position];
    if (node !== this.#stop) {
      for (const name of ['tabindex', 'aria-describedby']) this.#stop?.removeAttribute(name);
      this.#stop?.classList.remove('chosen');
      this.#stop = node;
    }
    if (!node) return;
    put(node, 'tabindex', '0');
    put(node, 'aria-describedby', this.#describedBy);
    node.classList.toggle('chosen', chosen);
  }

  focus() { this.#stop?.focus(); }

  /** Each token, and what was done with it. @returns {Generator<{ node: HTMLElement, deed: Deed | '' }>} */
  *places() {
    const whole = this.isWhole ? [this.#stretches[0].node.children[0]] : [];
    for (const node of [...whole, ...this.#tokens.filter(Boolean)]) {
      const deed = /** @type {Deed | ''} */ (node.parentElement?.dataset.deed ?? '');
      const own = node === this.#newest ? 'new' : node.classList.contains('behind') ? 'past' : deed;
      yield { node: /** @type {HTMLElement} */ (node), deed: own };
    }
  }

  /** @param {Newest} newest  @param {number} first  @returns {Deed | ''} */
  #deedOf(newest, first) {
    const { kept, past, sinks } = newest;
    const isMixed = first === 0 && this.isWhole
      && [kept, past, past && sinks].some((end) => end > 0 && end < this.#promptLength);
    return isMixed ? '' : deedOn(newest, first);
  }

  /** Tokens that are not read any more: with each step one more, or a page. @param {Newest} newest */
  #markPast({ past, sinks }) {
    const [from, to] = [this.#past, past].sort((a, b) => a - b);
    const between = this.#tokens.slice(Math.max(from, sinks), to);
    for (const node of between) node?.classList.toggle('behind', past === to);
    this.#past = past;
  }

  /** All of what is computed again, at once: one animation for each stretch. */
  #flash() {
    const now = performance.now();
    if (now - this.#flashed < BETWEEN_MS) return;
    if (matchMedia('(prefers-reduced-motion: reduce)').matches) return;
    this.#flashed = now;
    const dim = { offset: 0, textDecorationColor: 'transparent' };
    for (const { node } of this.#stretches) {
      if (node.dataset.deed === 'again') node.animate([dim], FLASH_MS);
    }
  }

  /** @param {string} text  @param {number} position  @param {string[]} names  further ones of its class */
  #make(text, position, ...names) {
    const node = element('span', { class: 'token' }, visible(text));
    node.classList.add(...names);
    this.#tokens[position] = node;
    this.#positions.set(node, position);
    return node;
  }

  /**
   * The position that a key leads to.
   * @param {KeyboardEvent} event  @param {number} position
   */
  #nextFor({ key, altKey, ctrlKey, metaKey }, position) {
    if (altKey || ctrlKey || metaKey) return undefined;
    const first = this.isWhole ? this.#promptLength : 0;
    const last = this.#tokens.length - 1;
    const forth = getComputedStyle(this.story).direction === 'rtl' ? 'ArrowLeft' : 'ArrowRight';
    switch (key) {
      case 'Home': return first;
      case 'End': return last;
      case 'ArrowLeft': case 'ArrowRight':
        return Math.min(last, Math.max(first, position + (key === forth ? 1 : -1)));
      default: return undefined;
    }
  }
}

/** @param {WrittenToken} a  @param {WrittenToken | undefined} b */
const isSame = (a, b) => a.id === b?.id && a.text === b.text;
