// A recorded run as a picture that needs no script: for pages that have none, for paper, for links.
import { countedOf } from '../../web/demo/counted.js';
import {
  countedEnd, countedLine, endsOf, frameOf, positionTicks, runLine, speedTicks,
} from '../../web/demo/parts/drawing.js';
import { payoffOf } from '../../web/demo/payoff.js';
import { hasteOf, momentsOf } from '../../web/demo/recording.js';
import { initialState, reduce } from '../../web/demo/state.js';
import { chartWords, payoffWords } from '../../web/demo/words.js';
import { en } from '../../web/demo/words/en.js';

export const WIDTH = 600;
export const HEIGHT = 315; // so that 1200 x 630, the size of link previews, has the same shape
const MARGIN = 16;
const EM = 12;
const CHART = { top: 92, height: 148 };
const LINE = 74; // characters of the story that fit

const STYLE = `
svg { color-scheme: light dark; font: 13px system-ui, sans-serif;
  --paper: #fdfcf9; --ink: #1c1b19; --muted: #5d5b56; --hairline: #dfdcd4;
  --on: #0072b2; --off: #d55e00; --on-ink: #00659e; --off-ink: #af4c00; --equal: #00704f }
@media (prefers-color-scheme: dark) { svg {
  --paper: #17181a; --ink: #e9e6df; --muted: #aaa69d; --hairline: #36373a;
  --on: #56b4e9; --off: #f28e4b; --on-ink: #6fc0ee; --off-ink: #f6a068; --equal: #45cfa3 } }
.paper { fill: var(--paper) }
text { fill: var(--ink) }
.large { font: 600 27px serif }
.story { font: 15px serif }
.prompt { font-style: italic }
.muted, .scales text { fill: var(--muted) }
.strong { font-weight: 600 }
.equal { fill: var(--equal) }
.chart text { font-size: ${EM}px }
path { fill: none; stroke-width: 2.5; stroke-linejoin: round }
.scales path { stroke: var(--hairline); stroke-width: 1 }
path.on { stroke: var(--on) }
path.off { stroke: var(--off); stroke-dasharray: 8 5 }
path.counted { stroke-width: 1.5; stroke-dasharray: 1.5 3 }
text.counted { fill: var(--muted) }
.end.on, .end.on text { fill: var(--on-ink); font-weight: 600 }
.end.off, .end.off text { fill: var(--off-ink); font-weight: 600 }`;

/** @param {import('../../web/demo/recording.js').Recording} recording  @returns {string}  an SVG */
export function pictureOf(recording) {
  const moments = momentsOf(recording);
  const begun = { type: 'recording', recording, haste: hasteOf(moments.at(-1).at), playing: true };
  const replayed = { type: 'replayed', events: moments.map(({ event }) => event), playing: false };
  const state = [begun, replayed].reduce(reduce, initialState());
  const { large, small, verdict } = payoffWords(en, payoffOf(state));
  const { cache, switch: { on } } = en.controls;
  const headline = `${cache} ${on}: ${large}`;
  const place = en.recorded.on(recording.date, `${recording.machine.en}, ${recording.browser}`);
  const right = WIDTH - MARGIN;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" lang="en">`,
    tag('title', {}, `${headline}. ${verdict}`),
    tag('desc', {}, `${en.chart.means} ${chartWords(en, state.curves)} ${en.chart.countedMeans} ${place}`),
    `<style>${STYLE}</style>`,
    tag('rect', { class: 'paper', width: WIDTH, height: HEIGHT }),
    tag('text', { class: 'large', x: MARGIN, y: 36 }, headline),
    text(58, [['muted', small], ['strong equal', verdict]]),
    text(86, [['strong', en.chart.title], ['muted', en.chart.scale]]),
    ...chart(state.curves, recording.engine.config, { width: right - MARGIN, height: CHART.height, em: EM }),
    tag('text', { class: 'story prompt muted', x: MARGIN, y: 262 }, recording.prompt),
    tag('text', { class: 'story', x: MARGIN, y: 282 }, beginning(recording.texts.join(''))),
    text(304, [['muted', place]]),
    '</svg>', '',
  ].join('\n');
}

/**
 * @param {import('../../web/demo/curves.js').Curves} curves
 * @param {import('../../web/config/config.js').Config} config  @param {{ width, height, em }} box
 */
function chart(curves, config, box) {
  const frame = frameOf(curves, box);
  const { left, right, bottom } = frame;
  const { chart: { counted: word }, format: { counted: words } } = en;
  const counted = countedOf(curves, config);
  const ends = endsOf(frame, curves, EM, en.cache);
  const place = countedEnd(frame, counted, ends, EM, word);
  const scales = [
    ...speedTicks(frame).flatMap(({ at, value }) => [
      tag('path', { d: `M${left} ${round(at)}H${round(right)}` }),
      tag('text', { x: left - EM / 2, y: at + 0.35 * EM, 'text-anchor': 'end' }, words(value))]),
    ...positionTicks(frame, EM).map(({ at, value }) => (
      tag('text', { x: at, y: bottom + 1.3 * EM, 'text-anchor': 'middle' }, words(value)))),
    tag('text', { x: (left + right) / 2, y: box.height - 0.3 * EM, 'text-anchor': 'middle' }, en.chart.axis),
  ];
  return [
    `<g class="chart" transform="translate(${MARGIN} ${CHART.top})">`,
    '<g class="scales">', ...scales, '</g>',
    ...counted.map((one) => tag('path', { class: `${one.mode} counted`, d: countedLine(frame, one) })),
    tag('text', { class: 'counted', 'text-anchor': 'end', ...place }, word),
    ...['on', 'off'].map((mode) => tag('path', { class: mode, d: runLine(frame, curves, mode) })),
    ...ends.flatMap(({ mode, x, y, textX, textY, anchor }) => [
      `<g class="end ${mode}">`,
      mode === 'on' ? tag('circle', { cx: x, cy: y, r: 4 })
        : tag('rect', { x: x - 4, y: y - 4, width: 8, height: 8 }),
      tag('text', { x: textX, y: textY, 'text-anchor': anchor }, en.cache[mode]), '</g>']),
    '</g>',
  ];
}

/** The first words, as many as fit. @param {string} story */
function beginning(story) {
  const words = story.trim().replace(/\s+/g, ' ').slice(0, LINE);
  return `${words.slice(0, words.lastIndexOf(' '))} …`;
}

/** Words in a line. @param {number} y  @param {[style: string, words: string][]} spans */
const text = (y, spans) => tag('text', { x: MARGIN, y },
  spans.map(([style, words]) => tag('tspan', { class: style }, words)).join(' '), true);

/** @param {number} value */
const round = (value) => Math.round(10 * value) / 10;

const ESCAPES = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
const escaped = (words) => String(words).replace(/[&<>"]/g, (character) => ESCAPES[character]);

/** @param {string} name  @param {object} attributes  @param {string} [content]  @param {boolean} [isRaw] */
function tag(name, attributes, content, isRaw = false) {
  const list = Object.entries(attributes)
    .map(([key, value]) => ` ${key}="${typeof value === 'number' ? round(value) : escaped(value)}"`).join('');
  if (content === undefined) return `<${name}${list}/>`;
  return `<${name}${list}>${isRaw ? content : escaped(content)}</${name}>`;
}
