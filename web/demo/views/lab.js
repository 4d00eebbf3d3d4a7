/// <reference path="../css.d.ts" />
// Break it: bugs of KV caches to choose from, tried in a second engine beside the right one.
import { PROMPT, canShow, experimentWith, partingOf, piecesOf, testName, threadName } from '../broken.js';
import { bugList } from '../bug-list.js';
import { isTrying } from '../lab.js';
import { engineOf } from '../recorded.js';
import { button, element, note, onStartStop, put, say, uniqueId } from '../parts/dom.js';
import { failurePlace } from '../parts/failure.js';
import { framed, framedStyles } from '../parts/figure.js';
import { logitsDrawing } from '../parts/logits.js';
import { visible } from '../parts/story-text.js';
import { isApart, isWorking, languageOf } from '../state.js';
import { LAB } from '../words/lab.js';
import styles from './lab.css' with { type: 'text' };

/**
 * @import { Outcome } from '../../lab/experiment.js'
 * @import { BugList, Offered } from '../bug-list.js'
 * @import { Lab } from '../lab.js'
 * @import { Context, View } from '../view.js'
 * @import { State } from '../state.js'
 * @import { Dictionary } from '../words/en.js'
 *
 * @typedef {(typeof LAB)[string]} Words
 */

/** The view, once it is known what there is to choose from. @returns {Promise<View>} */
export async function labView() {
  const list = await bugList();
  return { name: 'lab', styles: framedStyles(styles), mount: (root, context) => mount(root, context, list) };
}

/** @param {HTMLElement} root  @param {Context} context  @param {BugList} list */
function mount(root, context, { bugs, bytes }) {
  const { actions, signal, words } = context;
  const said = LAB[words.lang];
  const choice = choiceOf(said, bugs);
  const control = controlOf(said, words);
  const result = resultOf(said, words, signal);
  const about = element('div', { class: 'bug', part: 'lab-bug' });
  const controls = element('div', { class: 'lab-bench' }, choice.node, about, ...control.nodes);
  const frame = framed(context, {
    name: 'lab', title: said.title, means: said.means, drawing: result.node, interactive: true, controls,
    picture: () => result.chart,
    table: tableOf(said, words, () => result.outcome),
  });
  put(frame.sentence, 'role', 'status');
  root.append(frame.node);
  /** @type {State | undefined} */
  let state;
  let trying = false; // as the reader sees it
  let fetched = false;
  /** @type {Offered | undefined} */
  let told;
  const show = () => {
    if (!state) return;
    const { lab } = state;
    const bug = choice.chosen();
    if (bug !== told) about.replaceChildren(...aboutOf(said, bug));
    told = bug;
    fetched ||= lab.status === 'writing' || lab.status === 'done';
    const blocked = isWorking(state) || (isApart(state) && !isTrying(lab));
    const config = engineOf(state)?.config;
    const unfit = canShow(bug, config) ? '' : config?.encoder ? said.encoder : said.unfit;
    const size = toCome(state, fetched ? 0 : bytes);
    control.show(lab, { blocked, unfit, bytes: size, isOld: lab.bug === bug.id });
    const outcome = lab.bug === bug.id ? lab.outcome : undefined;
    result.show(outcome, languageOf(state));
    frame.show(outcome ? `${nameOf(said, bug)}. ${sentenceOf(said, outcome)}` : said.empty);
  };
  choice.node.addEventListener('change', show, { signal });
  const start = () => {
    const bug = choice.chosen();
    actions.experiment({ id: bug.id, job: experimentWith(bug) });
  };
  onStartStop(control.go, () => trying, start, () => actions.stop(), signal);
  return (/** @type {State} */ now) => {
    if (!state && now.lab.bug) choice.choose(now.lab.bug); // as it was before a change of language
    state = now;
    trying = isTrying(now.lab);
    put(frame.node, 'data-state', now.lab.status);
    show();
  };
}

/** What is to be downloaded. @param {State} state  @param {number} bytes  of the engine */
const toCome = ({ model, download: { total } }, bytes) => (model ? bytes : total && total + bytes);

/** @param {Words} words  @param {readonly Offered[]} bugs */
function choiceOf(words, bugs) {
  const group = uniqueId('bug');
  const radios = bugs.map(({ id }, i) => (
    element('input', { type: 'radio', name: group, value: id, checked: i === 0 })));
  const node = element('fieldset', { class: 'bugs', part: 'lab-bugs' }, element('legend', {}, words.choose),
    ...radios.map((radio, i) => element('label', {}, radio, nameOf(words, bugs[i]))));
  return {
    node,
    chosen: () => bugs[Math.max(0, radios.findIndex(({ checked }) => checked))],
    /** @param {string} id */
    choose(id) {
      for (const radio of radios) radio.checked = radio.value === id;
    },
  };
}

/** @param {Words} words  @param {Offered} bug */
function wordsOf({ bugs }, { id, name, text }) {
  /** @type {Record<string, { name: string, how: string }>} */
  const all = bugs;
  return all[id] ?? { name, how: text };
}

/** @param {Words} words  @param {Offered} bug */
const nameOf = (words, bug) => wordsOf(words, bug).name;

/** Everything about a bug. @param {Words} words  @param {Offered} bug */
function aboutOf(words, bug) {
  const links = bug.threads.flatMap((href, i) => [i ? ', ' : '', element('a', { href }, threadName(href))]);
  const tests = bug.found.flatMap((test, i) => [i ? ', ' : '', element('code', {}, testName(test))]);
  return [
    element('h3', {}, nameOf(words, bug)),
    element('p', { part: 'lab-how' }, wordsOf(words, bug).how),
    element('p', { part: 'lab-threads' }, `${words.threads} `, ...links),
    element('p', {}, `${words.showing} `, words.scenarios[bug.scenario]),
    element('p', { class: 'note' }, words.line),
    ...bug.edits.map(diffOf),
    element('p', { part: 'lab-tests' }, `${words.tests} `, ...tests),
  ];
}

/** @param {Offered['edits'][number]} edit */
function diffOf({ file, line, right, wrong }) {
  const row = (/** @type {string} */ sign, /** @type {string} */ text, kind = '') => (
    element('span', { class: kind }, `${sign} ${text.trim()}`));
  const attributes = { translate: 'no', lang: 'en' };
  return element('pre', { part: 'lab-diff', ...attributes },
    row(' ', `${file}:${line}`, 'note'), row('-', right), row('+', wrong, 'plus'));
}

/** The button, and how far it is. @param {Words} words  @param {Dictionary} dictionary */
function controlOf(words, dictionary) {
  const label = element('span');
  const size = element('span', { class: 'size' });
  const go = button({ class: 'measure-button', part: 'lab-go' }, label, size);
  const why = note('');
  const doing = element('p', { class: 'lab-doing', part: 'lab-state', role: 'status' });
  const failure = failurePlace(dictionary);
  const alert = { class: 'error', part: 'lab-error', role: 'alert', hidden: true };
  const error = element('p', alert, failure.node);
  /** @param {Lab} lab  @param {{ blocked: boolean, unfit: string, bytes: number, isOld: boolean }} more */
  const show = (lab, { blocked, unfit, bytes, isOld }) => {
    say(label, isTrying(lab) ? words.stop : isOld && lab.outcome ? words.again : words.go);
    say(size, bytes > 0 && !isTrying(lab) ? ` ${words.downloads(bytes)}` : '');
    go.disabled = blocked || unfit !== '';
    say(why, blocked ? words.blocked : unfit);
    say(doing, lab.status === 'idle' || lab.status === 'done' ? '' : words[lab.status]);
    failure.show(lab.failure);
    error.hidden = !lab.failure;
  };
  return { go, show, nodes: [element('p', { class: 'actions' }, go, ' ', why), doing, error] };
}

// ---- what came of it ----------------------------------------------------------------------------

/** @param {Words} words  @param {Outcome} outcome */
function sentenceOf(words, outcome) {
  const { logits, token } = partingOf(outcome);
  if (logits === undefined) return `${words.same}${words.sameRest}`;
  if (outcome.parting?.wrong === null) return words.noLogits(logits);
  return words.said(logits, token, outcome.right.tokens.length);
}

/**
 * Both texts, the proof, and the chart.
 * @param {Words} words  @param {Dictionary} dictionary  @param {AbortSignal} signal
 */
function resultOf(words, { lang, format: { counted } }, signal) {
  const texts = /** @type {const} */ (['right', 'wrong']).map((side) => {
    const attributes = { class: 'story', part: `lab-${side}`, dir: 'auto' };
    const story = element('p', attributes, promptPart());
    const heading = element('h3', {}, words[side]);
    const node = element('div', { class: side === 'wrong' ? 'with-bug' : '' }, heading, story);
    return { side, story, node };
  });
  const proof = proofOf(words);
  const drawing = logitsDrawing(words, counted, signal);
  const node = element('div', {}, element('div', { class: 'lab-texts' }, ...texts.map((text) => text.node)),
    proof.node, element('p', { class: 'note' }, words.scale), drawing.node);
  const shown = {
    node, chart: drawing.node, outcome: /** @type {Outcome | undefined} */ (undefined),
    /** @param {Outcome | undefined} outcome  @param {string} written  the language of both texts */
    show(outcome, written) {
      for (const { story } of texts) put(story, 'lang', written);
      if (outcome === shown.outcome) return;
      shown.outcome = outcome;
      for (const { side, story } of texts) {
        story.replaceChildren(promptPart(), ...(outcome ? storyOf(words, lang, outcome, side) : []));
      }
      proof.show(outcome);
      drawing.show(outcome && {
        differences: outcome.differences, places: outcome.right.tokens.length + 1, first: outcome.prompt + 1,
        wrong: outcome.firstWrong });
    },
  };
  return shown;
}

const promptPart = () => element('span', { class: 'prompt' }, PROMPT);

/**
 * What was written, with its mark.
 * @param {Words} words  @param {string} lang  theirs
 * @param {Outcome} outcome  @param {'right' | 'wrong'} side
 */
function storyOf(words, lang, outcome, side) {
  const { same, shaky, space, first, rest } = piecesOf(outcome, side);
  const { error } = outcome[side];
  const isParted = outcome.firstWrong !== undefined;
  const mark = element('mark', { title: words.firstWrong, part: `lab-mark-${side}` },
    element('span', { class: 'visually-hidden', lang }, `${words.firstWrong}: `),
    first ? visible(first) : element('span', { lang }, words.missing));
  return [
    visible(same), element('span', { class: 'shaky' }, visible(shaky)),
    ...(isParted ? [first ? space : ' ', mark] : []), element('span', { class: 'late' }, visible(rest)),
    ...(error ? [' ', element('span', { class: 'problem', lang }, words.crashed(error.code))] : []),
  ];
}

/** @param {Words} words */
function proofOf(words) {
  const [verdict, rest] = [element('strong'), element('span')];
  const hashes = element('p', { class: 'hashes', part: 'lab-hashes' });
  const node = element('div', { class: 'proof', part: 'lab-proof', 'data-verdict': 'none' },
    element('p', {}, verdict, rest), hashes);
  /** @param {Outcome | undefined} outcome */
  const show = (outcome) => {
    const { parting } = outcome ?? {};
    put(node, 'data-verdict', !outcome ? 'none' : parting ? 'different' : 'equal');
    say(verdict, !outcome ? '' : parting ? words.different : words.same);
    const { logits = 0 } = outcome ? partingOf(outcome) : {};
    say(rest, !outcome ? '' : parting ? words.differentRest(logits) : words.sameRest);
    const width = Math.max(words.right.length, words.wrong.length);
    say(hashes, parting ? [[words.right, parting.right], [words.wrong, parting.wrong]]
      .map(([name, hash]) => `${String(name).padEnd(width)}  ${hash ?? words.none}`).join('\n') : '');
  };
  return { node, show };
}

/**
 * The same to read.
 * @param {Words} words  @param {Dictionary} dictionary  @param {() => Outcome | undefined} now
 */
const tableOf = ({ table: words }, { format: { counted, measured } }, now) => ({
  caption: words.caption, heads: [words.position, words.right, words.wrong, words.difference],
  rows: () => {
    const outcome = now();
    if (!outcome) return [];
    const { prompt, differences, right: { tokens }, wrong: other } = outcome;
    return differences.map((value, i) => [counted(prompt + i + 1), visible(tokens[i]?.text ?? ''),
      visible(other.tokens[i]?.text ?? ''), value === 0 ? '0' : measured(value)]);
  },
});
