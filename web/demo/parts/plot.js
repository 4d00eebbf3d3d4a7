// The live chart: tokens per second against position, one line with the cache and one without.
import { release } from './plain-numbers.js'; // before uPlot
import uPlot from 'uplot';
import { MODES, columnOf, lastPoint, lengthOfCurves } from '../curves.js';

release();

const HEIGHT = 300;
const LABEL_ROOM = 88;      // px kept free on the right for the words at the lines' ends
const CALM_REDRAW_MS = 500; // between two redraws for readers who prefer reduced motion

/**
 * @import { Curves } from '../curves.js'
 * @import { Dictionary } from '../words/en.js'
 */

export class Plot {
  #box;
  #onPoint;
  #curves;
  #words;
  /** As uPlot takes them: positions, cached speeds, uncached speeds. @type {[number[], Speeds, Speeds]} */
  #columns = [[], [], []];
  /** @type {uPlot | undefined} */
  #plot;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  #drawn = -Infinity;
  #calm = matchMedia('(prefers-reduced-motion: reduce)');

  /** @typedef {(number | null)[]} Speeds */

  /**
   * @param {HTMLElement} box
   * @param {Curves} curves
   * @param {Dictionary} words
   * @param {(position: number | null) => void} onPoint  the position under the pointer, null when it leaves
   * @param {AbortSignal} signal  ends it
   */
  constructor(box, curves, words, onPoint, signal) {
    this.#box = box;
    this.#curves = curves;
    this.#words = words;
    this.#onPoint = onPoint;
    this.#build();
    const resized = new ResizeObserver(() => this.#plot?.setSize({ width: box.clientWidth, height: HEIGHT }));
    resized.observe(box);
    // The colours are read when it is built.
    for (const query of ['(prefers-color-scheme: dark)', '(forced-colors: active)']) {
      matchMedia(query).addEventListener('change', () => this.#build(), { signal });
    }
    signal.addEventListener('abort', () => {
      resized.disconnect();
      clearTimeout(this.#timer);
      this.#plot?.destroy();
    });
  }

  /** Draws the curves: immediately, or soon for readers who prefer reduced motion. @param {Curves} curves */
  show(curves) {
    if (curves === this.#curves) return;
    this.#curves = curves;
    if (!this.#calm.matches) return this.#draw();
    const wait = Math.max(0, this.#drawn + CALM_REDRAW_MS - performance.now());
    this.#timer ??= setTimeout(() => this.#draw(), wait);
  }

  #draw() {
    this.#timer = undefined;
    this.#drawn = performance.now();
    const length = lengthOfCurves(this.#curves);
    const positions = Array.from({ length }, (_, position) => position);
    this.#columns = [positions, columnOf(this.#curves, 'on', length), columnOf(this.#curves, 'off', length)];
    this.#plot?.setData(this.#columns);
  }

  #build() {
    const { cache, chart, format: { counted } } = this.#words;
    this.#plot?.destroy();
    const style = getComputedStyle(this.#box);
    /** @param {string} name */
    const color = (name) => style.getPropertyValue(name).trim();
    const font = `13px ${color('--sans')}`;
    const grid = { stroke: color('--hairline'), width: 1 };
    const axis = { stroke: color('--muted'), font, grid, ticks: { show: false } };
    this.#plot = new uPlot({
      width: this.#box.clientWidth,
      height: HEIGHT,
      padding: [12, LABEL_ROOM, 0, 0],
      legend: { show: false },
      cursor: { y: false, drag: { x: false, y: false }, points: { size: 8 } },
      scales: {
        x: { time: false, range: () => [0, Math.max(64, this.#curves.expected, this.#columns[0].length)] },
        y: { distr: 3, range: () => this.#decades() },
      },
      axes: [
        {
          ...axis, size: 32, space: 40,
          label: chart.axis, labelFont: font, labelSize: 24,
          values: (_plot, splits) => splits.map((position) => counted(position)),
        },
        {
          ...axis, size: 56, filter: (_plot, splits) => splits,
          splits: (_plot, _axis, min, max) => decadesBetween(min, max),
          values: (_plot, splits) => splits.map((speed) => counted(speed)),
        },
      ],
      series: [
        {},
        { label: cache.on, stroke: color('--on'), width: 2.5, points: { show: false } },
        { label: cache.off, stroke: color('--off'), width: 2.5, dash: [8, 5], points: { show: false } },
      ],
      hooks: {
        draw: [(plot) => this.#label(plot, {
          on: color('--on-ink'), off: color('--off-ink'), paper: color('--paper'),
        }, font)],
        setCursor: [(plot) => this.#onPoint(plot.cursor.idx ?? null)],
      },
    }, this.#columns, this.#box);
  }

  /** Whole decades that hold every point, three of them at least. @returns {[number, number]} */
  #decades() {
    let low = 10;
    let high = 10_000;
    for (const column of this.#columns.slice(1)) {
      for (const speed of column) {
        if (speed === null) continue;
        while (speed < low) low /= 10;
        while (speed > high) high *= 10;
      }
    }
    return [low, high];
  }

  /**
   * Names each line where the newest run has come to, beside a mark: a disc with the cache, a square without.
   * Lines of earlier runs may go on there, so the words keep some paper around them.
   * @param {uPlot} plot  @param {{ on: string, off: string, paper: string }} colors  @param {string} font
   */
  #label(plot, colors, font) {
    const { ctx } = plot;
    const scale = uPlot.pxRatio;
    const ends = MODES.flatMap((mode) => {
      const last = lastPoint(this.#curves, mode);
      if (!last) return [];
      return { mode, x: plot.valToPos(last.position, 'x', true), y: plot.valToPos(last.speed, 'y', true) };
    });
    const shift = shiftsApart(ends, 17 * scale, LABEL_ROOM * scale);
    ctx.save();
    ctx.font = font.replace('13px', `600 ${13 * scale}px`);
    ctx.textAlign = 'left';
    ctx.textBaseline = 'middle';
    ctx.lineJoin = 'round';
    ctx.lineWidth = 5 * scale;
    ctx.strokeStyle = colors.paper;
    for (const [i, { mode, x, y }] of ends.entries()) {
      ctx.fillStyle = colors[mode];
      ctx.beginPath();
      if (mode === 'on') ctx.arc(x, y, 4 * scale, 0, 2 * Math.PI);
      else ctx.rect(x - 4 * scale, y - 4 * scale, 8 * scale, 8 * scale);
      ctx.fill();
      ctx.strokeText(this.#words.cache[mode], x + 9 * scale, y + shift[i]);
      ctx.fillText(this.#words.cache[mode], x + 9 * scale, y + shift[i]);
    }
    ctx.restore();
  }
}

/**
 * How far the labels at two ends must move so as not to lie over each other.
 * @param {{ x: number, y: number }[]} ends  @param {number} height  @param {number} width
 */
function shiftsApart([a, b], height, width) {
  if (!a || !b || Math.abs(a.x - b.x) > width || Math.abs(a.y - b.y) > height) return [0, 0];
  const push = (height - Math.abs(a.y - b.y)) / 2;
  return a.y <= b.y ? [-push, push] : [push, -push];
}

/** @param {number} min  @param {number} max */
function decadesBetween(min, max) {
  const [low, high] = [min, max].map((value) => Math.round(Math.log10(value)));
  return Array.from({ length: high - low + 1 }, (_, i) => 10 ** (low + i));
}
