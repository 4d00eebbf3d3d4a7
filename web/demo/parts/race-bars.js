// Time and work of both lanes as bars, each beside the other one of its kind.
import { put, svg } from './dom.js';
import { MODES } from '../curves.js';

/**
 * @import { Mode } from '../curves.js'
 *
 * @typedef {object} Pair
 * @property {string} name
 * @property {string} ratio   '' until it is known
 * @property {Record<Mode, { value: number, words: string }>} sides
 */

const [LINE, BAR, GAP] = [20, 12, 16]; // px
const HEIGHT = 3 * LINE + 2 * BAR;     // of a pair

/** @param {Record<Mode, string>} names */
export function raceBars(names) {
  const pairs = [0, 1].map((i) => pairAt(i * (HEIGHT + GAP), names));
  const height = 2 * HEIGHT + GAP;
  const node = svg('svg', { class: 'race-bars', height, 'aria-hidden': 'true' },
    ...pairs.flatMap(({ nodes }) => nodes));
  return {
    node: /** @type {SVGSVGElement} */ (node),
    /** @param {readonly [Pair, Pair]} shown */
    show(shown) {
      for (const [i, pair] of pairs.entries()) pair.show(shown[i]);
    },
  };
}

/** @param {number} top  @param {Record<Mode, string>} names */
function pairAt(top, names) {
  const [name, ratio] = [svg('text', { y: top + 14, class: 'name' }),
    svg('text', { x: '100%', y: top + 14, 'text-anchor': 'end', class: 'name' })];
  const sides = MODES.map((mode, i) => {
    const y = top + LINE + i * (LINE + BAR);
    const words = svg('text', { y: y + 14, class: mode });
    const bar = svg('rect', { y: y + LINE - 1, height: BAR - 2, width: 0, class: `bar-of ${mode}` });
    return { mode, words, bar };
  });
  return {
    nodes: [name, ratio, ...sides.flatMap(({ words, bar }) => [words, bar])],
    /** @param {Pair} pair */
    show(pair) {
      write(name, pair.name);
      write(ratio, pair.ratio);
      const most = Math.max(...MODES.map((mode) => pair.sides[mode].value));
      for (const { mode, words, bar } of sides) {
        const side = pair.sides[mode];
        write(words, `${names[mode]} ${side.words}`);
        put(bar, 'width', `${most > 0 ? Math.max(0.3, 100 * side.value / most).toFixed(2) : 0}%`);
      }
    },
  };
}

/** @param {SVGElement} node  @param {string} words */
function write(node, words) {
  if (node.textContent !== words) node.textContent = words;
}
