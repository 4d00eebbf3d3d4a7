// What an element has inside once it is needed: a player of the page's pool, its figure, the author's wishes.
import { EngineClient, WorkerError } from '../worker/client.js';
import { SHIPPED, TAG, USUAL, viewsOr } from './attributes.js';
import { showPlayer } from './demo.js';
import { doneDetail, reportRuns } from './events.js';
import { Refusal } from './failure.js';
import { LINKED, embedCode, encodeState, linkTo, parseState } from './link.js';
import { Player } from './player.js';
import { Pool } from './pool.js';
import { STORIES } from './recorded/stories.js';
import { FIELDS } from './sampling.js';
import { applySettings, checked, settingsIn, settingsOf } from './settings.js';
import { shippedFor, shippedModel } from './shipped.js';
import { isApart, isWorking } from './state.js';
import { styleSheet } from './styles.js';
import { browser } from './surroundings.js';

/**
 * @import { Properties, Shipped } from './attributes.js'
 * @import { Given } from './candidate.js'
 * @import { DoneDetail, Tell } from './events.js'
 * @import { Linked, Share } from './link.js'
 * @import { Recordings } from './replays.js'
 * @import { Event } from './state.js'
 */

const OWN = /** @type {const} */ (['model', 'whenFull']);
const ASIDE = /** @type {const} */ ({ sounding: ['word', 'caches'], sliding: ['places', 'sinks'] });
const CALM_MS = 200; // a new state is told when nothing has changed for so long

/** Whether it may have changed what travels in an address. @param {Event} event */
function travels({ type }) {
  switch (type) {
    case 'prompt': case 'setting': case 'settings reset': case 'cache': case 'pace': case 'lesson':
    case 'sounding': case 'sliding': case 'asked': case 'loaded': case 'model':
      return true;
    default: return false;
  }
}

/** The first is here from the start, so that what is seen first is never empty. @type {Recordings} */
const RECORDINGS = {
  stories: async () => STORIES,
  tales: async () => (await import('./recorded/tales.js')).TALES,
};

const connect = () => new EngineClient();
const pool = new Pool(connect);

export class Inside {
  #host;
  #root;
  #tell;
  #player;
  #hasWorker;
  /** Takes the figure away. */
  #hide = () => {};
  /** What the author has asked for and the reader has not changed. @type {Partial<Linked>} */
  #wanted = {};
  /** The storyteller that was meant, where this build does not have it. @type {Shipped | undefined} */
  #absent;
  #isApplying = false;
  #isOver = false;
  #starts = 0;
  /** Resolve with the next event. @type {((_: undefined) => void)[]} */
  #waiting = [];
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  #told;

  /**
   * @param {HTMLElement & Properties} host
   * @param {ShadowRoot} root
   * @param {Tell} tell
   * @throws  where the browser lacks what the figure needs; nothing is left behind then
   */
  constructor(host, root, tell) {
    this.#host = host;
    this.#root = root;
    this.#tell = tell;
    root.adoptedStyleSheets = [...new Set([...root.adoptedStyleSheets, styleSheet()])];
    const settings = { ...settingsOf(host), ...parseState(host.getAttribute('state') ?? '') };
    ({ player: this.#player, hasWorker: this.#hasWorker } = playerFor(host, settings.model));
    this.#apply(settings);
    this.#told = this.state;
    try {
      this.#show();
    } catch (error) {
      this.#player.dispose();
      throw error;
    }
    reportRuns(this.#player, tell);
    this.#player.subscribe((_state, event) => this.#follow(event));
    this.#player.askDownloadSize();
  }

  /** As it travels in an address. */
  get state() {
    return this.stateWith(this.#wanted.views ?? '');
  }

  /** The same with other views. @param {string} views */
  stateWith(views) {
    const settings = settingsIn(this.#player.state, views);
    return encodeState(this.#wanted.cache === 'race' ? { ...settings, cache: 'race' } : settings);
  }

  /** The figure, as the attributes want it now. */
  #show() {
    this.#hide();
    this.#hide = showPlayer(this.#root, this.#player, this.#share(), viewsOr(USUAL, this.#wanted.views));
  }

  /** @returns {Share} */
  #share() {
    const { src, link } = this.#host;
    const to = link ? urlOf(link) : undefined;
    /** @param {string} views */
    const textFor = (views) => {
      const state = { ...parseState(this.stateWith(views)), views };
      return to ? linkTo(to.href, state) : embedCode('tag', state, scriptFolder());
    };
    const absent = () => (src ? undefined : this.#absent);
    const folder = src.split('/').filter(Boolean).pop();
    const player = this.#player;
    const kind = to ? 'link' : 'tag';
    return {
      kind, textFor,
      get own() { return player.state.shipped ?? folder ?? ''; },
      get absent() { return absent(); },
      get model() { return player.state.other?.name ?? this.own; },
    };
  }

  /**
   * Shows views of this figure's run in another element as well.
   * @param {ShadowRoot} root  @param {readonly string[]} names
   * @returns {() => void}  that takes them away
   */
  showBeside(root, names) {
    return showPlayer(root, this.#player, this.#share(), names, { beside: true });
  }

  /**
   * Writes a story; whatever is under way is stopped before.
   * @param {Partial<Linked>} options
   * @returns {Promise<DoneDetail>}  once it is written, or stopped
   */
  async start(options) {
    const start = ++this.#starts;
    await this.stop();
    if (this.#isOver) throw new WorkerError('aborted', 'The figure was taken away.');
    if (start !== this.#starts) throw new WorkerError('aborted', 'Another start has taken its place.');
    const player = this.#player;
    this.#apply(checked(options));
    if (options.views !== undefined) this.#show();
    const { refusals } = player.state;
    await (this.#wanted.cache === 'race' ? player.compare() : player.generate());
    const { status, failure } = player.state;
    if (player.state.refusals > refusals) throw new Refusal('invalid_argument', { what: 'setting' });
    if (failure) throw new WorkerError(/** @type {WorkerError['code']} */ (failure.code), failure.message);
    if (status === 'unloaded' || status === 'ready') throw new WorkerError('aborted', 'Loading was stopped.');
    return doneDetail(player.state.run);
  }

  /** Starts without being asked to, but never where that would keep the page busy. */
  async startAlone() {
    if (await this.#hasWorker()) await this.start({});
  }

  /** Offers readers another model, which is theirs to load. @param {Given} given */
  offer(given) {
    return this.#player.weigh(given);
  }

  /** Settles once nothing is under way any more. */
  async stop() {
    const player = this.#player;
    const isBusy = () => isWorking(player.state) || isApart(player.state);
    player.stop();
    while (isBusy() && !this.#isOver) await new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Something has changed. */
  #wake() {
    for (const resolve of this.#waiting.splice(0)) resolve(undefined);
  }

  /** @param {Partial<Linked>} settings */
  #apply(settings) {
    this.#isApplying = true;
    const { model } = settings;
    if (model) this.#absent = shippedFor(model) === model ? undefined : model;
    Object.assign(this.#wanted, settings);
    applySettings(this.#player, settings);
    this.#isApplying = false;
  }

  /** An attribute says something else now. @param {string} name */
  changed(name) {
    const linked = LINKED.find((attribute) => attribute.name === name);
    if (name === 'state') this.#apply(parseState(this.#host.getAttribute('state') ?? ''));
    else if (linked) this.#apply({ [linked.property]: this.#host[linked.property] });
    if (['state', 'views', 'lang', 'link'].includes(name)) this.#show();
  }

  /** Another one in its place, with what the attributes say now. */
  renew() {
    this.dispose();
    return new Inside(this.#host, this.#root, this.#tell);
  }

  dispose() {
    clearTimeout(this.#timer);
    this.#hide();
    this.#player.dispose();
    this.#isOver = true; // and nothing starts any more
    this.#wake();
  }

  /** @param {Event} event */
  #follow(event) {
    this.#wake();
    if (!this.#isApplying) this.#heed(event);
    if (!travels(event)) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      const { state } = this;
      if (state !== this.#told) this.#tell('kv-state', { state });
      this.#told = state;
    }, CALM_MS);
  }

  /**
   * A model brings its own settings, but not in place of the author's; the reader's take their place.
   * @param {Event} event
   */
  #heed(event) {
    if (event.type === 'model') for (const key of OWN) delete this.#wanted[key];
    if (event.type === 'loaded' || event.type === 'model') this.#apply(this.#wanted);
    else if (event.type === 'setting') delete this.#wanted[event.key];
    else if (event.type === 'settings reset') for (const { key } of FIELDS) delete this.#wanted[key];
    else if (event.type === 'prompt') delete this.#wanted.prompt;
    else if (event.type === 'cache') delete this.#wanted.cache;
    else if (event.type === 'pace') delete this.#wanted.pace;
    else if (event.type === 'lesson') delete this.#wanted.lesson;
    else if (event.type === 'sounding' || event.type === 'sliding') {
      for (const key of ASIDE[event.type]) delete this.#wanted[key];
    }
  }
}

/**
 * A player that takes its turns in the pool.
 * @param {Properties} host  @param {Shipped} [wanted]  of the storytellers, where the host names no model
 */
function playerFor({ src, wasm, weights }, wanted = SHIPPED[0]) {
  const member = pool.join(() => player.stop({ type: 'gave way' }));
  const module = wasm && { wasm: urlOf(wasm)?.href ?? wasm };
  const load = { variant: /** @type {const} */ ('auto'), weights, ...module };
  /** @param {string} url  of a model; one that is there already is not downloaded */
  const downloadSize = async (url) => (pool.has({ ...load, url }) ? 0 : browser.downloadSize(url));
  const surroundings = { ...browser, downloadSize };
  const shipped = src ? undefined : shippedFor(wanted);
  /** @param {Shipped} [name] */
  const model = (name) => (name ? shippedModel(name) : modelAddress(src));
  const { client } = member;
  const player = new Player({
    client, rival: () => member.rival(), scale: connect, surroundings, model, shipped,
    aside: (giveWay) => ({
      client: pool.join(giveWay).client, fields: { variant: 'auto', ...module }, sizeOf: browser.downloadSize,
    }),
    recording: shipped === STORIES.model ? STORIES : undefined, recordings: RECORDINGS, ...load,
  });
  const hasWorker = async () => member.hasWorker({ ...load, url: model(player.state.shipped) });
  return { player, hasWorker };
}

/** @param {string} address  @returns {URL | undefined} if it is one */
function urlOf(address) {
  try {
    return new URL(address, document.baseURI);
  } catch {
    return undefined;
  }
}

/** Where the element's script lies, if the page says so. */
function scriptFolder() {
  const script = [...document.scripts].find(({ src }) => new RegExp(`/${TAG}[\\w.-]*\\.js$`).test(src));
  return script ? new URL('.', script.src).href : '';
}

/** @param {string} src */
function modelAddress(src) {
  const url = urlOf(src);
  if (!url) throw new Refusal('invalid_argument', { what: 'noAddress', address: src });
  if (!url.pathname.endsWith('/')) url.pathname += '/';
  return url.href;
}
