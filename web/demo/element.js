// <kv-cache-demo>: a figure that any article can have. This module only makes the class, and can be imported
// where there are no elements; kv-cache-demo.js gives it its name. What is heavy is fetched when needed.
import { ATTRIBUTES, OTHERS } from './attributes.js';
import { ReflectingElement, upgradeProperties } from './reflect.js';
import { VERSION } from './version.js';
import { languageAt } from './words/language.js';
import { notStarted } from './words/shell.js';

/**
 * @import { Details, DoneDetail } from './events.js'
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
  /** @type {Inside | undefined} */
  #inside;
  /** @type {Promise<Inside> | undefined} */
  #mounting;
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

  /** Ends whatever is under way. */
  async stop() {
    await (await this.#present())?.stop();
  }

  /** Back to what the attributes say, as if nothing had been done. */
  async reset() {
    const inside = await this.#present();
    await inside?.stop();
    if (inside && inside === this.#inside) this.#inside = inside.renew();
  }

  // ---- what the document does with it -----------------------------------------------------------

  connectedCallback() {
    upgradeProperties(this, ['state', 'lang', ...ATTRIBUTES.map(({ property }) => property)]);
    if (this.#stay) return; // it was only moved
    this.#stay = new AbortController();
    this.#arrival.arrive();
    this.#approach(this.#stay.signal);
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
    if (this.#inside && ANEW.includes(name)) this.#inside = this.#inside.renew();
    else this.#inside?.changed(name);
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
      const { Inside } = await import('./inside.js');
      if (stay !== this.#stay) throw new DOMException('The element was taken away.', 'AbortError');
      this.#root.replaceChildren(this.#slot); // what was said of a failure before is over
      this.#inside = new Inside(this, this.#root, (name, detail) => this.#tell(name, detail));
      this.#slot.remove();
      return this.#inside;
    } catch (error) {
      if (stay === this.#stay) this.#fail(/** @type {Error} */ (error));
      throw error;
    } finally {
      if (stay === this.#stay) this.#mounting = undefined;
    }
  }

  #leave() {
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
