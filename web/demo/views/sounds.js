/// <reference path="../css.d.ts" />
// From letters to sounds: a model with two stacks and two caches, which pronounces a word. It has an engine
// of its own, loaded when a reader asks for it.
import { failureOf } from '../failure.js';
import { element, put, say } from '../parts/dom.js';
import { framed, framedStyles } from '../parts/figure.js';
import { headsGrid } from '../parts/heads.js';
import { playSlowly } from '../parts/slow.js';
import { soundsCosts } from '../parts/sounds-costs.js';
import { soundsDrawing } from '../parts/sounds-drawing.js';
import { soundsForm } from '../parts/sounds-form.js';
import { Sounder } from '../sounder.js';
import { BOTH, attentionOf, momentsOf, slownessOf, tellingHead, traceOf, wordOf } from '../sounds.js';
import { cacheWords, currentOf, lookWords, outWords, payoffWords, pictureOf, rowsOf, slowWords, stepWords,
  stepsOf } from '../sounds-shown.js';
import { SOUNDS } from '../words/sounds.js';
import styles from './sounds.css' with { type: 'text' };

/**
 * @import { Traced } from '../../worker/traced.js'
 * @import { Failure } from '../failure.js'
 * @import { Shown } from '../sounds-shown.js'
 * @import { Problem, Tried, Way } from '../sounds.js'
 * @import { Context, View } from '../view.js'
 *
 * @typedef {'idle' | 'loading' | 'measuring' | 'playing'} Doing
 */

/** @type {View} */
export const sounds = {
  name: 'sounds',
  styles: framedStyles(styles),
  mount(root, context) {
    new Sounds(root, context);
    return () => {}; // nothing of it is of the figure's run
  },
};

class Sounds {
  #said;
  #sounder;
  #form;
  #out = element('p', { class: 'sounds-out', part: 'sounds-out', lang: 'en', translate: 'no' });
  #drawing;
  #slider;
  #self = element('p', { part: 'sounds-self-cache' });
  #cross = element('p', { part: 'sounds-cross-cache' });
  #heads;
  #costs;
  #frame;
  #signal;
  #bytes = 0;   // to be downloaded
  #loaded = 0;  // of them
  /** @type {Doing} */
  #doing = 'idle';
  /** @type {Problem | undefined} */
  #problem;
  /** @type {Failure | undefined} */
  #failure;
  #word = '';
  /** Of this word. @type {Tried[]} */
  #tried = [];
  /** @type {Way} */
  #way = BOTH;
  /** @type {Shown | undefined} */
  #shown;
  #turn = 0;
  /** @type {ReturnType<typeof playSlowly>} */
  #endPlay = () => {};

  /** @param {HTMLElement} root  @param {Context} context */
  constructor(root, context) {
    const { actions, signal, words } = context;
    const said = this.#said = SOUNDS[words.lang];
    this.#signal = signal;
    this.#sounder = new Sounder(actions.aside(() => this.#stop()));
    this.#form = soundsForm(said, context, {
      start: (text) => this.#start(text), stop: () => this.#stop(), flip: (name) => this.#flip(name),
    });
    this.#drawing = soundsDrawing(said);
    this.#slider = element('div', {
      class: 'sounds-box', part: 'sounds-steps', role: 'slider', tabindex: 0, 'aria-label': said.steps,
      'aria-valuemin': 1, 'aria-orientation': 'vertical',
    }, this.#drawing.node);
    this.#heads = headsGrid({ ...said, heads: said.headGroup }, signal, (head) => {
      this.#show({ head });
    });
    this.#costs = soundsCosts(said);
    const { caption, sound, letters, time, macs } = said.table;
    this.#frame = framed(context, {
      name: 'sounds', title: said.title, means: said.means, controls: this.#form.node, interactive: true,
      drawing: element('div', {}, this.#out, this.#slider,
        element('div', { class: 'sounds-caches' }, this.#cross, this.#self)),
      picture: () => this.#drawing.node,
      table: {
        caption, heads: [sound, letters, time, macs],
        rows: () => (this.#shown ? rowsOf(said, this.#shown) : []),
      },
    });
    const heads = element('details', { class: 'fold', part: 'sounds-heads' },
      element('summary', {}, said.heads), element('p', { class: 'note' }, said.headsMean), this.#heads.node);
    this.#frame.sentence.after(this.#costs.node, heads);
    root.append(this.#frame.node);
    this.#listen();
    this.#draw();
    this.#sounder.size().then((bytes) => {
      this.#bytes = bytes;
      this.#draw();
    }, () => {}); // the button says less then
  }

  #listen() {
    const signal = this.#signal;
    const resized = new ResizeObserver(() => this.#draw());
    resized.observe(this.#frame.node);
    signal.addEventListener('abort', () => {
      resized.disconnect();
      this.#turn++;
      this.#endPlay();
      this.#sounder.dispose();
    });
    this.#slider.addEventListener('click', ({ clientY }) => {
      this.#choose(this.#drawing.rowAt(clientY - this.#drawing.node.getBoundingClientRect().top));
    }, { signal });
    this.#slider.addEventListener('keydown', (event) => {
      const to = this.#moved(event.key);
      if (to === undefined || event.altKey || event.ctrlKey || event.metaKey) return;
      event.preventDefault(); // of scrolling
      this.#choose(to);
    }, { signal });
  }

  /** Where a key leads to. @param {string} key */
  #moved(key) {
    const at = this.#shown ? currentOf(this.#shown) : 0;
    switch (key) {
      case 'ArrowLeft': case 'ArrowUp': return at - 1;
      case 'ArrowRight': case 'ArrowDown': return at + 1;
      case 'Home': return 0;
      case 'End': return this.#shown && stepsOf(this.#shown) - 1;
      default: return undefined;
    }
  }

  /** @param {number} step */
  #choose(step) {
    if (this.#shown && step >= 0 && step < stepsOf(this.#shown)) this.#show({ chosen: step });
  }

  // ---- what the reader does -------------------------------------------------------------------------

  /** @param {string} text */
  #start(text) {
    const { word, problem } = wordOf(text);
    this.#problem = problem;
    if (word === undefined) return this.#draw();
    this.#word = word;
    this.#tried = [];
    this.#goOn();
  }

  /** A flip never downloads a model. @param {keyof Way} name */
  #flip(name) {
    this.#way = { ...this.#way, [name]: !this.#way[name] };
    if (this.#tried.length > 0) this.#goOn();
    else this.#draw();
  }

  /** What is under way heeds what has changed. */
  #goOn() {
    if (this.#doing === 'idle' || this.#doing === 'playing') this.#run();
    else this.#draw();
  }

  /** Or shows at once what is being shown slowly. */
  #stop() {
    if (this.#doing === 'playing') this.#endPlay(true);
    else if (this.#doing !== 'idle') this.#sounder.stop();
  }

  /** The word as the switches stand; with both caches first, of which the letters' shares come. */
  async #run() {
    const turn = ++this.#turn;
    this.#endPlay();
    this.#failure = undefined;
    try {
      if (!this.#sounder.isLoaded) await this.#load();
      if (turn !== this.#turn) return;
      this.#set('measuring');
      while (true) {
        const tried = this.#tried;
        const way = [BOTH, this.#way].find((each) => !traceOf(tried, each));
        if (!way) break;
        tried.push({ way, trace: await this.#sounder.trace(this.#word, way) });
        if (turn !== this.#turn) return;
        if (way === BOTH) continue; // or what is compared would not be of the same moments:
        tried[0] = { way: BOTH, trace: await this.#sounder.trace(this.#word, BOTH) };
        if (turn !== this.#turn) return;
      }
      this.#play();
    } catch (error) {
      if (turn !== this.#turn) return;
      const failure = failureOf(error, navigator.onLine);
      this.#failure = failure.code === 'aborted' ? undefined : failure;
      this.#set('idle');
    }
  }

  #load() {
    this.#loaded = 0;
    this.#set('loading');
    return this.#sounder.load((bytes) => {
      this.#loaded = bytes;
      this.#draw();
    });
  }

  #play() {
    const [tried, way] = [[...this.#tried], this.#way];
    const cached = /** @type {Traced} */ (traceOf(tried, BOTH));
    const trace = /** @type {Traced} */ (traceOf(tried, way));
    const head = this.#shown?.head ?? tellingHead(cached) ?? { layer: 0, head: 0 };
    const before = tried.length > 1 && this.#shown?.word === this.#word ? this.#shown : undefined;
    const slowness = before?.slowness ?? slownessOf(cached);
    this.#shown = { word: this.#word, way, tried, passed: 0, head, slowness };
    const { read, steps } = momentsOf(trace, slowness, before !== undefined);
    this.#set('playing');
    this.#endPlay = playSlowly([read, ...steps], (passed) => {
      this.#doing = passed > steps.length ? 'idle' : 'playing';
      this.#show({ passed });
    });
    if (matchMedia('(prefers-reduced-motion: reduce)').matches) this.#endPlay(true);
  }

  /** @param {Doing} doing */
  #set(doing) {
    this.#doing = doing;
    this.#draw();
  }

  /** @param {Partial<Shown>} change */
  #show(change) {
    if (this.#shown) this.#shown = { ...this.#shown, ...change };
    this.#draw();
  }

  // ---- what is shown ----------------------------------------------------------------------------------

  #draw() {
    this.#form.show({
      action: this.#doing === 'idle' ? 'go' : this.#doing === 'playing' ? 'skip' : 'stop',
      bytes: this.#sounder.isLoaded ? 0 : this.#bytes, way: this.#way, failure: this.#failure,
      isWrong: this.#problem !== undefined, said: this.#stateWords(),
    });
    put(this.#frame.node, 'data-state', this.#doing);
    const shown = this.#shown;
    this.#slider.hidden = !shown;
    if (shown) this.#drawShown(shown);
    else this.#frame.show(this.#said.empty);
  }

  /** What it is doing, or what to do next. */
  #stateWords() {
    const said = this.#said;
    const problem = this.#problem;
    if (problem) return said.problems[problem.what](problem.letter ?? '');
    if (this.#doing === 'loading') return said.loading(this.#loaded, this.#bytes);
    if (this.#doing === 'measuring') return said.measuring;
    if (!this.#shown) return said.idle;
    return this.#doing === 'playing' ? slowWords(said, this.#shown) : payoffWords(said, this.#shown);
  }

  /** @param {Shown} shown */
  #drawShown(shown) {
    const said = this.#said;
    const [cached, steps] = [traceOf(shown.tried, BOTH), stepsOf(shown)];
    if (!cached?.looks) return;
    say(this.#out, outWords(shown));
    this.#drawing.show(pictureOf(said, shown), this.#slider.clientWidth);
    const { cross, self } = cacheWords(said, shown);
    say(this.#cross, cross);
    say(this.#self, self);
    put(this.#slider, 'aria-valuemax', String(Math.max(1, steps)));
    put(this.#slider, 'aria-valuenow', String(Math.max(1, currentOf(shown) + 1)));
    put(this.#slider, 'aria-valuetext', stepWords(said, shown));
    const { layers, heads } = cached.looks;
    this.#heads.show({ layer: layers, head: heads }, shown.head);
    this.#paintHeads(cached, Math.max(0, currentOf(shown)));
    this.#costs.show(shown.tried, shown.way);
    this.#frame.show(lookWords(said, shown));
  }

  /** @param {Traced} cached  @param {number} step */
  #paintHeads({ source: { length }, looks }, step) {
    if (looks) this.#heads.paint(attentionOf(looks, length, step));
  }
}
