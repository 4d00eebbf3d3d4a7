// In place of the view of sounds, where there is no model for it: in a build with everything inside.
import { element } from '../parts/dom.js';
import { SOUNDS_ABSENT } from '../words/sounds-absent.js';

/** @import { View } from '../view.js' */

/** @type {View} */
export const sounds = {
  name: 'sounds',
  mount(root, { words: { lang } }) {
    const { title, absent } = SOUNDS_ABSENT[lang];
    root.append(element('div', { part: 'sounds' },
      element('h2', {}, title), element('p', { class: 'note' }, absent)));
    return () => {};
  },
};
