// The live chart: tokens per second against position, one line with the cache and one without. It is an SVG:
// its colours, its dashes and the size of its text are the style sheet's, on any screen and on paper.
import { element, set, svg } from './dom.js';
import { countedOf } from '../counted.js';
import { MODES, speedAt } from '../curves.js';
import {
  countedEnd, countedLine, endsOf, frameOf, pastLine, positionAt, positionTicks, runLine, speedTicks, xOf,
  yOf,
} from './drawing.js';

const PICTURE = { width: 640, height: 320 };
const CALM_REDRAW_MS = 500; // between two redraws for readers who prefer reduced motion

/**
 * @import { Config } from '../../config/config.js'
 * @import { Beside } from '../counted.js'
 * @import { Curves, Mode } from '../curves.js'
 * @import { Box, End, Frame } from './drawing.js'
 * @import { Dictionary } from '../words/en.js'
 *
 * @typedef {object} Shown
 * @property {Curves} curves
 * @property {Readonly<Config>} [config]  of the model, by which work is counted
 * @property {Beside} [beside]    what else work goes by
 * @property {number} [position]  where a run is just now
 */

/** @param {boolean} visible  @param {SVGElement} node */
const show = (visible, node) => set(node, { visibility: visible ? 'visible' : 'hidden' });

export class Plot {
  #box;
  #words;
  #onPoint;
  /** @type {Shown} */
  #shown;
  /** @type {Box} */
  #size = { width: 0, height: 0, em: 0 };
  /** @type {Frame | undefined} */
  #frame;
  /** Drawn once a run. @type {Curves['past'] | undefined} */
  #past;
  /** @type {number | null} */
  #pointed = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  #drawn = -Infinity;
  #calm = matchMedia('(prefers-reduced-motion: reduce)');
  #svg = svg('svg', { 'aria-hidden': 'true' });
  #scales = svg('g', { class: 'scales' });
  #now = svg('path', { class: 'now' });
  #pointer = svg('path', { class: 'pointer' });
  #pastLines = lines('past');
  #countedLines = lines('counted');
  #countedName = svg('text', { class: 'word', 'text-anchor': 'end' });
  #lines = lines('line');
  #ends = { on: end('on', svg('circle')), off: end('off', svg('rect')) };

  /**
   * @param {HTMLElement} box  of a size that does not depend on what is in it
   * @param {Shown} shown
   * @param {Dictionary} words
   * @param {(position: number | null) => void} onPoint  the position under the pointer, null when it leaves
   * @param {AbortSignal} signal  ends it
   */
  constructor(box, shown, words, onPoint, signal) {
    this.#box = box;
    this.#shown = shown;
    this.#words = words;
    this.#onPoint = onPoint;
    const layers = [this.#pastLines, this.#countedLines, this.#lines];
    const byMode = layers.flatMap((each) => MODES.map((mode) => each[mode]));
    this.#svg.append(this.#scales, this.#now, this.#pointer, ...byMode, this.#countedName,
      ...MODES.map((mode) => this.#ends[mode].group));
    box.append(this.#svg);
    const resized = new ResizeObserver(() => this.measure());
    resized.observe(box);
    signal.addEventListener('abort', () => {
      resized.disconnect();
      clearTimeout(this.#timer);
    });
    box.addEventListener('pointermove', (event) => this.#point(event), { signal });
    box.addEventListener('pointerdown', (event) => this.#point(event), { signal });
    box.addEventListener('pointerleave', () => this.#point(undefined), { signal });
  }

  /** Draws a state: immediately, or soon for readers who prefer reduced motion. @param {Shown} shown */
  show(shown) {
    const { curves, config, position } = this.#shown;
    if (shown.curves === curves && shown.config === config && shown.position === position) return;
    this.#shown = shown;
    if (!this.#calm.matches) return this.#draw();
    const wait = Math.max(0, this.#drawn + CALM_REDRAW_MS - performance.now());
    this.#timer ??= setTimeout(() => this.#draw(), wait);
  }

  /** Without a size, as in closed details, there is nothing to draw in. */
  measure() {
    const { clientWidth: width, clientHeight: height } = this.#box;
    if (width === 0 || height === 0) return;
    this.#size = { width, height, em: parseFloat(getComputedStyle(this.#svg).fontSize) };
    set(this.#svg, { viewBox: `0 0 ${width} ${height}` });
    this.#frame = undefined;
    this.#draw();
  }

  #draw() {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#drawn = performance.now();
    if (this.#size.width === 0) return;
    const { curves, position } = this.#shown;
    const frame = this.#scale(frameOf(curves, this.#size));
    if (curves.past !== this.#past) {
      this.#past = curves.past;
      for (const mode of MODES) set(this.#pastLines[mode], { d: pastLine(frame, curves, mode) });
    }
    for (const mode of MODES) set(this.#lines[mode], { d: runLine(frame, curves, mode) });
    show(position !== undefined, this.#now);
    if (position !== undefined) set(this.#now, { d: upright(frame, position) });
    const ends = endsOf(frame, curves, this.#size.em, this.#words.cache);
    this.#count(frame, ends);
    this.#name(ends);
    this.#showPointer(frame);
  }

  /** What the multiply-adds alone would give. @param {Frame} frame  @param {readonly End[]} ends */
  #count(frame, ends) {
    const { curves, config, beside } = this.#shown;
    const { chart: { counted: word } } = this.#words;
    const counted = countedOf(curves, config, beside);
    for (const mode of MODES) {
      const own = counted.find((each) => each.mode === mode);
      set(this.#countedLines[mode], { d: own ? countedLine(frame, own) : '' });
    }
    const place = countedEnd(frame, counted, ends, this.#size.em, word);
    show(place !== undefined, this.#countedName);
    set(this.#countedName, place ?? {});
    if (this.#countedName.textContent !== word) this.#countedName.textContent = word;
  }

  /** Draws the scales anew where they have changed. @param {Frame} frame */
  #scale(frame) {
    if (JSON.stringify(frame) === JSON.stringify(this.#frame)) return frame;
    this.#frame = frame;
    this.#past = undefined;
    const { em, height } = this.#size;
    const { left, right, bottom } = frame;
    const { format: { counted }, chart: { axis } } = this.#words;
    const speeds = speedTicks(frame).flatMap(({ at, value }) => [
      svg('path', { d: `M${left} ${at}H${right}` }),
      svg('text', { x: left - 0.5 * em, y: at + 0.35 * em, 'text-anchor': 'end' }, counted(value))]);
    const positions = positionTicks(frame, em).flatMap(({ at, value }) => [
      svg('path', { d: `M${at} ${bottom}v${0.3 * em}` }),
      svg('text', { x: at, y: bottom + 1.3 * em, 'text-anchor': 'middle' }, counted(value))]);
    this.#scales.replaceChildren(...speeds, ...positions, svg('text', {
      x: (left + right) / 2, y: height - 0.3 * em, 'text-anchor': 'middle' }, axis));
    return frame;
  }

  /** Names each line where it has come to, beside a mark. @param {readonly End[]} ends */
  #name(ends) {
    for (const mode of MODES) {
      const { group, mark, name } = this.#ends[mode];
      const found = ends.find((each) => each.mode === mode);
      show(found !== undefined, group);
      if (!found) continue;
      const { x, y, textX, textY, anchor } = found;
      if (mode === 'on') set(mark, { cx: x, cy: y, r: 4 });
      else set(mark, { x: x - 4, y: y - 4, width: 8, height: 8 });
      set(name, { x: textX, y: textY, 'text-anchor': anchor });
      if (name.textContent !== this.#words.cache[mode]) name.textContent = this.#words.cache[mode];
    }
  }

  /**
   * The place is told by the box as it is seen, so that transforms and zooms of the page do no harm.
   * @param {PointerEvent | undefined} event  undefined: the pointer has left
   */
  #point(event) {
    if (!this.#frame) return;
    const { left, width } = this.#box.getBoundingClientRect();
    const x = event && (event.clientX - left) / width * this.#size.width;
    const pointed = x === undefined ? null : positionAt(this.#frame, x);
    if (pointed === this.#pointed) return;
    this.#pointed = pointed;
    this.#showPointer(this.#frame);
    this.#onPoint(pointed);
  }

  /** @param {Frame} frame */
  #showPointer(frame) {
    show(this.#pointed !== null, this.#pointer);
    if (this.#pointed === null) return;
    const dots = MODES.map((mode) => {
      const speed = speedAt(this.#shown.curves, mode, /** @type {number} */ (this.#pointed));
      return speed === null ? '' : ring(xOf(frame, /** @type {number} */ (this.#pointed)), yOf(frame, speed));
    });
    set(this.#pointer, { d: upright(frame, this.#pointed) + dots.join('') });
  }
}

/**
 * The chart in a size of its own.
 * @param {HTMLElement} studio  an empty place in a figure  @param {Shown} shown  @param {Dictionary} words
 */
export function plotPicture(studio, shown, words) {
  const box = element('div', { class: 'chart' });
  for (const [name, px] of Object.entries(PICTURE)) box.style.setProperty(name, `${px}px`);
  studio.append(box);
  const ending = new AbortController();
  new Plot(box, shown, words, () => {}, ending.signal).measure();
  ending.abort();
  return /** @type {SVGSVGElement} */ (box.firstChild);
}

/** @param {string} kind  @returns {Record<Mode, SVGElement>} */
const lines = (kind) => (
  { on: svg('path', { class: `${kind} on` }), off: svg('path', { class: `${kind} off` }) });

/** @param {Mode} mode  @param {SVGElement} mark */
function end(mode, mark) {
  const name = svg('text');
  return { group: svg('g', { class: `end ${mode}` }, mark, name), mark, name };
}

/** @param {Frame} frame  @param {number} position */
function upright(frame, position) {
  const x = xOf(frame, position).toFixed(1);
  return `M${x} ${frame.top}V${frame.bottom}`;
}

/** @param {number} x  @param {number} y */
const ring = (x, y) => `M${x - 4} ${y}a4 4 0 1 0 8 0a4 4 0 1 0-8 0`;
