// What of a pronounced word is seen at a moment: as a picture, as sentences, as rows of a table. Pure.
import { BOTH, costOf, ipaOf, ipaWord, isSame, keyOf, looksAt, soundsOf, strongest, tellingHead,
  timesWritten, traceOf, wayOf } from './sounds.js';

/**
 * @import { Traced } from '../worker/traced.js'
 * @import { Picture } from './parts/sounds-drawing.js'
 * @import { Head } from './lens.js'
 * @import { Tried, Way } from './sounds.js'
 * @import { Caches } from './sounding.js'
 * @import { SOUNDS } from './words/sounds.js'
 *
 * @typedef {(typeof SOUNDS)[string]} Words
 *
 * @typedef {object} Shown
 * @property {string} word
 * @property {Way} way
 * @property {readonly Tried[]} tried   with both caches, and with those of `way`
 * @property {number} passed  moments: the reading of the letters, and each step
 * @property {Head} head      that is looked through
 * @property {number} slowness  of the word, whatever the switches say
 * @property {number} [chosen]  the step that is looked at; absent: the newest
 */

/**
 * A word with each choice of caches, recorded to be seen before anything was run here (npm run record).
 * @typedef {object} Recorded
 * @property {string} date       a day, in UTC
 * @property {Record<string, string>} machine  by language
 * @property {string} browser
 * @property {string} version    of this project
 * @property {string} word
 * @property {readonly { caches: Caches, trace: RecordedTrace }[]} tried
 *
 * @typedef {Omit<Traced, 'looks'>
 *   & { looks?: { layers: number, heads: number, weights: readonly number[] } }} RecordedTrace
 */

/**
 * All of it, with a look at the middle of the word.
 * @param {Recorded} recorded  @param {Way} way  @returns {Shown}
 */
export function recordedOf({ word, tried: all }, way) {
  const tried = all.map(({ caches, trace: { looks, ...trace } }) => ({
    way: wayOf(caches),
    trace: { ...trace, ...(looks && { looks: { ...looks, weights: Float32Array.from(looks.weights) } }) },
  }));
  const cached = /** @type {Traced} */ (traceOf(tried, BOTH));
  const head = tellingHead(cached) ?? { layer: 0, head: 0 };
  return { word, way, tried, passed: cached.steps.length + 1, head, slowness: 1, chosen: 1 };
}

const NAMED = 0.1; // a share of a look that is worth a word
const MOST_NAMED = 3;
const END = '·'; // behind the letters

/** @param {Shown} shown */
const tracesOf = ({ tried, way }) => ({
  cached: /** @type {Traced} */ (traceOf(tried, BOTH)), trace: /** @type {Traced} */ (traceOf(tried, way)),
});

/** Steps that are there. @param {Shown} shown */
export const stepsOf = ({ passed }) => Math.max(0, passed - 1);

/** The step that is looked at; -1: none. @param {Shown} shown */
export const currentOf = (shown) => shown.chosen ?? stepsOf(shown) - 1;

/** The word's letters, and what stands for the end. @param {Shown} shown */
const lettersOf = ({ word }) => [...word, END];

/** The word and its sounds so far. @param {Shown} shown */
export function outWords(shown) {
  const sounds = soundsOf(tracesOf(shown).trace).slice(0, stepsOf(shown));
  return `${shown.word} → ${sounds.length > 0 ? `/${ipaWord(sounds)}/` : '…'}`;
}

/** Where a step looked. @param {Shown} shown  @param {number} step */
function looksOf(shown, step) {
  const { source, looks } = tracesOf(shown).cached;
  return looks && step >= 0 ? looksAt(looks, source.length, step, shown.head) : [];
}

/** @param {Words} said  @param {Shown} shown  @returns {Picture} */
export function pictureOf(said, shown) {
  const { cached, trace } = tracesOf(shown);
  const end = stepsOf(shown);
  const current = currentOf(shown);
  const longest = Math.max(...shown.tried.flatMap(({ trace: { steps } }) => steps.map(({ ms }) => ms)));
  const sound = (/** @type {string} */ text) => ipaOf(text.trim());
  const rows = trace.steps.map(({ id, text, ms }, i) => ({
    input: i > 0 ? sound(trace.steps[i - 1].text) : said.start,
    sound: id === null ? said.end : sound(text), name: text.trim(),
    looks: looksOf(shown, i), time: said.ms(ms), length: ms / longest,
  }));
  return {
    letters: lettersOf(shown), rows, shown: end, isRead: shown.passed > 0, way: shown.way, current,
    projected: costOf(trace, cached, end).projected, written: timesWritten(trace, end),
    light: looksOf(shown, current),
  };
}

/** What the step that is looked at reads. @param {Words} said  @param {Shown} shown */
export function lookWords(said, shown) {
  const step = tracesOf(shown).trace.steps[currentOf(shown)];
  if (!step) return '';
  const letters = namedIn(shown, currentOf(shown));
  const { layer, head } = shown.head;
  const sound = step.id === null ? undefined : ipaOf(step.text.trim());
  return said.looks({ sound, letters, layer: layer + 1, head: head + 1 });
}

/** @param {Shown} shown  @param {number} step */
const namedIn = (shown, step) => strongest(looksOf(shown, step), NAMED).slice(0, MOST_NAMED)
  .map(({ letter, share }) => ({ letter: [...shown.word][letter], share }));

/** For a screen reader. @param {Words} said  @param {Shown} shown */
export function stepWords(said, shown) {
  const { steps } = tracesOf(shown).trace;
  const current = currentOf(shown);
  if (current < 0) return said.start; // nothing was said yet
  const { id, text } = steps[current] ?? { id: null, text: '' };
  return said.step(current + 1, steps.length, id === null ? said.end : ipaOf(text.trim()));
}

/** @param {Words} said  @param {Shown} shown  @returns {string[][]} */
export function rowsOf(said, shown) {
  const { trace } = tracesOf(shown);
  return trace.steps.slice(0, stepsOf(shown)).map(({ id, text, ms, macs }, i) => [
    id === null ? said.end : `${ipaOf(text.trim())} (${text.trim()})`,
    namedIn(shown, i).map(({ letter = END, share }) => said.table.share(letter, share)).join(', '),
    said.ms(ms), said.million(macs)]);
}

/** What both caches have done so far. @param {Words} said  @param {Shown} shown */
export function cacheWords(said, shown) {
  const { cached, trace } = tracesOf(shown);
  const end = stepsOf(shown);
  const { projected, read, rows } = costOf(trace, cached, end);
  const letters = shown.word.length;
  const { self, cross } = cached.bytes;
  const share = end / trace.steps.length; // of its rows
  return {
    cross: shown.way.cross ? said.crossOn(letters, cross, read) : said.crossOff(letters, projected),
    self: shown.way.self ? said.selfOn(end, self * share) : said.selfOff(rows, end),
  };
}

/** What the whole word says, once it is there. @param {Words} said  @param {Shown} shown */
export function payoffWords(said, shown) {
  const { cached, trace } = tracesOf(shown);
  const key = keyOf(shown.way);
  if (!isSame(trace, cached)) return said.differs;
  if (key === 'both') return shown.tried.length > 1 ? said.best : said.next;
  const [usual, cost] = [costOf(cached, cached), costOf(trace, cached)];
  return said.payoff(key, cost.ms / usual.ms, cost.macs / usual.macs);
}

/** @param {Words} said  @param {Shown} shown */
export const slowWords = (said, { slowness, passed }) => said.slow(slowness, passed === 0);

/** The step that a key leads to; undefined: none. @param {Shown} shown  @param {string} key */
export function stepAt(shown, key) {
  const at = currentOf(shown);
  switch (key) {
    case 'ArrowLeft': case 'ArrowUp': return at - 1;
    case 'ArrowRight': case 'ArrowDown': return at + 1;
    case 'Home': return 0;
    case 'End': return stepsOf(shown) - 1;
    default: return undefined;
  }
}
