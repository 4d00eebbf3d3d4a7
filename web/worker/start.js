// A worker that runs, whatever the page's site allows. Browsers start workers from the page's own site only.
// For a script on another site, and in a sandboxed frame, whose origin is like no other, a worker of one line
// imports the real one: as a data: address or, where the page's policy allows nothing else, as a blob:. A
// build with everything inside has no address of a worker: its whole source goes the same ways. Where a
// policy forbids all of that, the page's own thread does the work.
import { absolute } from '../engine/bundlers.js';
import { assets } from './assets.js';
import { LocalWorker } from './local.js';

/** @import { Reply } from './messages.js' */

const REVOKE_MS = 60_000; // after which a blob: address has been read

/**
 * @typedef {'onmessage' | 'onmessageerror' | 'onerror' | 'postMessage' | 'terminate'} Used
 * @typedef {Pick<LocalWorker, Used>} Started  a Worker, or what does as well
 *
 * @typedef {object} Start
 * @property {(() => Started)[]} ways  to be tried one after the other
 * @property {string} sources         what worker-src has to allow
 * @property {string} otherwise       what may be wrong if no policy forbids it
 * @property {boolean} [own]          the worker is of the page's site: what no policy forbids runs at last
 */

/** @returns {Start} */
function startFor() {
  const { ways, ...start } = workers();
  return { ...start, ways: [...(typeof Worker === 'undefined' ? [] : ways), () => new LocalWorker()] };
}

/** @returns {Start} */
function workers() {
  if (assets.inside) {
    const { worker } = assets.inside;
    return {
      ways: [() => blobWorker(worker, 'classic'), () => new Worker(dataUrl(worker))],
      sources: 'blob: or data:',
      otherwise: 'Open the page in a current browser.',
    };
  }
  const { origin, href } = absolute(assets.workerUrl());
  if (origin === globalThis.origin) {
    return {
      ways: [assets.worker], sources: "'self'", own: true,
      otherwise: 'Check the connection; its script, worker.js, must lie beside the page.',
    };
  }
  const source = `import ${JSON.stringify(href)};`;
  return {
    ways: [() => new Worker(dataUrl(source), { type: 'module' }), () => blobWorker(source, 'module')],
    sources: `data: and ${origin}`,
    otherwise: 'This page is sandboxed, or its scripts come from another site. Such a page may use '
      + `${href} only if that is served with Access-Control-Allow-Origin, and if the page's `
      + `Content-Security-Policy allows data: and ${origin} in worker-src.`,
  };
}

/** @param {string} source */
const dataUrl = (source) => `data:text/javascript,${encodeURIComponent(source)}`;

/** @param {string} source  @param {WorkerType} type */
function blobWorker(source, type) {
  const url = URL.createObjectURL(new Blob([source], { type: 'text/javascript' }));
  setTimeout(() => URL.revokeObjectURL(url), REVOKE_MS);
  return new Worker(url, { type });
}

/**
 * @typedef {object} Ends  what is heard of a worker
 * @property {(reply: Reply) => void} onMessage
 * @property {(message: string) => void} onLost  it is gone, or never came: why, in words
 */

export class StartedWorker {
  #ends;
  #start = startFor();
  /** @type {Started | undefined} */
  #worker;
  /** Sent while nothing was heard; a worker that is tried next gets it too. @type {object[] | undefined} */
  #unheard = [];
  #forbidden = false;
  #over = new AbortController();

  /** @param {Ends} ends */
  constructor(ends) {
    this.#ends = ends;
    globalThis.document?.addEventListener('securitypolicyviolation', ({ effectiveDirective }) => {
      this.#forbidden ||= effectiveDirective === 'worker-src';
    }, this.#over);
    this.#next();
  }

  /** Throws where something of it does not cross to a worker. @param {object} message */
  post(message) {
    if (this.#worker) this.#worker.postMessage(message);
    else structuredClone(message);
    this.#unheard?.push(message);
  }

  end() {
    this.#over.abort();
    this.#worker?.terminate();
  }

  #next() {
    const way = /** @type {() => Started} */ (this.#start.ways.shift());
    try {
      this.#worker = way();
    } catch { // as a failure that comes later
      this.#forbidden = true;
      setTimeout(() => this.#failed());
      return;
    }
    this.#worker.onmessage = ({ data }) => {
      this.#unheard = undefined;
      this.#ends.onMessage(data);
    };
    this.#worker.onmessageerror = () => (
      this.#ends.onLost('A message from the background worker could not be read.'));
    this.#worker.onerror = (event) => {
      event.preventDefault(); // it is shown on the page instead
      this.#failed(event.message);
    };
    for (const message of this.#unheard ?? []) this.#worker.postMessage(message);
  }

  /** @param {string} [reason]  of a worker that ran */
  #failed(reason) {
    if (this.#over.signal.aborted) return;
    const { ways, sources, otherwise, own } = this.#start;
    if (this.#unheard && ways.length > 0 && (this.#forbidden || !own)) this.#next();
    else this.#ends.onLost(this.#why(reason, sources, otherwise));
  }

  /** @param {string | undefined} reason  @param {string} sources  @param {string} otherwise */
  #why(reason, sources, otherwise) {
    if (this.#unheard && this.#forbidden) {
      return `The Content-Security-Policy of this page forbids its background worker: worker-src must allow ${
        sources}.`;
    }
    return reason ? `The background worker failed: ${reason}.`
      : `The background worker could not be started. ${otherwise}`;
  }
}
