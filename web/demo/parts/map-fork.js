// Forks the story after the chosen token, in the engine, and shows which pages both stories hold.
import { columnsOf, countsOf, windowOf } from '../fork.js';
import { element, put, say } from './dom.js';
import { askPlace } from './map-ask.js';
import { languageOf } from '../state.js';

/**
 * @import { Column, Held } from '../fork.js'
 * @import { Actions } from '../view.js'
 * @import { State } from '../state.js'
 * @import { SeenFork } from '../../worker/seen.js'
 * @import { MAP } from '../words/map.js'
 *
 * @typedef {(typeof MAP)[string]['fork']} Words
 */

/** @type {readonly Held[]} */
const HELD = ['both', 'copied', 'own'];

/**
 * @param {(typeof MAP)[string]} said  @param {Pick<Actions, 'inspect'>} actions
 * @param {AbortSignal} signal
 */
export function forkPanel({ ask: asking, fork: words }, actions, signal) {
  let position = 0;
  const ask = async () => (await actions.inspect({ fork: { position } })).fork;
  const result = resultOf(words);
  const place = askPlace('map-fork', asking, ask, result.show, signal);
  const node = element('div', { class: 'map-part' }, element('h3', {}, words.title),
    element('p', {}, words.means), place.node, result.node);
  /** @param {State} state  @param {number} text  tokens  @param {number} at  the chosen token */
  const show = (state, text, at) => {
    put(result.written, 'lang', languageOf(state));
    position = Math.min(text, at + 1);
    place.show(state, text, words.go(Math.max(1, position)));
  };
  return { node, show };
}

/** What became of it. @param {Words} words */
function resultOf(words) {
  const grid = element('div', { class: 'fork-pages', part: 'fork-pages', role: 'img' });
  const legend = element('ul', { class: 'map-legend' }, ...HELD.map((held) => (
    element('li', {}, element('span', { class: `fork-page held-${held}` }), words.legend[held]))));
  const written = element('q', { translate: 'no' });
  const lead = element('span');
  const sentence = element('p', { part: 'fork-said', role: 'status' });
  const drawn = element('div', { class: 'fork-result', hidden: true },
    element('p', {}, lead, ' ', written), grid, legend);
  /** @param {SeenFork | undefined} fork */
  const show = (fork) => {
    drawn.hidden = !fork;
    if (!fork) return say(sentence, '');
    const columns = columnsOf(fork);
    const counts = countsOf(columns);
    const { position, tokens, usedBytes: used, sharedBytes, droppedBytes: dropped } = fork;
    const said = words.said({
      ...counts, pages: counts.copied + counts.own, used, apart: used + sharedBytes, dropped,
      slid: fork.gone !== undefined,
    });
    grid.replaceChildren(...cellsOf(words, columns));
    put(grid, 'aria-label', said);
    say(lead, words.wrote(position, tokens.length));
    say(written, tokens.map(({ text }) => text).join(''));
    say(sentence, said);
  };
  return { node: element('div', { class: 'fork-result' }, drawn, sentence), written, show };
}

/**
 * Two rows: the story's pages above, the fork's below; what both hold goes over both.
 * @param {Words} words  @param {readonly Column[]} columns
 */
function cellsOf(words, columns) {
  const { before, lone, isForks, shown, after } = windowOf(columns);
  const rest = (/** @type {number} */ count, /** @type {string} */ kind) => (
    element('span', { class: `fork-page held-${kind}` }, words.more(count)));
  const page = (/** @type {number | undefined} */ number, /** @type {string} */ kind) => (
    number === undefined ? element('span')
      : element('span', { class: `fork-page held-${kind}` }, `${number + 1}`));
  const ofOne = (/** @type {HTMLElement} */ cell, /** @type {boolean} */ below) => (
    below ? [element('span'), cell] : [cell, element('span')]);
  const cells = shown.flatMap(({ story, fork, held }) => (
    held === 'both' ? [page(story, held)] : [page(story, 'own'), page(fork, held)]));
  return [
    element('span', {}, words.story), element('span', {}, words.fork),
    ...(before > 0 ? [rest(before, 'both')] : []), ...(lone > 0 ? ofOne(rest(lone, 'own'), isForks) : []),
    ...cells, ...(after > 0 ? [rest(after, 'own')] : []),
  ];
}
