// The stale edit: three answers beside one another, and the proof that tells the wrong one.
import { mistakeOf, splitAt, wordsChanged } from '../edit.js';
import { element, put, say, set } from './dom.js';
import { visible } from './story-text.js';

/**
 * @import { Outcome } from '../edit.js'
 * @import { EDIT } from '../words/edit.js'
 *
 * @typedef {(typeof EDIT)[string]['stale']} Words
 */

const KINDS = ['answer-before', 'answer-after', 'answer-stale'];

/** @param {Words} words */
export function staleOf(words) {
  const tried = element('p', { part: 'edit-tried' });
  const answers = element('div', { class: 'edit-answers' });
  const verdict = element('p', { class: 'edit-verdict', part: 'edit-verdict' });
  const proofs = element('div', { class: 'edit-proofs' });
  const node = element('section', { class: 'edit-part', part: 'edit-stale', hidden: true },
    element('h3', {}, words.title), element('p', {}, words.means), tried, answers, verdict, proofs);
  /** @param {Outcome | undefined} outcome  @param {string} lang  of the answers */
  const show = (outcome, lang) => {
    node.hidden = !outcome;
    if (!outcome) return;
    say(tried, triedOf(words, outcome));
    answers.replaceChildren(...answersOf(words, outcome, lang));
    const mistake = mistakeOf(outcome);
    put(verdict, 'data-wrong', String(mistake?.firstWrong !== undefined));
    say(verdict, !mistake ? '' : mistake.firstWrong === undefined ? words.lucky(mistake.tokens.length)
      : words.verdict(mistake.firstWrong + 1, mistake.fromOld));
    proofs.replaceChildren(...proofsOf(words, outcome));
  };
  return { node, show };
}

/** @param {Words} words  @param {Outcome} outcome */
function triedOf(words, outcome) {
  const { before, after, kept } = outcome;
  if (kept) {
    const { before: old, after: now } = wordsChanged(outcome);
    return words.tried(kept.count, old, now);
  }
  if (before.length !== after.length) return words.moved;
  return before.every(({ id }, i) => id === after[i].id) ? words.same : words.nothing;
}

/** @param {Words} words  @param {Outcome} outcome  @param {string} lang */
function answersOf(words, outcome, lang) {
  const { before, after, stale } = outcome.answers;
  const names = words.answers;
  const first = mistakeOf(outcome)?.firstWrong;
  return [
    answerOf(names.before, '', textOf(lang, before)),
    answerOf(names.after, words.right, textOf(lang, after, first)),
    ...(stale ? [answerOf(names.stale, words.wrong, textOf(lang, stale, first))] : []),
  ].map((made, i) => {
    set(made, { part: `edit-${KINDS[i]}`, ...(i > 0 && { 'data-verdict': i === 1 ? 'right' : 'wrong' }) });
    return made;
  });
}

/** @param {string} name  @param {string} tag  @param {Node} text */
const answerOf = (name, tag, text) => element('div', { class: 'edit-answer' },
  element('p', {}, element('strong', {}, name), ...(tag ? [`: ${tag}`] : [])), text);

/**
 * @param {string} lang  @param {Outcome['before']} tokens  @param {number} [place]  of the one to be marked
 */
function textOf(lang, tokens, place) {
  const { same, first, rest } = splitAt(tokens, place);
  const [, space, word] = /** @type {string[]} */ (/^(\s*)(.*)$/su.exec(first));
  const mark = word || (space.includes('\n') ? '↵' : '␣'); // a mark has to be seen
  const text = element('p', { class: 'edit-text', lang, translate: 'no' }, `…${visible(same)}`);
  if (first) text.append(word ? space : '', element('mark', {}, visible(mark)), word ? '' : space);
  text.append(visible(rest));
  return text;
}

/** @param {Words} words  @param {Outcome} outcome */
function proofsOf(words, { hashes: { whole, rest, stale }, distance = 0 }) {
  const isEqual = whole === rest;
  const lines = (/** @type {readonly [string, string][]} */ named) => {
    const width = Math.max(...named.map(([name]) => name.length));
    return named.map(([name, hash]) => `${name.padEnd(width)}  ${hash}`).join('\n');
  };
  const proof = (/** @type {boolean} */ equal, /** @type {string} */ verdict, /** @type {string} */ said,
    /** @type {string} */ hash) => element('div', {
    class: 'proof', part: 'edit-proof', 'data-verdict': equal ? 'equal' : 'different',
  }, element('p', {}, element('strong', {}, verdict), said), element('p', { class: 'hashes' }, hash));
  const { whole: wholeName, rest: restName, stale: staleName } = words.hashes;
  return [
    proof(isEqual, isEqual ? words.equal : words.unequal, isEqual ? words.equalRest : words.unequalRest,
      lines([[wholeName, whole], [restName, rest]])),
    ...(stale ? [proof(stale === whole, words.different, words.differentRest(distance),
      lines([[wholeName, whole], [staleName, stale]]))] : []),
  ];
}
