// Forks the story after the chosen token, in the engine, and shows which pages both stories hold.
import { isMeasuring } from '../benchmark.js';
import { columnsOf, countsOf, windowOf } from '../fork.js';
import { isWorking } from '../state.js';
import { button, element, put, say } from './dom.js';

/**
 * @import { Column, Held } from '../fork.js'
 * @import { Actions } from '../player.js'
 * @import { State } from '../state.js'
 * @import { SeenFork } from '../../worker/messages.js'
 * @import { MAP } from '../words/map.js'
 *
 * @typedef {(typeof MAP)[string]['fork']} Words
 */

/** @type {readonly Held[]} */
const HELD = ['both', 'copied', 'own'];

/** @param {Words} words  @param {Pick<Actions, 'inspect'>} actions  @param {AbortSignal} signal */
export function forkPanel(words, actions, signal) {
  const go = button({ part: 'map-fork' }, words.go(1));
  const why = element('span', { class: 'note' });
  const result = resultOf(words);
  const error = element('p', { class: 'problem', role: 'alert' });
  const node = element('div', { class: 'map-fork' }, element('h3', {}, words.title),
    element('p', {}, words.means), element('p', {}, go, ' ', why), error, result.node);
  let [run, position, isOpen, isForking] = [0, 0, false, false];
  const enable = () => put(go, 'aria-disabled', String(!isOpen || isForking));

  go.addEventListener('click', async () => {
    if (!isOpen || isForking) return;
    const asked = run;
    const isWanted = () => !signal.aborted && asked === run;
    isForking = true;
    enable();
    say(error, '');
    try {
      const { fork } = await actions.inspect({ fork: { position } });
      if (fork && isWanted()) result.show(fork);
    } catch (reason) { // another figure has the engine
      if (isWanted()) say(error, words.failed(String(reason)));
    }
    isForking = false;
    enable();
  }, { signal });

  /** @param {State} state  @param {number} text  tokens  @param {number} at  the chosen token */
  const show = (state, text, at) => {
    if (state.run.number !== run) {
      result.clear();
      say(error, '');
    }
    run = state.run.number;
    position = Math.min(text, at + 1);
    const isThere = state.model !== undefined && !state.recorded && text > 0;
    isOpen = isThere && !isWorking(state) && !isMeasuring(state.benchmark);
    say(go, words.go(Math.max(1, position)));
    say(why, isOpen ? '' : isThere ? words.later : words.first);
    enable();
  };
  return { node, show };
}

/** What became of it. @param {Words} words */
function resultOf(words) {
  const grid = element('div', { class: 'fork-pages', part: 'fork-pages', role: 'img' });
  const legend = element('ul', { class: 'map-legend' }, ...HELD.map((held) => (
    element('li', {}, element('span', { class: `fork-page held-${held}` }), words.legend[held]))));
  const written = element('q', { lang: 'en', translate: 'no' });
  const lead = element('span');
  const sentence = element('p', { part: 'fork-said', role: 'status' });
  const drawn = element('div', { class: 'fork-result', hidden: true },
    element('p', {}, lead, ' ', written), grid, legend);
  /** @param {SeenFork} fork */
  const show = (fork) => {
    const columns = columnsOf(fork);
    const counts = countsOf(columns);
    const { position, tokens, usedBytes: used, sharedBytes, droppedBytes: dropped } = fork;
    const said = words.said({
      ...counts, pages: counts.copied + counts.own, used, apart: used + sharedBytes, dropped,
    });
    grid.replaceChildren(...cellsOf(words, columns));
    put(grid, 'aria-label', said);
    say(lead, words.wrote(position, tokens.length));
    say(written, tokens.map(({ text }) => text).join(''));
    say(sentence, said);
    drawn.hidden = false;
  };
  const clear = () => {
    drawn.hidden = true;
    say(sentence, '');
  };
  return { node: element('div', { class: 'fork-result' }, drawn, sentence), show, clear };
}

/**
 * Two rows: the story's pages above, the fork's below; what both hold goes over both.
 * @param {Words} words  @param {readonly Column[]} columns
 */
function cellsOf(words, columns) {
  const { before, shown, after } = windowOf(columns);
  const rest = (/** @type {number} */ count, /** @type {string} */ kind) => (
    element('span', { class: `fork-page held-${kind}` }, words.more(count)));
  const page = (/** @type {number | undefined} */ number, /** @type {string} */ kind) => (
    number === undefined ? element('span')
      : element('span', { class: `fork-page held-${kind}` }, `${number + 1}`));
  const cells = shown.flatMap(({ story, fork, held }) => (
    held === 'both' ? [page(story, held)] : [page(story, 'own'), page(fork, held)]));
  return [
    element('span', {}, words.story), element('span', {}, words.fork),
    ...(before > 0 ? [rest(before, 'both')] : []), ...cells, ...(after > 0 ? [rest(after, 'own')] : []),
  ];
}
