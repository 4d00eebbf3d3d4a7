// The place of a view that is fetched when the reader comes near it: kept from the start, about as high.
// Away from the window, nothing is drawn in it; near it, it takes turns with the others of its kind.
import { isApart, isWorking } from '../state.js';
import { button, element, say } from './dom.js';
import { turnsOf } from './turns.js';

/**
 * @import { Context, Mount, View } from '../view.js'
 * @import { State } from '../state.js'
 */

/**
 * @typedef {object} Later  a view that is fetched when the reader comes near it
 * @property {string} name
 * @property {() => Promise<Record<string, View>>} load  the module that has it under its name
 * @property {number} room  in em: about as high as it is
 */

const NEAR = '100% 0px'; // one more window above and below

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
      show = view.mount(inside, context);
      draw();
      slot.replaceWith(inside);
      near.follow(...inside.children); // it has no box of its own
    } catch (reason) { // not fetched, or it lacks something here
      if (!signal.aborted) tell(reason);
    }
  };
  const draw = () => {
    if (state) show?.(state);
  };
  const take = turnsOf(() => {
    if (near.is()) draw();
  }, signal);
  again.addEventListener('click', fetchIt, { signal });
  root.append(slot);
  let asked = false;
  const near = nearness(() => {
    if (!asked) fetchIt();
    asked = true;
    take(false);
  }, signal);
  near.follow(slot);
  addEventListener('beforeprint', draw, { signal });
  return (now) => {
    const often = isMoving(now) && state !== undefined && isMoving(state);
    state = now; // what begins or ends something is drawn at once
    if (near.is()) take(often);
  };
}

/** Whether it changes with every token. @param {State} state */
const isMoving = (state) => isWorking(state) || isApart(state) || state.recorded?.playing === true;

/**
 * Whether any of some elements is near the window.
 * @param {() => void} onNear  @param {AbortSignal} signal
 */
function nearness(onNear, signal) {
  /** @type {Set<Element>} */
  const near = new Set();
  const observer = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) near[isIntersecting ? 'add' : 'delete'](target);
    if (near.size > 0) onNear();
  }, { rootMargin: NEAR });
  signal.addEventListener('abort', () => observer.disconnect());
  /** @param {Element[]} elements */
  const follow = (...elements) => elements.forEach((each) => observer.observe(each));
  return { follow, is: () => near.size > 0 };
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
