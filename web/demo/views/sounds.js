/// <reference path="../css.d.ts" />
// From letters to sounds: a model with two stacks and two caches, which pronounces a word. It has an engine
// of its own, loaded when a reader asks for it.
import { failureOf, losesModel } from '../failure.js';
import { element, put, say } from '../parts/dom.js';
import { framed, framedStyles } from '../parts/figure.js';
import { headsGrid } from '../parts/heads.js';
import { playSlowly } from '../parts/slow.js';
import { soundsCosts } from '../parts/sounds-costs.js';
import { soundsDrawing } from '../parts/sounds-drawing.js';
import { soundsForm } from '../parts/sounds-form.js';
import { soundsSlider } from '../parts/sounds-slider.js';
import { SOUNDS as RECORDED } from '../recorded/sounds.js';
import { Sounder } from '../sounder.js';
import { FIRST } from '../sounding.js';
import { BOTH, attentionOf, keyOf, momentsOf, slownessOf, tellingHead, traceOf, wayOf,
  wordOf } from '../sounds.js';
import { cacheWords, currentOf, lookWords, outWords, payoffWords, recordedOf, rowsOf,
  slowWords } from '../sounds-shown.js';
import { SOUNDS } from '../words/sounds.js';
import styles from './sounds.css' with { type: 'text' };

/**
 * @import { Traced } from '../../worker/traced.js'
 * @import { Failure } from '../failure.js'
 * @import { Sounding } from '../sounding.js'
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
    const view = new Sounds(root, context);
    return ({ sounding }) => view.heed(sounding); // nothing else is of the figure
  },
};

class Sounds {
  #said;
  #setSounding;
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
  #lang;
  #bytes = 0;   // to be downloaded
  #loaded = 0;  // of them
  /** @type {Doing} */
  #doing = 'idle';
  /** @type {Problem | undefined} */
  #problem;
  /** @type {Failure | undefined} */
  #failure;
  /** As it stands in the field. */
  #typed = FIRST.word;
  /** That was asked for last. */
  #word = '';
  /** Of this word. @type {Tried[]} */
  #tried = [];
  /** @type {Way} */
  #way = BOTH;
  /** At first a recorded one. @type {Shown} */
  #shown = recordedOf(RECORDED, BOTH);
  #isRecorded = true;
  #turn = 0;
  /** @type {ReturnType<typeof playSlowly>} */
  #endPlay = () => {};

  /** @param {HTMLElement} root  @param {Context} context */
  constructor(root, context) {
    const { actions, signal, words } = context;
    const said = this.#said = SOUNDS[words.lang];
    this.#signal = signal;
    this.#lang = words.lang;
    this.#setSounding = (/** @type {Partial<Sounding>} */ sounding) => actions.setSounding(sounding);
    this.#sounder = new Sounder(actions.aside(() => this.#stop()));
    this.#form = soundsForm(said, context, {
      start: (text) => this.#start(text), stop: () => this.#stop(), flip: (name) => this.#flip(name),
      typed: (word) => this.#setSounding({ word }),
    });
    this.#drawing = soundsDrawing(said);
    this.#slider = soundsSlider(said, this.#drawing, (chosen) => this.#show({ chosen }), signal);
    this.#heads = headsGrid({ ...said, heads: said.headGroup }, signal, (head) => {
      this.#show({ head });
    });
    this.#costs = soundsCosts(said);
    const { caption, sound, letters, time, macs } = said.table;
    this.#frame = framed(context, {
      name: 'sounds', title: said.title, means: said.means, controls: this.#form.node, interactive: true,
      drawing: element('div', {}, this.#out, this.#slider.node,
        element('div', { class: 'sounds-caches' }, this.#cross, this.#self)),
      picture: () => this.#drawing.node,
      table: {
        caption, heads: [sound, letters, time, macs],
        rows: () => rowsOf(said, this.#shown),
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
  }

  // ---- what the reader does -------------------------------------------------------------------------

  /** @param {string} text */
  #start(text) {
    const { word, problem } = wordOf(text);
    this.#typed = text;
    this.#problem = problem;
    if (word === undefined) return this.#draw();
    this.#word = word;
    this.#tried = [];
    this.#goOn();
  }

  /** @param {keyof Way} name */
  #flip(name) {
    this.#setSounding({ caches: keyOf({ ...this.#way, [name]: !this.#way[name] }) });
  }

  /** Word and caches as they are now. A flip downloads none but a lost model. @param {Sounding} sounding */
  heed({ word, caches }) {
    const isFlipped = caches !== keyOf(this.#way);
    if (!isFlipped && word === this.#typed) return;
    this.#typed = word;
    this.#problem = undefined;
    this.#way = wayOf(caches);
    if (this.#isRecorded) this.#shown = { ...this.#shown, way: this.#way };
    if (isFlipped && this.#tried.length > 0) this.#goOn();
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
      if (losesModel(failure)) this.#sounder.isLoaded = false;
      this.#failure = failure.code === 'aborted' ? undefined : failure;
      this.#takeBack();
      this.#set('idle');
    }
  }

  /** Word and switches are again those of the picture. */
  #takeBack() {
    const { word, way, tried } = this.#shown;
    if (keyOf(way) !== keyOf(this.#way)) this.#setSounding({ caches: keyOf(way) });
    [this.#word, this.#way] = [word, way];
    this.#tried = this.#isRecorded ? [] : [...tried];
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
    const head = (this.#isRecorded ? tellingHead(cached) : this.#shown.head) ?? { layer: 0, head: 0 };
    const isSame = !this.#isRecorded && tried.length > 1 && this.#shown.word === this.#word;
    const before = isSame ? this.#shown : undefined;
    this.#isRecorded = false;
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
    this.#shown = { ...this.#shown, ...change };
    this.#draw();
  }

  // ---- what is shown ----------------------------------------------------------------------------------

  #draw() {
    this.#form.show({
      word: this.#typed, isWrong: this.#problem !== undefined, said: this.#stateWords(),
      action: this.#doing === 'idle' ? 'go' : this.#doing === 'playing' ? 'skip' : 'stop',
      bytes: this.#sounder.isLoaded ? 0 : this.#bytes, way: this.#way, failure: this.#failure,
      isTicking: this.#doing === 'loading' && this.#loaded > 0,
    });
    put(this.#frame.node, 'data-state', this.#doing);
    this.#drawShown(this.#shown);
  }

  /** What it is doing, or what to do next. */
  #stateWords() {
    const said = this.#said;
    const problem = this.#problem;
    if (problem) return said.problems[problem.what](problem.letter ?? '');
    if (this.#doing === 'loading') return said.loading(this.#loaded, this.#bytes);
    if (this.#doing === 'measuring') return said.measuring;
    if (this.#isRecorded) return said.recorded(RECORDED.date, RECORDED.machine[this.#lang]);
    return this.#doing === 'playing' ? slowWords(said, this.#shown) : payoffWords(said, this.#shown);
  }

  /** @param {Shown} shown */
  #drawShown(shown) {
    const said = this.#said;
    const cached = traceOf(shown.tried, BOTH);
    if (!cached?.looks) return;
    say(this.#out, outWords(shown));
    this.#slider.show(shown);
    const { cross, self } = cacheWords(said, shown);
    say(this.#cross, cross);
    say(this.#self, self);
    const { layers, heads } = cached.looks;
    this.#heads.show({ layer: layers, head: heads }, shown.head);
    this.#paintHeads(cached, Math.max(0, currentOf(shown)));
    this.#costs.show(shown.tried, shown.way);
    this.#frame.show(lookWords(said, shown), undefined, this.#isRecorded);
  }

  /** @param {Traced} cached  @param {number} step */
  #paintHeads({ source: { length }, looks }, step) {
    if (looks) this.#heads.paint(attentionOf(looks, length, step));
  }
}
