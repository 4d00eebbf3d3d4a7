// The figure of a player in any element of any document: its views, and one redraw a frame for all of them.
// Any number of figures can stand in one document.
import { keepKeys } from './keys.js';
import { element, put } from './parts/dom.js';
import { mountLater } from './parts/later.js';
import { nameOf, viewCalled, viewsBeside, viewsNamed } from './views/index.js';
import { wordsFor } from './words/index.js';
import { languageAt, onLanguageChange } from './words/language.js';

/**
 * @import { Share } from './link.js'
 * @import { Player } from './player.js'
 * @import { Context } from './view.js'
 * @import { Place, Placed } from './views/index.js'
 */

/**
 * Shows a player, whose figure may be taken away and shown anew: it shows a state and has none of its own. It
 * speaks the language of the place where it stands, also after the document has changed its own.
 * @param {HTMLElement | ShadowRoot} root  to which it is appended
 * @param {Player} player
 * @param {Share} share
 * @param {readonly string[]} [names]  of the views, in order; if absent, all of them
 * @param {{ beside?: boolean }} [options]  beside another figure, which shows all that the player needs
 * @returns {() => void}  that takes it away
 * @throws  where the browser lacks what a view needs; nothing is left behind then
 */
export function showPlayer(root, player, share, names, { beside = false } = {}) {
  const shown = beside ? viewsBeside(names ?? []) : viewsNamed(names);
  let words = wordsFor(languageAt(root));
  let hide = showIn({ words, share }, root, player, shown);
  const following = new AbortController();
  onLanguageChange(() => {
    const before = words;
    words = wordsFor(languageAt(root));
    if (words === before) return;
    hide();
    hide = showIn({ words, share }, root, player, shown);
  }, following.signal);
  return () => {
    following.abort();
    hide();
  };
}

/**
 * In one language.
 * @param {Pick<Context, 'words' | 'share'>} given  @param {HTMLElement | ShadowRoot} root
 * @param {Player} player  @param {readonly Placed[]} shown
 */
function showIn({ words, share }, root, player, shown) {
  const ending = new AbortController();
  const { signal } = ending;
  const { demo, figure, places } = layout(words.lang);
  root.append(demo);
  const hide = () => {
    ending.abort();
    demo.remove();
  };
  try {
    const context = { actions: player, signal, words, share };
    /** @type {Context['mountView']} */
    const mountView = (name, place, until) => (
      mount(viewCalled(name), place, { ...context, mountView, signal: until }));
    fill({ places, figure, shown }, { ...context, mountView });
  } catch (error) {
    hide(); // half a figure is worse than none
    throw error;
  }
  listen(demo, player, signal);
  if (shown.some(({ place }) => place !== 'below')) replayInView(figure, player, signal);
  else figure.remove();
  return hide;
}

/**
 * Mounts the views, and shows each state of the player in them.
 * @param {{ places: Record<Place, HTMLElement>, figure: HTMLElement, shown: readonly Placed[] }} parts
 * @param {Context & { actions: Player }} context
 */
function fill({ places, figure, shown }, context) {
  const { actions: player, signal } = context;
  const renders = shown.map((placed) => mount(placed, places[placed.place], context));
  const render = () => {
    put(figure, 'data-state', player.state.status);
    for (const show of renders) show(player.state);
  };
  render();
  const end = player.subscribe(onceAFrame(render, signal));
  signal.addEventListener('abort', end);
}

/** The figure with its two columns, and what stands below it. @param {string} lang */
function layout(lang) {
  const places = /** @type {Record<Place, HTMLElement>} */ ({
    stage: element('div', { class: 'stage' }),
    write: element('div', { class: 'write' }),
    look: element('div', { class: 'look' }),
    below: element('div', { class: 'below' }),
  });
  const figure = element('div', { class: 'figure', part: 'figure' },
    places.stage, places.write, places.look);
  const demo = element('div', { class: 'demo', part: 'demo', lang }, figure, places.below);
  return { demo, figure, places };
}

/** @param {Placed} placed  @param {HTMLElement} place  @param {Context} context */
function mount(placed, place, context) {
  const root = element('div', { class: 'view', 'data-view': nameOf(placed) });
  place.append(root);
  if ('view' in placed) return placed.view.mount(root, context);
  return mountLater(placed, root, context);
}

/**
 * A function that runs `work` with the next frame, however often it is called until then.
 * @param {() => void} work  @param {AbortSignal} signal
 */
function onceAFrame(work, signal) {
  let frame = 0;
  signal.addEventListener('abort', () => cancelAnimationFrame(frame));
  return () => {
    frame ||= requestAnimationFrame(() => {
      frame = 0;
      work();
    });
  };
}

/**
 * What concerns a demo as a whole.
 * @param {HTMLElement} demo  @param {Player} player  @param {AbortSignal} signal
 */
function listen(demo, player, signal) {
  const stop = () => player.stop();
  keepKeys(demo, stop, signal);
  document.addEventListener('keydown', ({ key, target }) => {
    const nobody = target === document.body || target === document.documentElement;
    if (key === 'Escape' && nobody) stop(); // nobody has the focus: every figure is meant
  }, { signal });
  document.addEventListener('visibilitychange', () => player.setHidden(document.hidden), { signal });
  addEventListener('pagehide', () => player.stop(), { signal });
  player.setHidden(document.hidden);
}

/** Their recorded run has been replayed. @type {WeakSet<Player>} */
const replayed = new WeakSet();

/**
 * The recorded run is replayed once, when the reader has come to it; printed, it is all there.
 * @param {HTMLElement} figure  @param {Player} player  @param {AbortSignal} signal
 */
function replayInView(figure, player, signal) {
  addEventListener('beforeprint', () => player.skipReplay(), { signal });
  if (replayed.has(player) || matchMedia('(prefers-reduced-motion: reduce)').matches) return;
  const inView = new IntersectionObserver((entries) => {
    if (!entries.some(({ isIntersecting }) => isIntersecting)) return;
    inView.disconnect();
    replayed.add(player);
    player.replay();
  }, { rootMargin: '-25% 0px' }); // the middle half of the window
  inView.observe(figure);
  signal.addEventListener('abort', () => inView.disconnect());
}
