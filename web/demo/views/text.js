/// <reference path="../css.d.ts" />
// The text as the cache: what the newest step did with K and V of each token, and what they are.
import { element, note, put, say } from '../parts/dom.js';
import { framed, framedStyles } from '../parts/figure.js';
import { TokenLook } from '../parts/token-look.js';
import { pictureOfTokens } from '../parts/token-picture.js';
import { engineOf } from '../recorded.js';
import { heldIn } from '../held.js';
import { DEEDS, countsOf, newestOf, reachIn } from '../text.js';
import { TEXT } from '../words/text.js';
import styles from './text.css' with { type: 'text' };

/**
 * @import { Vectors } from '../parts/vectors.js'
 * @import { View } from '../view.js'
 * @import { State } from '../state.js'
 * @import { Newest } from '../text.js'
 * @import { Dictionary } from '../words/en.js'
 *
 * @typedef {(typeof TEXT)[string]} Words
 */

/** @type {View} */
export const text = {
  name: 'text',
  styles: framedStyles(styles),
  mount(root, context) {
    const { words } = context;
    const said = TEXT[words.lang];
    const legend = legendOf(said, words);
    const look = new TokenLook(said, context);
    const frame = framed(context, {
      name: 'text', title: said.title, means: said.means, drawing: look.text.node, interactive: true,
      controls: legend.node, picture: () => pictureOfTokens(look.text),
      table: {
        caption: said.token.caption, heads: [said.token.number, 'K', 'V'],
        rows: () => rowsOf(look.vectors, words),
      },
    });
    const raced = note(said.raced);
    frame.sentence.after(raced, look.card.node);
    root.append(frame.node);
    return (state) => {
      const newest = newestOf(state.run, reachIn(state));
      legend.show(newest);
      raced.hidden = !state.race?.lanes;
      look.show(state, newest);
      frame.show(sentenceOf(said, state, newest), state);
    };
  },
};

/**
 * What the lines mean, and how many tokens have each.
 * @param {Words} words  @param {Dictionary} dictionary
 */
function legendOf(words, { format: { counted } }) {
  const counts = DEEDS.map((deed) => {
    const sample = element('span', { class: 'sample', 'data-deed': deed, 'aria-hidden': 'true' }, 'abc');
    const count = element('strong', { part: `count-${deed}` });
    return { deed, count, node: element('li', {}, sample, count, ' ', words.deeds[deed]) };
  });
  const node = element('ul', { class: 'deeds', part: 'deeds' }, ...counts.map((each) => each.node));
  return {
    node,
    /** @param {Newest | undefined} newest */
    show(newest) {
      const all = newest && countsOf(newest);
      put(node, 'data-mode', newest?.mode ?? 'on'); // of the colour in which the newest is marked
      for (const { deed, count, node: row } of counts) {
        say(count, counted(all?.[deed] ?? 0));
        row.hidden = deed === 'past' && !all?.past; // few models have any
      }
    },
  };
}

/** @param {Words} words  @param {State} state  @param {Newest | undefined} newest */
function sentenceOf(words, state, newest) {
  if (!newest) return words.empty;
  const { step, mode, total } = newest;
  const counts = { total, ...countsOf(newest) };
  const { memory, run: { prefill } } = state;
  if (step === 0 && prefill?.source) return words.source(prefill.source, prefill.sourceKept === true, counts);
  if (step === 0) return words.prompt(counts);
  const held = heldIn(memory);
  const window = engineOf(state)?.config.window;
  const isCut = window && mode === 'on' && window.size < total;
  return [
    words[mode](step, counts), ...(isCut ? [words.windows(window.layers.length, window.size)] : []),
    words.holds(held, memory?.usedBytes ?? 0, mode === 'off'),
  ].join(' ');
}

/** @param {Vectors | undefined} vectors  @param {Dictionary} dictionary */
const rowsOf = (vectors, { format: { counted, measured } }) => (
  vectors ? [...vectors.keys].map((key, i) => [counted(i + 1), measured(key), measured(vectors.values[i])])
    : []);
