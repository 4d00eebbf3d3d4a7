// <kv-cache-demo>: a figure that any article can have. This module only makes the class, and can be imported
// where there are no elements; kv-cache-demo.js gives it its name. What is heavy is fetched when needed.
import { ATTRIBUTES, OTHERS } from './attributes.js';
import { ReflectingElement, upgradeProperties } from './reflect.js';
import { VERSION } from './version.js';
import { languageAt } from './words/language.js';
import { notStarted } from './words/shell.js';

/**
 * @import { Details, DoneDetail } from './events.js'
 * @import { Beside } from './beside.js'
 * @import { Given } from './candidate.js'
 * @import { Inside } from './inside.js'
 * @import { Linked } from './link.js'
 */

const NEAR = '600px'; // from the view: then a lazy figure is fetched
/** With these, another model is meant, and so another player. */
const ANEW = ['src', 'wasm', 'weights'];

export class KvCacheDemo extends ReflectingElement {
  static version = VERSION;
  static observedAttributes = [...ATTRIBUTES.map(({ name }) => name), ...OTHERS];

  #root;
  /** Shows what the author has put into the tag, until the figure takes its place. */
  #slot;
  /** @type {Inside | Beside | undefined} */
  #inside;
  /** @type {Promise<Inside | Beside> | undefined} */
  #mounting;
  /** Those that show views of this one's run. @type {Set<KvCacheDemo>} */
  #beside = new Set();
  /** The one whose run is shown here. @type {KvCacheDemo | undefined} */
  #other;
  /** While it is in a document. @type {AbortController | undefined} */
  #stay;
  #arrival = arrival();

  constructor() {
    super();
    this.#root = this.shadowRoot ?? this.attachShadow({ mode: 'open' });
    this.#root.adoptedStyleSheets = [shellSheet()];
    this.#slot = document.createElement('slot');
    this.#root.replaceChildren(this.#slot);
  }

  // ---- what pages ask for -----------------------------------------------------------------------

  /** As it travels in an address; setting it sets the attribute. @returns {string} */
  get state() { return this.#inside?.state ?? this.getAttribute('state') ?? ''; }

  set state(text) { this.setAttribute('state', text); }

  /**
   * Writes a story, once the figure is there; whatever it is doing is stopped before.
   * @param {Partial<Linked>} [options]  that take the place of the attributes
   * @returns {Promise<DoneDetail>}
   */
  async start(options = {}) {
    return (await this.#ready()).start(options);
  }

  /**
   * Offers readers another model than the figure's own, to be loaded if they want it.
   * @param {Given} given  its address, or its files as they were chosen or dropped
   * @returns {Promise<void>}  once its sizes are shown, or why they are not
   */
  async offer(given) {
    await (await this.#ready()).offer(given);
  }

  /** Ends whatever is under way. */
  async stop() {
    await (await this.#present())?.stop();
  }

  /** Back to what the attributes say, as if nothing had been done. @returns {Promise<void>} */
  async reset() {
    if (this.of) return this.#other?.reset();
    const inside = await this.#present();
    await inside?.stop();
    if (inside && inside === this.#inside) this.#renew();
  }

  // ---- what the document does with it -----------------------------------------------------------

  connectedCallback() {
    upgradeProperties(this, ['state', 'lang', ...ATTRIBUTES.map(({ property }) => property)]);
    if (this.#stay) return; // it was only moved
    this.#stay = new AbortController();
    this.#arrival.arrive();
    this.#approach(this.#stay.signal);
    for (const each of this.#beside) each.#again();
  }

  /** Browsers that can move a node as it is call this, and neither of the other two. */
  connectedMoveCallback() {}

  disconnectedCallback() {
    queueMicrotask(() => {
      if (!this.isConnected) this.#leave();
    });
  }

  /** @param {string} name  @param {string | null} before  @param {string | null} now */
  attributeChangedCallback(name, before, now) {
    if (before === now) return;
    if (name === 'loading' && this.loading === 'eager' && this.#stay) this.#approach(this.#stay.signal);
    if (name === 'of' && this.#stay) return this.#again(); // also while it is fetched, or has failed
    if (!this.#inside) return;
    if (this.of) this.#inside.changed(name);
    else if (ANEW.includes(name)) this.#renew();
    else this.#inside.changed(name);
  }

  // ---- within -----------------------------------------------------------------------------------

  /** Waits until it is near the view, and starts by itself if that is wanted. @param {AbortSignal} signal */
  async #approach(signal) {
    try {
      if (this.loading === 'lazy') await seen(this, NEAR, signal);
      const inside = await this.#ready();
      if (!this.autorun) return;
      await seen(this, '0px', signal);
      await inside.startAlone();
    } catch { // said already, in words and as an event; or it was taken away meanwhile
    }
  }

  /** The figure, if it is there or about to be. */
  async #present() {
    return this.#inside ?? this.#mounting;
  }

  /** The figure, fetched if need be; while the element is in no document, that is waited for. */
  async #ready() {
    await this.#arrival.promise;
    return this.#inside ?? (this.#mounting ??= this.#mount());
  }

  async #mount() {
    const stay = this.#stay;
    try {
      const make = await (this.of ? this.#makeBeside() : this.#makeInside());
      this.#checkStay(stay);
      this.#root.replaceChildren(this.#slot); // what was said of a failure before is over
      this.#inside = make();
      this.#slot.remove();
      return this.#inside;
    } catch (error) {
      if (stay === this.#stay) this.#fail(/** @type {Error} */ (error));
      throw error;
    } finally {
      if (stay === this.#stay) this.#mounting = undefined;
    }
  }

  /** It is where it was, and means the same. @param {AbortController | undefined} stay */
  #checkStay(stay) {
    if (stay !== this.#stay) throw new DOMException('The element was taken away.', 'AbortError');
  }

  async #makeInside() {
    const { Inside } = await import('./inside.js');
    return () => new Inside(this, this.#root, (name, detail) => this.#tell(name, detail));
  }

  async #makeBeside() {
    const stay = this.#stay;
    const { Beside } = await import('./beside.js');
    const other = await this.#find(this.of);
    this.#checkStay(stay);
    this.#other = other.#beside.add(this) && other;
    const inside = /** @type {Inside} */ (await other.#ready());
    return () => new Beside(this, this.#root, inside);
  }

  /** The figure of that id in the same tree, once it can be there. @param {string} id */
  async #find(id) {
    if (document.readyState === 'loading') {
      await new Promise((resolve) => document.addEventListener('DOMContentLoaded', resolve, { once: true }));
    }
    const tree = /** @type {Document | ShadowRoot} */ (this.getRootNode());
    const found = tree.querySelector(`#${CSS.escape(id)}`);
    if (found instanceof KvCacheDemo && !found.of) return found;
    throw new Error(`of="${id}": no ${this.localName} with a run of its own has this id.`);
  }

  /** Another run in its place, and where it is shown as well. */
  #renew() {
    for (const each of this.#beside) each.#leave();
    this.#inside = /** @type {Inside} */ (this.#inside).renew();
    for (const each of this.#beside) each.#again();
  }

  /** As if it had only come. */
  #again() {
    this.#leave();
    if (this.isConnected) this.connectedCallback();
  }

  #leave() {
    for (const each of this.#beside) each.#again(); // to wait for this one
    const other = this.#other;
    if (other && !(this.isConnected && this.of === other.id)) other.#beside.delete(this);
    this.#stay?.abort();
    this.#stay = undefined;
    this.#mounting = undefined;
    this.#arrival = arrival();
    this.#inside?.dispose();
    this.#inside = undefined;
    this.#root.replaceChildren(this.#slot);
  }

  /** What stands in the tag stays, and a sentence below it says why. @param {Error} error */
  #fail({ message }) {
    const sentence = document.createElement('p');
    sentence.setAttribute('part', 'not-started');
    sentence.setAttribute('role', 'alert');
    const { lang, words } = notStarted(languageAt(this));
    sentence.lang = lang;
    const why = document.createElement('span');
    why.lang = 'en'; // as whatever fails says it
    why.textContent = `(${message})`;
    sentence.append(`${words} `, why);
    this.#root.replaceChildren(this.#slot, sentence);
    this.#tell('kv-error', { code: 'not_started', message });
  }

  /** @template {keyof Details} K @param {K} name  @param {Details[K]} detail */
  #tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail, bubbles: true, composed: true }));
  }
}

function arrival() {
  let arrive = () => {};
  const promise = /** @type {Promise<void>} */ (new Promise((resolve) => { arrive = resolve; }));
  return { promise, arrive };
}

/** @type {CSSStyleSheet | undefined} */
let shell;

function shellSheet() {
  if (shell) return shell;
  shell = new CSSStyleSheet();
  shell.replaceSync(':host { display: block } :host([hidden]) { display: none }');
  return shell;
}

/**
 * Settles when an element has come into view, or so near.
 * @param {Element} element  @param {string} rootMargin  @param {AbortSignal} signal
 */
async function seen(element, rootMargin, signal) {
  signal.throwIfAborted();
  const ending = new AbortController();
  try {
    await new Promise((resolve, reject) => {
      const observer = new IntersectionObserver((entries) => {
        if (entries.some(({ isIntersecting }) => isIntersecting)) resolve(undefined);
      }, { rootMargin });
      observer.observe(element);
      ending.signal.addEventListener('abort', () => observer.disconnect());
      signal.addEventListener('abort', () => reject(signal.reason), { signal: ending.signal });
    });
  } finally {
    ending.abort();
  }
}
