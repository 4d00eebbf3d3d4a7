// What the story has taken so far, as two charts: bytes, counted, and speed, measured.
import { TRAINED, bytesAt, ratesOf, wholeBytes } from '../window.js';
import { element, note } from './dom.js';
import { linesChart, ticksFor } from './lines.js';

/**
 * @import { Story } from '../window.js'
 * @import { WINDOW } from '../words/window.js'
 */

const [BESIDE, GAP] = [720, 32]; // px, as in window.css
const STEPS = 48; // points of a line
const USUAL = 1000; // tokens per second, before any are measured

/** A line and its words. @param {string} kind  @param {string} words */
export const legendItem = (kind, words) => element('li', {},
  element('span', { class: `lines-key ${kind}`, 'aria-hidden': 'true' }), words);

/** @param {(typeof WINDOW)[string]['charts']} said  @param {(value: number) => string} counted */
export function windowCharts(said, counted) {
  const [memory, speed] = [linesChart('window-memory'), linesChart('window-speed')];
  const node = element('div', { class: 'window-charts' },
    element('div', {}, element('h3', {}, said.memory), memory.node,
      element('ul', { class: 'lines-legend' },
        legendItem('sinks', said.window), legendItem('whole', said.whole))),
    element('div', {}, element('h3', {}, said.speed), speed.node, element('p', {}, note(said.fast))));
  /** @param {Story} story  @param {number} total  tokens  @param {number} all  px that there is room for */
  const show = (story, total, all) => {
    const room = all >= BESIDE ? Math.floor((all - GAP) / 2) : all; // of each
    const ends = Array.from({ length: STEPS + 1 }, (_, i) => Math.round(story.tokens * i / STEPS));
    const line = (/** @type {string} */ kind, /** @type {(tokens: number) => number} */ bytes) => (
      { kind, points: ends.map((x) => ({ x, y: bytes(x) })) });
    const whole = wholeBytes(story, story.tokens);
    const marks = [{ x: story.capacity, words: said.here },
      ...(story.capacity < TRAINED ? [{ x: TRAINED, words: said.trained }] : [])];
    memory.show({
      lines: [line('whole', (x) => wholeBytes(story, x)), line('sinks', (x) => bytesAt(story, x))],
      marks, right: total, ticks: ticksFor(0, wholeBytes(story, total)), label: said.size, counted,
    }, room, said.memorySaid(story.cacheBytes, whole));
    const rates = ratesOf(story);
    const speeds = rates.map(({ rate }) => rate);
    const most = speeds.length > 0 ? Math.max(...speeds) : USUAL;
    speed.show({
      lines: [{ kind: 'sinks', points: rates.map(({ end, rate }) => ({ x: end, y: rate })) }],
      marks, right: total, ticks: ticksFor(0, most), label: counted, counted,
    }, room, speeds.length > 0 ? said.speedSaid(Math.min(...speeds), most) : said.speed);
  };
  return { node, show };
}
