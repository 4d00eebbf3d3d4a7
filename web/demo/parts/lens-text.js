// The text, token by token, each filled by how much of it is read. However long it is, only what is near the
// view is painted.
import { LEVELS, levelOf, named } from '../lens.js';
import { stayAtEnd } from './at-end.js';
import { element, put } from './dom.js';
import { visible } from './story-text.js';

/**
 * @import { Read } from '../lens.js'
 *
 * @typedef {object} Block  tokens in a row
 * @property {HTMLElement} node
 * @property {number} first
 * @property {number} end
 * @property {boolean} near   the view
 * @property {Read} [painted]
 */

const LONGEST = 32; // tokens of a block
const FULL = 2;     // the level from which a mark has an edge: about half a percent

export class LensText {
  #box;
  #text;
  #scroll;
  #percent;
  /** @type {Block[]} */
  #blocks = [];
  /** @type {HTMLElement[]} */
  #tokens = [];
  /** Characters before each. @type {number[]} */
  #starts = [];
  /** What the fill of each was last. @type {number[]} */
  #levels = [];
  #characters = 0;
  /** What is painted. @type {Read | undefined} */
  #read;
  /** With their share above them. @type {HTMLElement[]} */
  #named = [];
  #near;

  /**
   * @param {HTMLElement} box  scrolls  @param {HTMLElement} text  inside it
   * @param {(share: number) => string} percent  @param {AbortSignal} signal
   */
  constructor(box, text, percent, signal) {
    this.#box = box;
    this.#text = text;
    this.#percent = percent;
    this.#scroll = stayAtEnd(box, text, signal);
    this.#near = new IntersectionObserver((entries) => this.#seen(entries),
      { root: box, rootMargin: '30%' });
    signal.addEventListener('abort', () => this.#near.disconnect());
  }

  /** Tokens that stand there. */
  get length() { return this.#tokens.length; }

  /** Lets go of all tokens but the first n, and follows the end again. @param {number} n */
  keep(n) {
    for (let block = this.#blocks.at(-1); block && block.end > n; block = this.#blocks.at(-1)) {
      for (const token of this.#tokens.splice(Math.max(n, block.first))) token.remove();
      block.end = this.#tokens.length;
      if (block.end > block.first) break;
      this.#near.unobserve(block.node);
      (block.node.previousSibling ? block.node : block.node.parentElement)?.remove();
      this.#blocks.pop();
    }
    this.#characters = this.#starts[n] ?? this.#characters;
    this.#starts.length = this.#levels.length = this.#tokens.length;
    if (this.#read && this.#read.position >= n) this.#read = undefined;
    this.#scroll.follow(true);
  }

  /** @param {string} text  of the next token */
  write(text) {
    const at = this.#tokens.length;
    const last = this.#blocks.at(-1);
    const isOver = this.#tokens.at(-1)?.textContent?.endsWith('\n') ?? true; // the paragraph
    const block = last && !isOver && last.end - last.first < LONGEST ? last : this.#nextBlock(last, isOver);
    const token = element('span', { class: 'lens-token later', 'data-at': at }, shownText(text));
    this.#tokens.push(token);
    this.#starts.push(this.#characters);
    this.#characters += text.length;
    block.end++;
    block.node.append(token);
  }

  /** @param {Block | undefined} last  @param {boolean} isOver  the paragraph that it stands in */
  #nextBlock(last, isOver) {
    const at = this.#tokens.length;
    const block = { node: element('span'), first: at, end: at, near: true };
    const paragraph = isOver ? undefined : last?.node.parentElement;
    if (paragraph) paragraph.append(block.node);
    else this.#text.append(element('span', { class: 'lens-paragraph' }, block.node));
    this.#blocks.push(block);
    this.#near.observe(block.node);
    return block;
  }

  /** @param {Read} read */
  paint(read) {
    this.#read = read;
    for (const token of this.#named) token.removeAttribute('data-share');
    this.#named = named(read.weights, (position) => this.#starts[position]).map(({ position, weight }) => {
      put(this.#tokens[position], 'data-share', this.#percent(weight));
      return this.#tokens[position];
    });
    for (const block of this.#blocks) if (block.near) this.#paintBlock(block, read);
  }

  /** @param {Block} block  @param {Read} read */
  #paintBlock(block, read) {
    const { position, weights } = read;
    for (let at = block.first; at < block.end; at++) {
      const token = this.#tokens[at];
      const level = at <= position ? levelOf(weights[at]) : 0;
      put(token, 'class', `lens-token${at === position ? ' asks' : ''}${marks(at - position, level)}`);
      if (level > 0 && level !== this.#levels[at]) token.style.setProperty('--read', String(level / LEVELS));
      if (level > 0) this.#levels[at] = level;
    }
    block.painted = read;
  }

  /** @param {IntersectionObserverEntry[]} entries */
  #seen(entries) {
    for (const { target, isIntersecting } of entries) {
      const block = this.#blocks.find(({ node }) => node === target);
      if (!block) continue;
      block.near = isIntersecting;
      const read = this.#read;
      if (isIntersecting && read && block.painted !== read) this.#paintBlock(block, read);
    }
  }

  /** Follows the end of the text or, once a token is chosen, no longer. @param {boolean} on */
  follow(on) {
    this.#scroll.follow(on);
    if (on) this.#box.scrollTop = this.#box.scrollHeight;
  }

  /** Scrolls the box, and nothing around it, until a token is seen. @param {number} position */
  reveal(position) {
    const { offsetTop: top, offsetHeight: height } = this.#tokens[position];
    const { scrollTop, clientHeight } = this.#box;
    const [least, most] = [top + 2 * height - clientHeight, top - height];
    this.#box.scrollTop = Math.min(most, Math.max(least, scrollTop));
  }

  /** What is in view: where each token stands in the box, in px. */
  places() {
    const frame = this.#box.getBoundingClientRect();
    const near = this.#blocks.filter((block) => block.near);
    const tokens = near.flatMap(({ first, end }) => this.#tokens.slice(first, end));
    return tokens.flatMap((token) => {
      const rects = [...token.getClientRects()];
      const rect = rects.at(-1); // the space before it may end the line above
      if (!rect || rect.bottom <= frame.top || rect.top >= frame.bottom) return [];
      const { width, height } = rect;
      const text = rects.length > 1 ? token.innerText.trimStart() : token.innerText;
      return [{ token, text, x: rect.left - frame.left, y: rect.top - frame.top, width, height }];
    });
  }
}

/** @param {number} from  the reading token, in tokens  @param {number} level */
function marks(from, level) {
  if (from > 0) return ' later';
  if (level === 0) return '';
  return level < FULL ? ' skims' : ' reads';
}

/** One that has no text of its own, as a part of a character, is seen as well. @param {string} text */
const shownText = (text) => visible(text) || '·';
