// The place of a view that is fetched when its figure is shown: kept from the start, about as high as it.
import { button, element, say } from './dom.js';

/**
 * @import { Context, Mount, View } from '../player.js'
 * @import { State } from '../state.js'
 */

/**
 * @typedef {object} Later  a view that is fetched when a figure that shows it is mounted
 * @property {string} name
 * @property {() => Promise<Record<string, View>>} load  the module that has it under its name
 * @property {number} room  in em: about as high as it is
 */

/** Those that have been adopted. @type {WeakMap<View, CSSStyleSheet>} */
const sheets = new WeakMap();

/**
 * Mounts a view once it has come. Where it does not come, a sentence says so, and a button asks for it again.
 * @param {Later} later
 * @param {HTMLElement} root  @param {Context} context
 * @returns {ReturnType<Mount>}
 */
export function mountLater({ name, load, room }, root, context) {
  const { signal, words: { later: words, status: { retry } } } = context;
  const sentence = element('p', { class: 'note' });
  const lead = element('span');
  const why = element('span', { lang: 'en' }); // as the browser says it
  const error = element('p', { class: 'error', role: 'alert', hidden: true }, lead, why);
  const again = button({ part: 'view-retry', hidden: true }, retry);
  const slot = element('div', { class: 'slot', part: 'slot' }, sentence, error, again);
  slot.style.setProperty('--room', `${room}em`);
  /** @type {ReturnType<Mount> | undefined} */
  let show;
  /** @type {State | undefined} */
  let state;
  let failures = 0;
  /** @param {unknown} [reason]  why it does not come; absent: it may come */
  const tell = (reason) => {
    if (reason) failures++;
    say(sentence, reason ? '' : words.coming);
    say(lead, reason ? words.failed(failures) : '');
    say(why, reason ? ` (${reason})` : '');
    error.hidden = !reason;
    again.hidden = failures === 0;
  };
  const fetchIt = async () => {
    tell();
    try {
      const { [name]: view } = await load();
      if (signal.aborted) return;
      adopt(root, view);
      const inside = element('div', { class: 'view' });
      const shown = view.mount(inside, context);
      if (state) shown(state);
      show = shown;
      slot.replaceWith(inside);
    } catch (reason) { // not fetched, or it lacks something here
      if (!signal.aborted) tell(reason);
    }
  };
  again.addEventListener('click', fetchIt, { signal });
  root.append(slot);
  fetchIt();
  return (now) => {
    state = now;
    show?.(now);
  };
}

/** Gives the tree that a node stands in the styles of a view. @param {Node} node  @param {View} view */
function adopt(node, view) {
  if (!view.styles) return;
  const sheet = sheets.get(view) ?? new CSSStyleSheet();
  if (!sheets.has(view)) sheet.replaceSync(view.styles);
  sheets.set(view, sheet);
  const tree = /** @type {Document | ShadowRoot} */ (node.getRootNode());
  if (!tree.adoptedStyleSheets.includes(sheet)) tree.adoptedStyleSheets = [...tree.adoptedStyleSheets, sheet];
}
