// The demo in any element of any document: a player, its views, and one redraw a frame for all of them. Every
// demo has a player and a worker of its own, so that any number can stand in one document.
import { element, put } from './parts/dom.js';
import { Player } from './player.js';
import { STORIES } from './recorded/stories.js';
import { browser } from './surroundings.js';
import { views } from './views/index.js';
import { EngineClient } from '../worker/client.js';

/**
 * @import { Client } from '../worker/client.js'
 * @import { Recording } from './recording.js'
 * @import { PlayerOptions, View } from './player.js'
 * @import { State } from './state.js'
 * @import { Place } from './views/index.js'
 */

/**
 * @typedef {Omit<PlayerOptions, 'client' | 'rival' | 'surroundings' | 'recording'>
 *   & { client?: Client, rival?: () => Client, recording?: Recording | null }} DemoOptions
 *   recording: null for none
 */

/**
 * @param {HTMLElement | ShadowRoot} root  to which the demo is appended
 * @param {DemoOptions} options
 * @returns {{ player: Player, dispose: () => void }}  dispose takes all of it away again
 * @throws  where the browser lacks what a view needs; nothing is left behind then
 */
export function mountDemo(root, {
  client = new EngineClient(), rival = () => new EngineClient(), recording = STORIES, ...options
}) {
  const player = new Player({
    client, rival, surroundings: browser, recording: recording ?? undefined, ...options,
  });
  const ending = new AbortController();
  const { signal } = ending;
  const { demo, figure, places } = layout();
  root.append(demo);
  const dispose = () => {
    ending.abort();
    player.dispose();
    demo.remove();
  };
  try {
    fill(places, figure, player, signal);
  } catch (error) {
    dispose(); // half a demo is worse than none
    throw error;
  }
  listen(demo, player, signal);
  replayInView(figure, player, signal);
  player.askDownloadSize();
  return { player, dispose };
}

/**
 * Mounts the views, and shows each state of the player in them.
 * @param {Record<Place, HTMLElement>} places  @param {HTMLElement} figure
 * @param {Player} player  @param {AbortSignal} signal
 */
function fill(places, figure, player, signal) {
  /** @type {((state: State) => void)[]} */
  const renders = views.map(({ view, place }) => mount(view, places[place], player, signal));
  const render = () => {
    put(figure, 'data-state', player.state.status);
    for (const show of renders) show(player.state);
  };
  render();
  player.subscribe(onceAFrame(render, signal));
}

/** The figure with its two columns, and what stands below it. */
function layout() {
  const places = /** @type {Record<Place, HTMLElement>} */ ({
    write: element('div', { class: 'write' }),
    look: element('div', { class: 'look' }),
    below: element('div', { class: 'below' }),
  });
  const figure = element('div', { class: 'figure', part: 'figure' }, places.write, places.look);
  const demo = element('div', { class: 'demo', part: 'demo' }, figure, places.below);
  return { demo, figure, places };
}

/** @param {View} view  @param {HTMLElement} place  @param {Player} actions  @param {AbortSignal} signal */
function mount(view, place, actions, signal) {
  const root = element('div', { class: 'view', 'data-view': view.name });
  place.append(root);
  return view.mount(root, { actions, signal });
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
  const { body } = document;
  document.addEventListener('keydown', (event) => {
    const path = event.composedPath();
    const nobody = !path.includes(body) || event.target === body; // has the focus: then every demo is meant
    if (event.key === 'Escape' && (nobody || path.includes(demo))) player.stop();
  }, { signal });
  document.addEventListener('visibilitychange', () => player.setHidden(document.hidden), { signal });
  addEventListener('pagehide', () => player.stop(), { signal });
  player.setHidden(document.hidden);
}

/**
 * The recorded run is replayed once, when the reader has come to it; printed, it is all there.
 * @param {HTMLElement} figure  @param {Player} player  @param {AbortSignal} signal
 */
function replayInView(figure, player, signal) {
  addEventListener('beforeprint', () => player.skipReplay(), { signal });
  if (matchMedia('(prefers-reduced-motion: reduce)').matches) return;
  const inView = new IntersectionObserver((entries) => {
    if (!entries.some(({ isIntersecting }) => isIntersecting)) return;
    inView.disconnect();
    player.replay();
  }, { rootMargin: '-25% 0px' }); // the middle half of the window
  inView.observe(figure);
  signal.addEventListener('abort', () => inView.disconnect());
}
