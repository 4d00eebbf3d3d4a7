// Q above K, the weights beside it, V: one row of each for a token. What the newest step has computed has a
// thick line around it, what it reads stands on thin ones, and the weights on dots.
import { barsPath, roomFor } from '../strips.js';
import { element, put, say, svg } from './dom.js';
import { strip, weightsStrip } from './strip.js';

/**
 * @import { Rows } from '../strips.js'
 *
 * @typedef {object} Shown
 * @property {Rows} keys
 * @property {Rows} values
 * @property {Float32Array} weights
 * @property {Float32Array} query
 * @property {number} chosen   row that is drawn large
 * @property {number} fresh    the first row that the newest step has computed
 *
 * @typedef {'query' | 'compared' | 'keys' | 'values' | 'weights' | 'rest' | 'row' | 'weight'} LabelName
 * @typedef {Record<LabelName, string>} Labels
 */

const FLASH = { duration: 180 };
const CALM_MS = 500; // from one flash to the next: many in a second are bad for some eyes

export class StripsDrawing {
  #labels = labels();
  #bars = { query: bars('work'), key: bars('row'), value: bars('row') };
  #keys = framedStrip(strip());
  #values = framedStrip(strip());
  #weights = framedStrip(weightsStrip(), 'dotted');
  #rows = 0;
  #flashed = -Infinity;

  /** @type {Shown | undefined} */
  #shown;

  /** @param {AbortSignal} signal */
  constructor(signal) {
    const { query, compared, keys, values, weights, row, weight, rest } = this.#labels;
    this.#keys.node.append(rest);
    this.slider = element('div', {
      class: 'strips-all', part: 'strips-rows', role: 'slider', tabindex: 0, 'aria-orientation': 'vertical',
      'aria-valuemin': 1,
    }, this.#keys.node, this.#weights.node, this.#values.node);
    this.node = element('div', { class: 'strips-grid' },
      query, this.#bars.query.node, compared,
      keys, weights, values, this.slider,
      row, this.#bars.key.node, weight, this.#bars.value.node);
    this.node.addEventListener('transitionend', ({ target }) => {
      if (target === this.node) this.#paint(); // of its colour: another theme or scheme, or forced colours
    }, { signal });
    // What is not rendered, as in closed details, has no transitions.
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.#paint(), { signal });
  }

  /** The row at a height of the window. @param {number} y */
  rowAt(y) {
    const { top, height } = this.slider.getBoundingClientRect();
    return Math.floor((y - top) / height * roomFor(this.#rows));
  }

  /** @param {Shown} shown  @param {Labels} said */
  show(shown, said) {
    const { keys, values, query, chosen, fresh } = shown;
    for (const [name, label] of Object.entries(this.#labels)) {
      say(label, said[/** @type {LabelName} */ (name)]);
    }
    this.#shown = shown;
    this.#paint();
    const room = roomFor(keys.length);
    for (const { node } of [this.#keys, this.#values, this.#weights]) {
      node.style.setProperty('--filled', String(keys.length / room));
      node.style.setProperty('--fresh', String(fresh / room));
      node.style.setProperty('--chosen', String((chosen + 0.5) / room));
    }
    this.#bars.query.show(query, keys.reach);
    this.#bars.key.show(keys.at(chosen), keys.reach);
    this.#bars.value.show(values.at(chosen), values.reach);
    if (keys.length !== this.#rows) this.#flash();
    this.#rows = keys.length;
  }

  /** What has no style sheet. */
  #paint() {
    if (!this.#shown) return;
    const { color } = getComputedStyle(this.node);
    this.#keys.strip.show(this.#shown.keys, color);
    this.#values.strip.show(this.#shown.values, color);
    this.#weights.strip.show(this.#shown.weights, color);
  }

  #flash() {
    const now = performance.now();
    if (now - this.#flashed < CALM_MS || matchMedia('(prefers-reduced-motion: reduce)').matches) return;
    this.#flashed = now;
    for (const { fresh } of [this.#keys, this.#values]) fresh.animate({ opacity: [0.2, 1] }, FLASH);
  }
}

function labels() {
  const label = (/** @type {string} */ name) => element('p', { class: `strips-${name}` });
  return {
    query: label('query'), compared: label('compared'), keys: label('keys'), values: label('values'),
    weights: label('weights'), rest: label('rest'), row: label('row'), weight: label('weight'),
  };
}

/**
 * @template {{ canvas: HTMLCanvasElement }} T
 * @param {T} made  @param {string} [kind]
 */
function framedStrip(made, kind = 'solid') {
  const fresh = element('span', { class: 'strip-fresh' });
  const [old, frame, chosen] = ['old', 'frame', 'chosen'].map((name) => (
    element('span', { class: `strip-${name}` })));
  const node = element('div', { class: `strip ${kind}` }, made.canvas, old, frame, fresh, chosen);
  return { node, fresh, strip: made };
}

/** A row drawn large. @param {string} kind */
function bars(kind) {
  const path = svg('path');
  const line = svg('path', { class: 'zero' });
  const attributes = { class: `strips-bars ${kind}`, preserveAspectRatio: 'none', 'aria-hidden': 'true' };
  const node = svg('svg', attributes, line, path);
  /** @param {Float32Array} numbers  @param {number} reach */
  const show = (numbers, reach) => {
    put(node, 'viewBox', `0 0 ${numbers.length} 2`);
    put(line, 'd', `M0 1H${numbers.length}`);
    put(path, 'd', barsPath(numbers, reach));
  };
  return { node, show };
}
