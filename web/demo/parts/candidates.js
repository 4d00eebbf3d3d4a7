// The likeliest next tokens, asked for while a run pauses: each a button that has the story go on with it.
import { button, element, put, say, svg } from './dom.js';
import { visible } from './story-text.js';
import { Looks } from '../looks.js';
import { canGo, isWorking, languageOf } from '../state.js';
import { choiceOf } from '../step.js';

/**
 * @import { Seen, WrittenToken } from '../../worker/messages.js'
 * @import { Actions } from '../view.js'
 * @import { State } from '../state.js'
 * @import { step } from '../words/en-step.js'
 *
 * @typedef {NonNullable<Seen['candidates']>} Candidates
 */

const COUNT = 5;

/**
 * @param {typeof step} said  @param {Pick<Actions, 'inspect'>} actions
 * @param {(id: number) => void} choose  @param {AbortSignal} signal
 */
export function candidatesList(said, actions, choose, signal) {
  const title = element('h3', { part: 'candidates-title' });
  const means = element('p', { class: 'note candidates-note', part: 'candidates-note' });
  const rows = Array.from({ length: COUNT }, (_, i) => (
    rowOf(() => { if (isNew && answer) choose(answer.list[i].id); }, signal)));
  const list = element('ol', { class: 'candidates' }, ...rows.map(({ node }) => node));
  const node = element('div', { class: 'candidates-box' }, title, means, list);
  /** @type {State | undefined} */
  let state;
  let run = 0; // its number
  let goes = false; // there is a run that can go back and on
  let pauses = false;
  /** The newest, and of which run; is it about the place where that pauses? @type {Candidates | undefined} */
  let answer;
  let of = 0;
  let isNew = false;
  let failed = false;
  const looks = new Looks(actions, signal, ({ candidates }) => {
    answer = candidates;
    of = run;
    failed = false;
    draw();
  }, () => { // the sentence says so
    answer = undefined;
    failed = true;
    draw();
  });
  /** @param {WrittenToken} [token]  that the story has there */
  const noteWords = (token) => {
    if (failed) return said.unavailable;
    if (!answer) return goes && !pauses ? said.pauseFirst : '';
    const isOther = token && !answer.list.some(({ id }) => id === token.id);
    return said.inDraw(answer.inDraw) + (isOther ? ` ${said.other(said.quoted(visible(token.text)))}` : '');
  };
  const draw = () => {
    if (!state) return;
    const { position, token } = choiceOf(state);
    isNew = of === run && answer?.position === position;
    if (answer && !isNew) return; // the new ones are on their way
    say(title, said.candidates(position + 1));
    say(means, noteWords(token));
    for (const [i, row] of rows.entries()) row.show(said, languageOf(state), answer?.list[i], token?.id);
    list.hidden = !answer;
  };
  /** @param {State} now */
  const show = (now) => {
    state = now;
    node.hidden = state.run.sampling === undefined; // there is only the recorded run
    goes = canGo(state);
    pauses = goes && state.model !== undefined && !isWorking(state);
    if (!pauses || state.run.number !== run) looks.forget();
    if (!pauses) [answer, failed] = [undefined, false];
    run = state.run.number;
    draw();
    const { position } = choiceOf(state);
    const look = { candidates: { position, count: COUNT } };
    looks.want(pauses ? { key: `${run} ${position}`, look } : undefined);
  };
  return { node, show };
}

/** @param {() => void} choose  @param {AbortSignal} signal */
function rowOf(choose, signal) {
  const token = element('span', { class: 'choice-token', translate: 'no', dir: 'auto' });
  const fill = svg('rect', { height: 1 });
  const shape = { viewBox: '0 0 1 1', preserveAspectRatio: 'none', 'aria-hidden': 'true' };
  const picture = svg('svg', shape, fill);
  const share = element('span', { class: 'share' });
  const mark = element('span', { class: 'note' });
  const choice = button({ part: 'candidate' }, token, picture, share, mark);
  const node = element('li', {}, choice);
  choice.addEventListener('click', choose, { signal });
  /**
   * @param {typeof step} said  @param {string} lang  of tokens
   * @param {Candidates['list'][number]} [candidate]  @param {number} [chosen]
   */
  const show = (said, lang, candidate, chosen) => {
    node.hidden = !candidate;
    if (!candidate) return;
    say(token, said.quoted(visible(candidate.text)));
    put(token, 'lang', lang);
    put(fill, 'width', String(candidate.probability));
    say(share, ` ${said.percent(candidate.probability)}`);
    say(mark, candidate.id === chosen ? ` ${said.chosen}` : '');
  };
  return { node, show };
}
