// The turns of a conversation as elements. Only the newest answer ever changes, and only by what is new.

/** @import { Answered, Turn } from './conversation.js' */

const number = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const small = new Intl.NumberFormat('en', { maximumSignificantDigits: 3 });

const NAMES = { system: 'Instructions', user: 'You', assistant: 'The model' };
const ENDS = {
  length: 'It was stopped at the longest answer.', stopped: 'You stopped it.',
  context_full: 'The room for the conversation is used up: begin a new one.', eos: '', stop: '',
};

/**
 * @param {string} name  @param {string} className  @param {(Node | string)[]} children
 * @returns {HTMLElement}
 */
function element(name, className, ...children) {
  const node = document.createElement(name);
  if (className) node.className = className;
  node.append(...children);
  return node;
}

/** @param {number} n  @param {string} one */
const counted = (n, one) => `${number.format(n)} ${one}${n === 1 ? '' : 's'}`;

/** @param {number} ms */
const time = (ms) => (ms < 1000 ? `${small.format(ms)} ms` : `${small.format(ms / 1000)} s`);

export class TurnList {
  #log;
  /** @type {{ turn: Turn, node: HTMLElement, words: Text, figures: HTMLElement }[]} */
  #shown = [];

  /** @param {HTMLElement} log */
  constructor(log) {
    this.#log = log;
  }

  /** @param {readonly Turn[]} turns  all there are now  @param {string} more  of the last one's words */
  show(turns, more) {
    while (this.#shown.some(({ turn }, i) => turn !== turns[i])) this.#shown.pop()?.node.remove();
    for (const turn of turns.slice(this.#shown.length)) this.#add(turn);
    const last = this.#shown.at(-1);
    if (last && more) last.words.appendData(more);
    if (last?.turn.role === 'assistant') this.#tell(last.turn, last.node, last.figures);
  }

  /** @param {Turn} turn */
  #add(turn) {
    const words = document.createTextNode(turn.role === 'assistant' ? '' : turn.content);
    const said = element('div', 'words', words);
    said.dir = 'auto';
    const figures = element('div', 'figures');
    const node = element('article', `turn ${turn.role}`, element('h3', '', NAMES[turn.role]), said, figures);
    this.#log.append(node);
    this.#shown.push({ turn, node, words, figures });
  }

  /** @param {Answered} turn  @param {HTMLElement} node  @param {HTMLElement} place */
  #tell({ figures: { prefill, tokens, perSecond, reason } }, node, place) {
    if (!prefill) return place.replaceChildren('Reading the conversation …');
    const computed = prefill.tokens - prefill.reused;
    Object.assign(node.dataset, { cached: prefill.reused, computed, tokens, reason: reason ?? '' });
    const speed = perSecond === undefined ? '' : `, ${small.format(perSecond)} tokens per second`;
    place.replaceChildren(
      barOf(prefill.reused, computed),
      element('p', '', `Conversation: ${counted(prefill.tokens, 'token')}, `,
        element('b', '', `${number.format(prefill.reused)} cached`), ', ',
        element('i', '', `${number.format(computed)} computed`), ` in ${time(prefill.ms)}.`),
      element('p', '', `Answer: ${counted(tokens, 'token')}${speed}. ${reason ? ENDS[reason] : ''}`),
    );
  }
}

/** What the cache held beside what was computed. @param {number} cached  @param {number} computed */
function barOf(cached, computed) {
  const bar = element('div', 'bar', ...[cached, computed].map((n) => {
    const part = element('span', n === 0 ? 'none' : '');
    part.style.setProperty('--share', String(n));
    return part;
  }));
  bar.setAttribute('aria-hidden', 'true'); // the words beside it say the same
  return bar;
}

/** What a screen reader is told when an answer has ended. @param {Answered} turn */
export function summary({ figures: { prefill, tokens, reason } }) {
  const cached = prefill ? `${counted(prefill.reused, 'token')} of the conversation were cached. ` : '';
  return `Answered with ${counted(tokens, 'token')}. ${cached}${reason ? ENDS[reason] : ''}`;
}
