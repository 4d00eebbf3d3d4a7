// The stories of a run, each a button that takes the reader to its end.
import { button, element, put, say } from './dom.js';
import { visible } from './story-text.js';

/**
 * @import { Branch } from '../step.js'
 * @import { step } from '../words/en-step.js'
 */

/**
 * @param {typeof step} said
 * @param {(place: number) => void} recall  @param {AbortSignal} signal
 */
export function branchesList(said, recall, signal) {
  const list = element('ol', { class: 'branches' });
  const attributes = { class: 'branches-box', part: 'branches' };
  const node = element('div', attributes, element('h3', {}, said.stories), list);
  /** @type {ReturnType<typeof rowOf>[]} */
  const rows = [];
  /** @param {readonly Branch[]} branches  @param {string} lang  of what they say */
  const show = (branches, lang) => {
    node.hidden = branches.length < 2; // one story needs no name
    while (rows.length < branches.length) {
      const place = rows.length;
      rows.push(rowOf(() => recall(place), signal));
      list.append(rows[place].node);
    }
    for (const [place, row] of rows.entries()) row.show(said, lang, branches[place]);
  };
  return { node, show };
}

/** @param {() => void} recall  @param {AbortSignal} signal */
function rowOf(recall, signal) {
  const name = element('strong');
  const where = element('span', { class: 'note' });
  const words = element('span', { class: 'choice-token', translate: 'no', dir: 'auto' });
  const choice = button({ part: 'branch' }, name, ' ', where, ' ', words);
  const node = element('li', {}, choice);
  choice.addEventListener('click', recall, { signal });
  /** @param {typeof step} said  @param {string} lang  @param {Branch} [branch] */
  const show = (said, lang, branch) => {
    node.hidden = !branch;
    if (!branch) return;
    const { place, of, from, tokens } = branch;
    say(name, said.story(place + 1));
    say(where, of === undefined ? said.first(tokens) : said.fork(of + 1, from + 1, tokens));
    say(words, visible(branch.words));
    put(words, 'lang', lang);
    put(choice, 'aria-current', String(branch.isNow));
  };
  return { node, show };
}
