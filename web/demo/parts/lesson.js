// The words of a lesson on the page: its question, what is to be tried, what was seen, and the experiment.
import { LESSONS } from '../lessons/index.js';
import { lessonOf, nextRun, resultOf } from '../tour.js';
import { button, element, put, say, uniqueId } from './dom.js';

/**
 * @import { Found } from '../lessons/lesson.js'
 * @import { Progress, Result } from '../tour.js'
 * @import { TOUR } from '../words/tour.js'
 *
 * @typedef {(typeof TOUR)[string]} Words
 *
 * @typedef {string | ((...numbers: number[]) => string)} Sentence
 * @typedef {object} Said  by a lesson
 * @property {string} title
 * @property {string} question
 * @property {readonly string[]} answers
 * @property {string} ask
 * @property {readonly string[]} runs  on its button
 * @property {(...numbers: number[]) => string} seen
 * @property {string} why
 * @property {string} task
 * @property {Record<string, Sentence>} says
 */

/** @param {Words} words  @param {number} lesson  from 1 @returns {Said} */
export const saidBy = (words, lesson) => (
  /** @type {Record<string, Said>} */ (words.lessons)[lessonOf(lesson).name]);

/**
 * @param {Words} words  @param {string} titleId
 * @param {{ guess: (answer: number) => void, go: () => void }} on  what the reader does
 * @param {AbortSignal} signal
 */
export function lessonPlace(words, titleId, on, signal) {
  const where = element('p', { class: 'note', part: 'lesson-place' });
  const title = element('h2', { id: titleId, part: 'lesson-title', tabindex: -1 });
  const guess = guessPlace(words, on.guess, signal);
  const attempt = tryPlace(words, on.go, signal);
  const see = seePlace(words);
  const check = checkPlace(words);
  let shown = 0;
  /** @param {Progress} progress  @param {string} size  of a download  @param {boolean} working */
  const show = (progress, size, working) => {
    const { lesson } = progress;
    const [said, result] = [saidBy(words, lesson), resultOf(progress)];
    if (shown !== lesson) {
      shown = lesson;
      say(where, words.place(lesson, LESSONS.length));
      say(title, said.title);
      guess.fill(said);
    }
    guess.show(result);
    attempt.show(said, nextRun(progress), size, working);
    see.show(said, result, lessonOf(lesson).right);
    check.show(said, result);
  };
  return {
    show,
    focus: () => title.focus(),
    head: element('header', {}, where, title),
    guess: guess.node, try: attempt.node, see: see.node, check: check.node,
  };
}

/** @param {string} name  @param {string} title  @param {...Node} children */
const section = (name, title, ...children) => (
  element('div', { class: `lesson-${name}` }, element('h3', {}, title), ...children));

/** @param {Words} words  @param {(answer: number) => void} onGuess  @param {AbortSignal} signal */
function guessPlace(words, onGuess, signal) {
  const question = element('legend');
  const answers = element('div', { class: 'answers' });
  const node = section('guess', words.guess,
    element('fieldset', { part: 'lesson-guess' }, question, answers));
  const group = uniqueId('answer');
  answers.addEventListener('change', ({ target }) => {
    onGuess(Number(/** @type {HTMLInputElement} */ (target).value));
  }, { signal });
  /** @type {HTMLInputElement[]} */
  let inputs = [];
  return {
    node,
    /** @param {Said} said */
    fill(said) {
      say(question, said.question);
      inputs = said.answers.map((_, value) => element('input', { type: 'radio', name: group, value }));
      answers.replaceChildren(...inputs.map((input, i) => element('label', {}, input, said.answers[i])));
    },
    /** @param {Result} result */
    show({ guess }) {
      for (const [i, input] of inputs.entries()) input.checked = i === guess;
    },
  };
}

/** @param {Words} words  @param {() => void} onGo  @param {AbortSignal} signal */
function tryPlace(words, onGo, signal) {
  const ask = element('p');
  const label = element('span');
  const size = element('span', { class: 'note' });
  const go = button({ class: 'lesson-go', part: 'lesson-go' }, label, size);
  go.addEventListener('click', () => {
    if (go.getAttribute('aria-disabled') !== 'true') onGo();
  }, { signal });
  return {
    node: section('try', words.try, ask, element('p', {}, go)),
    /** @param {Said} said  @param {number} run  @param {string} bytes  @param {boolean} working */
    show(said, run, bytes, working) {
      say(ask, said.ask);
      say(label, said.runs[run]);
      say(size, bytes && ` ${bytes}`);
      put(go, 'aria-disabled', String(working)); // disabled, it would lose the focus
    },
  };
}

/** What was seen, and whether it was guessed; the room for it is kept. @param {Words} words */
function seePlace(words) {
  const untried = element('p', { class: 'note' }, words.untried);
  const verdict = element('strong');
  const answer = element('span');
  const seen = element('p', { part: 'lesson-seen' });
  const news = element('div', { role: 'status' },
    element('p', { part: 'lesson-verdict' }, verdict, answer), seen);
  const why = element('p', { part: 'lesson-why' });
  return {
    node: section('see', words.see, element('div', { class: 'lesson-news' }, untried, news), why),
    /** @param {Said} said  @param {Result} result  @param {number} right */
    show(said, { guess, tried }, right) {
      const { verdict: verdicts } = words;
      const guessed = guess === undefined ? 'none' : guess === right ? 'right' : 'other';
      say(verdict, tried ? verdicts[guessed] : '');
      say(answer, tried ? said.answers[right] : '');
      say(seen, tried ? said.seen(...tried) : '');
      say(why, said.why);
      untried.hidden = tried !== undefined;
      put(why, 'class', tried ? '' : 'away');
    },
  };
}

/** The experiment. @param {Words} words */
function checkPlace(words) {
  const task = element('p', { part: 'lesson-task' });
  const solved = element('strong');
  const found = element('span');
  const news = element('p', { class: 'lesson-found', part: 'lesson-found', role: 'status' }, solved, found);
  return {
    node: section('check', words.check, task, news),
    /** @param {Said} said  @param {Result} result */
    show(said, { found: what }) {
      say(task, said.task);
      say(solved, what?.passed ? words.solved : '');
      say(found, what ? foundWords(said, what) : words.open);
      put(news, 'data-passed', String(what?.passed ?? false));
    },
  };
}

/** @param {Said} said  @param {Found} found */
function foundWords({ says }, { say: which, numbers }) {
  const sentence = says[which];
  return typeof sentence === 'string' ? sentence : sentence(...numbers);
}
