/// <reference path="../css.d.ts" />
// Step and scrub: a run that pauses, goes back to any token and on again, and forks where the reader chooses
// another one.
import { branchesList } from '../parts/branches.js';
import { candidatesList } from '../parts/candidates.js';
import { cutLine } from '../parts/cut-line.js';
import { button, element, onStartStop, put, say } from '../parts/dom.js';
import { framed, framedStyles } from '../parts/figure.js';
import { canGo, isApart, isComparing, isWorking, languageOf } from '../state.js';
import { branchesOf, endsAt, placesOf, written, writtenIn, writtenUpTo, writtenWith } from '../step.js';
import { storyNow } from '../stories.js';
import { STEP } from '../words/step.js';
import styles from './step.css' with { type: 'text' };

/**
 * @import { Actions, View } from '../view.js'
 * @import { State } from '../state.js'
 *
 * @typedef {(typeof STEP)[string]} Words
 */

/** @type {View} */
export const step = {
  name: 'step',
  styles: framedStyles(styles),
  mount(root, context) {
    const { actions, signal, words } = context;
    const said = STEP[words.lang];
    const way = new Way(actions);
    const line = cutLine(said);
    const buttons = buttonsOf(said, way, signal);
    const verdict = verdictOf(said);
    const candidates = candidatesList(said, actions, (id) => way.choose(id), signal);
    const branches = branchesList(said, (place) => way.recall(place), signal);
    line.slider.addEventListener('input', () => way.to(Number(line.slider.value)), { signal });
    const { title, means } = said;
    const frame = framed(context, {
      name: 'step', title, means, drawing: line.node, interactive: true, picture: line.picture,
      controls: buttons.node,
    });
    frame.sentence.setAttribute('role', 'status');
    frame.sentence.after(verdict.node, candidates.node, branches.node);
    root.append(frame.node);
    return (state) => {
      way.state = state;
      const can = canGo(state);
      buttons.show(state);
      line.slider.disabled = !can;
      line.show(placesOf(state), !way.isUnderWay);
      frame.show(newsOf(said, state), state);
      verdict.show(state);
      candidates.show(state);
      branches.show(can ? branchesOf(state.run) : [], languageOf(state));
    };
  },
};

/** Where the reader wants to go, from the state that is shown. */
class Way {
  #actions;
  /** @type {State | undefined} */
  state;
  #under = 0;

  /** @param {Actions} actions */
  constructor(actions) {
    this.#actions = actions;
  }

  get isUnderWay() { return this.#under > 0; }

  /** @param {readonly number[]} ids  @param {0 | 1} [more] */
  async #go(ids, more) {
    this.#under++;
    await this.#actions.goTo(ids, more);
    this.#under--;
  }

  /** @param {number} position */
  to(position) { if (this.state) this.#go(writtenUpTo(this.state.run, position)); }

  /** @param {number} tokens  back where they are fewer than 0, and else one on */
  by(tokens) {
    if (!this.state) return;
    const ids = written(this.state.run);
    if (tokens < 0) this.#go(ids.slice(0, tokens));
    else this.#go(ids, 1);
  }

  /** @param {number} place  of a story */
  recall(place) { if (this.state) this.#go(writtenIn(this.state.run, place)); }

  on() { if (this.state) this.#actions.goOn(written(this.state.run)); }

  /** @param {number} id */
  choose(id) { if (this.state) this.#actions.goOn(writtenWith(this.state, id)); }

  pause() { this.#actions.stop(); }
}

/** @param {Words} said  @param {Way} way  @param {AbortSignal} signal */
function buttonsOf(said, way, signal) {
  const play = button({ class: 'play', part: 'step-play' });
  const back = button({ part: 'step-back' }, said.back);
  const more = button({ part: 'step-more' }, said.more);
  let working = false; // as the reader sees it
  /** Disabled, one would lose the focus. @param {HTMLElement} node  @param {boolean} can */
  const enable = (node, can) => put(node, 'aria-disabled', String(!can));
  const can = (/** @type {HTMLElement} */ node) => node.getAttribute('aria-disabled') !== 'true';
  onStartStop(play, () => working, () => can(play) && way.on(), () => way.pause(), signal);
  back.addEventListener('click', () => can(back) && way.by(-1), { signal });
  more.addEventListener('click', () => can(more) && way.by(1), { signal });
  /** @param {State} state */
  const show = (state) => {
    working = isWorking(state) && canGo(state);
    const pausing = canGo(state) && !isWorking(state);
    const end = endsAt(state);
    say(play, working ? said.pause : said.goOn);
    enable(play, working || (pausing && !end.goOn));
    enable(back, pausing && state.run.tokens.length > 0);
    enable(more, pausing && !end.step);
  };
  const attributes = { class: 'step-buttons', role: 'group', 'aria-label': said.group };
  return { node: element('div', attributes, play, back, more), show };
}

/** What happened last, and what it did to the cache. @param {Words} said  @param {State} state */
function newsOf(said, state) {
  if (isComparing(state) || isApart(state)) return said.busy;
  if (!canGo(state)) return said.empty(state.model ? 0 : state.download.total);
  if (isWorking(state)) return said.writing;
  const { run } = state;
  const { prompt, position, held, bytes } = placesOf(state);
  const holds = said.holds(held, bytes);
  const cut = run.stories?.cut;
  const story = run.stories && storyNow(run.stories);
  if (!cut || !story) return `${said.paused(position)} ${holds}`;
  const dropped = said.dropped(cut.dropped, cut.droppedBytes);
  if (story.of !== undefined && story.from === cut.to - 1) {
    const news = cut.dropped > 0 ? `${dropped} ${holds}` : holds;
    return `${said.forked(prompt + cut.to)} ${news}`;
  }
  if (cut.to !== run.tokens.length) return `${said.paused(position)} ${holds}`;
  const [from, kept, to] = [cut.from, cut.kept, cut.to].map((tokens) => prompt + tokens);
  if (kept === to) return `${said.backTo(from, to)} ${dropped} ${holds}`;
  return `${kept === from ? said.onTo(from, to) : said.recalled(kept, to)} ${holds}`;
}

/** Whether what came again is the same. @param {Words} said */
function verdictOf(said) {
  const strong = element('strong');
  const rest = element('span');
  const hash = element('code');
  const node = element('p', { class: 'verdict', part: 'step-verdict' }, strong, rest, hash);
  /** @param {State} state */
  const show = ({ run }) => {
    const prompt = run.prefill?.tokens ?? 0;
    const { parting, equal, same } = run.stories?.again ?? { same: 0 };
    const isWrong = parting !== undefined || equal === false;
    const isSame = !isWrong && (equal || same > 0);
    put(node, 'data-verdict', isWrong ? 'different' : isSame ? 'equal' : '');
    say(strong, isWrong ? said.different : isSame ? said.same : '');
    if (parting !== undefined) say(rest, said.parted(prompt + parting + 1));
    else if (isWrong) say(rest, said.unequal);
    else say(rest, equal ? said.equal(same) : isSame ? said.again(same) : '');
    say(hash, equal ? run.hash ?? '' : '');
  };
  return { node, show };
}
