// In place of the view "window", where there is no model for it: in a build with everything inside.
import { element } from '../parts/dom.js';
import { WINDOW_ABSENT } from '../words/window-absent.js';

/** @import { View } from '../view.js' */

/** @type {View} */
export const window = {
  name: 'window',
  mount(root, { words: { lang } }) {
    const { title, absent } = WINDOW_ABSENT[lang];
    root.append(element('div', { part: 'window' },
      element('h2', {}, title), element('p', { class: 'note' }, absent)));
    return () => {};
  },
};
