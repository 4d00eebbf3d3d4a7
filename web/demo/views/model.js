// The model: its name, and, folded away until somebody looks, how to have another one in its place. Files
// that are dropped anywhere on the figure are looked at as well.
import { element, note, say } from '../parts/dom.js';
import { onDrop } from '../parts/drop.js';
import { mountLater } from '../parts/later.js';
import { shippedHere } from '../shipped.js';

/** @import { View } from '../view.js' */

const ROOM = 26; // em, about as high as what is folded away

/** @type {View} */
export const model = {
  name: 'model',
  mount(root, context) {
    const { actions, signal, share, words: { model: words } } = context;
    const name = note('');
    const place = element('div');
    const fold = element('details', { class: 'fold', part: 'model' },
      element('summary', {}, `${words.title} `, name), place);
    root.append(fold);
    const later = { name: 'choice', room: ROOM, load: () => import('./choice.js') };
    const show = mountLater(later, place, context);
    const demo = /** @type {HTMLElement} */ (root.closest('.demo'));
    onDrop(demo, (items) => actions.weigh(items), signal);
    let stage = 'none';
    return (state) => {
      const { other, choice, shipped } = state;
      const { own, absent } = share;
      const besides = shipped && shippedHere().find((each) => each !== shipped);
      say(name, other ? words.inUse(other.name) : absent ? words.absent(own, absent)
        : words.own(own, besides ?? ''));
      if (choice.stage !== stage && choice.stage !== 'none') fold.open = true;
      ({ stage } = choice);
      show(state);
    };
  },
};
