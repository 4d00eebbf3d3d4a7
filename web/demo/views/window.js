/// <reference path="../css.d.ts" />
// A story that is longer than its cache: what is kept of it, what goes, and what that costs. It has an engine
// of its own, loaded when a reader asks for it.
import { failureOf, losesModel } from '../failure.js';
import { element, put, say } from '../parts/dom.js';
import { framed, framedStyles } from '../parts/figure.js';
import { turnsOf } from '../parts/turns.js';
import { windowCharts } from '../parts/window-charts.js';
import { windowDrawing } from '../parts/window-drawing.js';
import { windowForm } from '../parts/window-form.js';
import { windowLosses } from '../parts/window-losses.js';
import { windowProof } from '../parts/window-proof.js';
import { windowText } from '../parts/window-text.js';
import { USUAL_WINDOW } from '../places.js';
import { NO_STORY, TOKENS, goneOf, grown, halvesOf, pageBy, placeOf, rowsOf, wholeBytes } from '../window.js';
import { Windower } from '../windower.js';
import { WINDOW } from '../words/window.js';
import styles from './window.css' with { type: 'text' };

/**
 * @import { Proof } from '../../worker/windowed.js'
 * @import { Failure } from '../failure.js'
 * @import { Measured } from '../parts/window-losses.js'
 * @import { Context, View } from '../view.js'
 * @import { Sliding } from '../places.js'
 * @import { Story } from '../window.js'
 *
 * @typedef {'idle' | 'loading' | 'writing' | 'proving' | 'measuring'} Doing
 */

const KINDS = /** @type {const} */ (['sink', 'held', 'gone']);

/** @type {View} */
export const window = {
  name: 'window',
  styles: framedStyles(styles),
  mount(root, context) {
    const view = new Windowed(root, context);
    return ({ sliding }) => view.heed(sliding); // nothing else is of the figure
  },
};

class Windowed {
  #said;
  #windower;
  #form;
  #text;
  #legend;
  #drawing;
  #charts;
  #losses;
  #spot = element('p', { class: 'window-spot', part: 'window-spot', role: 'status' });
  #speed = element('p', { part: 'window-speed-said' });
  #proof;
  #frame;
  #signal;
  #draw;
  #bytes = 0;   // to be downloaded
  #loaded = 0;  // of them
  /** @type {Doing} */
  #doing = 'idle';
  #idle = '';      // what is said while it does nothing
  #reading = '';   // and of the chapter
  /** @type {Failure | undefined} */
  #failure;
  /** @type {Sliding} */
  #sliding = USUAL_WINDOW;
  /** @type {Story} */
  #story = NO_STORY;
  /** @type {Proof | undefined} */
  #proved;
  /** @type {Measured | undefined} */
  #measured;
  /** A page of the text. @type {number | undefined} */
  #chosen;
  #turn = 0;
  /** What was performed before. @type {Promise<unknown>} */
  #ended = Promise.resolve();

  /** @param {HTMLElement} root  @param {Context} context */
  constructor(root, context) {
    const { actions, signal, words } = context;
    const said = this.#said = WINDOW[words.lang];
    this.#signal = signal;
    this.#idle = said.idle(TOKENS);
    this.#draw = turnsOf(() => this.#show(), signal);
    this.#windower = new Windower(actions.aside(() => this.#stop()));
    this.#form = windowForm(said, context, {
      start: () => this.#write(), stop: () => this.#stop(),
      choose: (sliding) => actions.setSliding(sliding) });
    this.#text = windowText(said.text);
    this.#drawing = windowDrawing(said);
    this.#charts = windowCharts(said.charts, words.format.counted);
    this.#proof = windowProof(said);
    const asks = { start: () => this.#measure(), stop: () => this.#stop() };
    this.#losses = windowLosses(said.losses, signal, asks);
    const { caption, tokens, held, bytes, whole, rate } = said.table;
    const legend = this.#legend = element('ul', { class: 'window-legend' }, ...KINDS.map((kind) => (
      element('li', {}, element('span', { class: `window-${kind}` }, said.legend[kind])))));
    this.#frame = framed(context, {
      name: 'window', title: said.title, means: said.means, controls: this.#form.node, interactive: true,
      drawing: element('div', {}, this.#text.node, legend, this.#drawing.node),
      picture: () => this.#drawing.node,
      table: {
        caption, heads: [tokens, held, bytes, whole, rate],
        rows: () => rowsOf(said.table, this.#story),
      },
    });
    const parts = [this.#spot, this.#proof.node, this.#charts.node, this.#speed, this.#losses.node];
    this.#frame.sentence.after(...parts);
    root.append(this.#frame.node);
    this.#listen();
    this.#draw(false);
    this.#windower.size().then((size) => {
      this.#bytes = size;
      this.#draw(false);
    }, () => {}); // the button says less then
  }

  #listen() {
    const signal = this.#signal;
    const resized = new ResizeObserver(() => this.#draw(false));
    resized.observe(this.#frame.node);
    signal.addEventListener('abort', () => {
      resized.disconnect();
      this.#turn++;
      this.#windower.dispose();
    });
    this.#text.node.addEventListener('click', ({ target }) => {
      this.#choose(this.#text.pageOf(target));
    }, { signal });
    this.#drawing.node.addEventListener('click', ({ clientX }) => {
      const { left } = this.#drawing.node.getBoundingClientRect();
      this.#choose(this.#drawing.pageAt(this.#story, clientX - left), true);
    }, { signal });
    this.#text.node.addEventListener('keydown', (event) => {
      if (event.altKey || event.ctrlKey || event.metaKey) return;
      const newest = this.#story.pages.length - 1;
      const page = pageBy(this.#chosen ?? newest, event.key, this.#story);
      if (page === undefined) return;
      event.preventDefault(); // of scrolling
      this.#choose(page, true);
    }, { signal });
  }

  /** @param {number} [page]  @param {boolean} [reveals] */
  #choose(page, reveals = false) {
    if (page === undefined || page < 0 || page >= this.#story.pages.length) return;
    this.#chosen = page;
    if (reveals) this.#text.reveal(page);
    this.#draw(false);
  }

  // ---- what the reader does -------------------------------------------------------------------------

  /** Another cache, in which what was written is written anew. @param {Sliding} sliding */
  heed(sliding) {
    if (sliding === this.#sliding) return;
    this.#sliding = sliding;
    if (this.#story.tokens > 0) this.#write();
    else this.#draw(false);
  }

  async #write() {
    this.#story = NO_STORY;
    this.#proved = this.#chosen = undefined;
    await this.#perform(async (isOver) => {
      this.#set('writing');
      const proof = await this.#windower.write(this.#sliding, (held) => {
        if (isOver()) return;
        this.#story = grown(this.#story, held);
        this.#draw(true);
      }, () => {
        if (!isOver()) this.#set('proving');
      });
      if (isOver()) return;
      this.#proved = proof;
      this.#idle = proof ? this.#said.done : this.#said.stopped;
    });
  }

  #measure() {
    const capacity = Number(this.#sliding.places);
    const { ways, reading } = this.#said.losses;
    return this.#perform(async (isOver) => {
      this.#set('measuring');
      const { CHAPTER } = await import('../chapter.js');
      const losses = await this.#windower.losses(CHAPTER, capacity, (way, share) => {
        this.#reading = reading(ways[way], share);
        this.#draw(true);
      });
      if (!isOver()) this.#measured = { losses, capacity };
    });
  }

  /**
   * One thing at a time: what is under way is stopped.
   * @param {(isOver: () => boolean) => Promise<void>} work  isOver: something else has begun
   */
  async #perform(work) {
    const turn = ++this.#turn;
    const isOver = () => turn !== this.#turn;
    this.#stop();
    const before = this.#ended;
    /** @type {() => void} */
    let end = () => {};
    this.#ended = new Promise((done) => { end = () => done(undefined); });
    this.#failure = undefined;
    try {
      await before;
      if (isOver()) return;
      if (!this.#windower.isLoaded) await this.#load();
      if (!isOver()) await work(isOver);
    } catch (error) {
      if (!isOver()) this.#fail(error);
    } finally {
      end();
      if (!isOver()) this.#set('idle');
    }
  }

  /** @param {unknown} error */
  #fail(error) {
    const failure = failureOf(error, navigator.onLine);
    if (losesModel(failure)) this.#windower.isLoaded = false;
    if (failure.code === 'aborted') this.#idle = this.#said.stopped;
    else this.#failure = failure;
  }

  #load() {
    this.#loaded = 0;
    this.#set('loading');
    return this.#windower.load((bytes) => {
      this.#loaded = bytes;
      this.#draw(true);
    });
  }

  #stop() {
    if (this.#doing !== 'idle') this.#windower.stop();
  }

  /** @param {Doing} doing */
  #set(doing) {
    this.#doing = doing;
    this.#reading = '';
    this.#draw(false);
  }

  // ---- what is shown ----------------------------------------------------------------------------------

  #show() {
    const [doing, story] = [this.#doing, this.#story];
    const isMeasuring = doing === 'measuring';
    this.#form.show({
      sliding: this.#sliding,
      isBusy: doing !== 'idle' && !isMeasuring, isFree: doing === 'idle', said: this.#stateWords(),
      bytes: this.#windower.isLoaded ? 0 : this.#bytes, failure: this.#failure,
      share: doing === 'loading' && this.#bytes > 0 ? this.#loaded / this.#bytes
        : doing === 'writing' ? story.tokens / TOKENS : undefined,
    });
    this.#losses.showState({ isBusy: isMeasuring, isFree: doing === 'idle', words: this.#reading });
    put(this.#frame.node, 'data-state', doing);
    const room = this.#frame.node.clientWidth;
    if (this.#measured) this.#losses.show(this.#measured, room);
    for (const node of [this.#text.node, this.#legend, this.#drawing.node, this.#charts.node]) {
      node.toggleAttribute('hidden', story.tokens === 0);
    }
    this.#text.show(story, this.#chosen, /writing|proving/.test(doing) && this.#chosen === undefined);
    if (story.tokens > 0) this.#showStory(story, room);
    else this.#frame.show(this.#said.empty);
    this.#proof.show(this.#proved);
  }

  /** @param {Story} story  @param {number} room  in px */
  #showStory(story, room) {
    const said = this.#said;
    const { tokens, capacity, sinks, usedBytes: bytes } = story;
    this.#drawing.show(story, TOKENS, room, this.#chosen);
    this.#charts.show(story, TOKENS, room);
    const gone = goneOf(story);
    const place = tokens - gone.count;
    const whole = wholeBytes(story, tokens);
    this.#frame.show(said.says({ tokens, place, capacity, sinks, gone, bytes, whole }));
    say(this.#spot, this.#chosen === undefined ? '' : said.spot(placeOf(story, this.#chosen)));
    const halves = halvesOf(story);
    say(this.#speed, halves ? said.speed(halves.first, halves.second) : '');
  }

  /** What it is doing, or what to do next. */
  #stateWords() {
    const said = this.#said;
    switch (this.#doing) {
      case 'loading': return said.loading(this.#loaded, this.#bytes);
      case 'writing': return said.writing(this.#story.tokens, TOKENS);
      case 'proving': return said.proving(this.#story.tokens);
      default: return this.#idle;
    }
  }
}
