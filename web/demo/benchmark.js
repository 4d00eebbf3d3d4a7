// The page's benchmark: a button, what the worker reports meanwhile, and the figures it leaves behind.
import { WorkerError } from '../worker/client.js';
import { modelUrl } from '../page/address.js';
import { asJson, asMarkdown, describeMachine, place } from './report.js';
import { showResults } from './results.js';
import { counted, measured } from '../measure/numbers.js';
import { byId, say } from './view.js';

const PLAN = { contexts: [64, 256, 1000], runs: 5, windowMs: 60, patienceMs: 1500 }; // index.html tells of it
const SECONDS = 15; // that it takes for a small model
const IDLE = 'Nothing leaves your machine. A large model takes longer.';
const NOTHING = 'Stopped before anything was measured.';

/** @type {Record<string, string>} */
const BITS = { f32: 'weights of 32 bits', int8: 'weights of 8 bits' };

/** @typedef {{ config: import('../config/config.js').Config, variant: string }} Loaded */

/**
 * @typedef {object} Page  what the benchmark wants from the page around it
 * @property {() => Promise<Loaded>} begin  the page makes room: nothing else runs, and the model is loaded
 * @property {(code?: string) => void} end  it may go on; code: of what failed
 */

export class Benchmark {
  #client;
  #announcer;
  #page;
  #button = /** @type {HTMLButtonElement} */ (byId('measure'));
  #running = false;
  #stopAsked = false;
  #hidden = false; // the tab, at some time while it ran
  /** @type {number[]} */
  #contexts = [];
  /** @type {import('./report.js').Report | undefined} */
  #report;
  /** Why there are no figures for a kind of weights. @type {Record<string, string>} */
  #leftOut = {};

  /** @param {import('../worker/client.js').EngineClient} client  @param {import('./view.js').Announcer} announcer  @param {Page} page */
  constructor(client, announcer, page) {
    this.#client = client;
    this.#announcer = announcer;
    this.#page = page;
    this.#button.addEventListener('click', () => { if (this.#running) this.stop(); else this.#measure(); });
    document.addEventListener('visibilitychange', () => { this.#hidden ||= document.hidden; });
    byId('copy-markdown').addEventListener('click', () => this.#copy(asMarkdown, 'Markdown'));
    byId('copy-json').addEventListener('click', () => this.#copy(asJson, 'JSON'));
    this.#enter('idle', IDLE, false);
  }

  get running() {
    return this.#running;
  }

  /** Whether something else runs. @param {boolean} blocked */
  set blocked(blocked) {
    this.#button.disabled = blocked;
    say('measure-blocked', blocked ? 'A story is being written: stop it, or wait for its end.' : '');
  }

  stop() {
    this.#stopAsked = true;
    this.#client.stop();
  }

  async #measure() {
    this.#running = true;
    this.#stopAsked = false;
    this.#hidden = document.hidden;
    this.#contexts = [];
    this.#leftOut = {};
    this.#report = undefined;
    byId('measure-error').hidden = byId('results').hidden = byId('copy-text').hidden = true;
    say('copied', '');
    this.#progress(undefined);
    this.#enter('loading', 'Getting ready.');
    let failed;
    try {
      const { config, variant } = await this.#page.begin();
      const machine = await describeMachine();
      if (this.#stopAsked) throw new WorkerError('aborted', 'Stopped between two requests.');
      this.#report = { date: new Date().toISOString(), model: modelUrl(), config, build: variant, machine, plan: PLAN, complete: false, remarks: [], rows: [] };
      this.#enter('running', 'Measuring.');
      const { reason } = await this.#client.request('benchmark', PLAN, (event) => this.#hear(event));
      this.#finish(reason === 'stopped');
    } catch (error) {
      const { code = 'internal', message } = /** @type {{ code?: string, message: string }} */ (error);
      failed = code;
      this.#running = false;
      if (code === 'aborted') this.#enter('idle', NOTHING);
      else this.#fail(code, message);
    }
    this.#page.end(failed);
  }

  /** @param {Record<string, any>} event */
  #hear({ type, ...event }) {
    const report = /** @type {import('./report.js').Report} */ (this.#report);
    if (type === 'planned') this.#contexts = event.contexts;
    if (type === 'loading') this.#enter('running', `Half of it is done: loading the model once more, with ${BITS[event.weights]}.`);
    if (type === 'measuring') {
      this.#progress(event.done / event.total);
      say('measure-state', `Measuring ${BITS[event.weights]} after ${counted(event.context)} tokens: ${Math.floor(100 * event.done / event.total)} % done.`);
    }
    if (type === 'left_out') {
      this.#leftOut[event.weights] = `Not measured: the model could not be loaded with ${BITS[event.weights]}. ${event.message}`;
      report.remarks.push(this.#leftOut[event.weights]);
    }
    if (type === 'measured') report.rows.push(event.row);
    if (type !== 'measuring') this.#show();
  }

  /** @param {boolean} stopped */
  #finish(stopped) {
    const report = /** @type {import('./report.js').Report} */ (this.#report);
    this.#running = false;
    report.complete = !stopped;
    if (stopped) report.remarks.push('Stopped before the end.');
    if (this.#hidden) report.remarks.push('The tab was hidden for a while: browsers slow such tabs down.');
    if (report.rows.length === 0) this.#enter('idle', NOTHING);
    else this.#enter(stopped ? 'stopped' : 'done', `${stopped ? 'Stopped: what was finished is below.' : 'Measured.'} ${summary(report.rows)}`);
    this.#show();
  }

  /** @param {string} code  @param {string} message */
  #fail(code, message) {
    const report = this.#report;
    if (report && code === 'outputs_differ') report.rows = []; // none of them is worth anything
    report?.remarks.push(`It failed before the end: ${message}`);
    say('measure-error-message', message);
    say('measure-error-code', code);
    byId('measure-error').hidden = false;
    this.#enter('failed', report?.rows.length ? 'This did not work to its end; what was finished is below.' : 'This did not work.', false);
    this.#show();
  }

  #show() {
    const report = this.#report;
    byId('results').hidden = this.#contexts.length === 0 || (!this.#running && !report?.rows.length);
    if (!report) return;
    const groups = Object.keys(BITS).map((weights) => (
      { weights, contexts: this.#contexts, rows: report.rows.filter((row) => row.weights === weights), leftOut: this.#leftOut[weights] }));
    showResults(byId('weights'), groups.filter(({ rows, leftOut }) => this.#running || rows.length > 0 || leftOut));
    say('measure-place', [place(report), ...report.remarks].join(' '));
    byId('copies').hidden = byId('measure-equal').hidden = this.#running;
  }

  /** @param {(report: import('./report.js').Report) => string} write  @param {string} kind */
  async #copy(write, kind) {
    const text = write(/** @type {import('./report.js').Report} */ (this.#report));
    const box = /** @type {HTMLTextAreaElement} */ (byId('copy-text'));
    try {
      await navigator.clipboard.writeText(text);
      box.hidden = true;
      say('copied', `Copied as ${kind}.`);
    } catch { // not allowed here, or not on pages without https
      box.hidden = false;
      box.value = text;
      box.select();
      say('copied', 'This browser does not let the page copy. The text is below, selected: copy it by hand.');
    }
  }

  /** @param {number | undefined} share  undefined: not known yet */
  #progress(share) {
    const bar = /** @type {HTMLProgressElement} */ (byId('measure-progress'));
    if (share === undefined) bar.removeAttribute('value');
    else bar.value = share;
  }

  /** @param {string} state  @param {string} words  @param {boolean} [aloud] */
  #enter(state, words, aloud = true) {
    byId('benchmark').dataset.state = state;
    say('measure-state', words);
    if (aloud) this.#announcer.say(words);
    say('measure', this.#running ? 'Stop' : `Measure (about ${SECONDS} seconds)`);
    this.#button.disabled = false;
    byId('measure-progress').hidden = !this.#running;
  }
}

/** What to remember of it. @param {readonly import('../measure/figures.js').Row[]} rows */
function summary(rows) {
  const { context, decode, uncached } = rows.filter(({ weights }) => weights === rows[0].weights).at(-1) ?? rows[0];
  const on = `After ${counted(context)} tokens, your machine writes ${measured(decode.median)} tokens per second with the cache`;
  return uncached ? `${on} and ${measured(uncached.median)} without it.` : `${on}; without it, one token takes longer than ${PLAN.patienceMs / 1000} s.`;
}
