// What an element has inside that shows another's run: views of that one's player, and no run of its own.
import { USUAL, viewsOr } from './attributes.js';
import { styleSheet } from './styles.js';

/**
 * @import { Properties } from './attributes.js'
 * @import { Given } from './candidate.js'
 * @import { Inside } from './inside.js'
 * @import { Linked } from './link.js'
 */

export class Beside {
  #host;
  #root;
  #leader;
  /** Takes the views away. */
  #hide = () => {};

  /**
   * @param {HTMLElement & Properties} host
   * @param {ShadowRoot} root
   * @param {Inside} leader
   */
  constructor(host, root, leader) {
    this.#host = host;
    this.#root = root;
    this.#leader = leader;
    root.adoptedStyleSheets = [...new Set([...root.adoptedStyleSheets, styleSheet()])];
    this.#show();
  }

  /** That of the run, with the views that stand here. */
  get state() { return this.#leader.stateWith(this.#host.views); }

  #show() {
    this.#hide();
    const views = viewsOr(USUAL, this.#host.getAttribute('views'));
    this.#hide = this.#leader.showBeside(this.#root, views);
  }

  /** @param {Partial<Linked>} options */
  start(options) { return this.#leader.start(options); }

  /** @param {Given} given */
  offer(given) { return this.#leader.offer(given); }

  stop() { return this.#leader.stop(); }

  /** Starting by itself is the other one's affair. */
  async startAlone() {}

  /** @param {string} name  of an attribute that says something else now */
  changed(name) {
    if (name === 'views' || name === 'lang') this.#show();
  }

  dispose() { this.#hide(); }
}
