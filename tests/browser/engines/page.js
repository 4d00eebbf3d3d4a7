// A page, driven in the same words in every engine. The engines differ in a driver of seven functions:
//   goto(url)              resolves when the document has loaded
//   run(expression)        evaluates an expression that gives a promise of a string, and resolves with that
//   clickAt(x, y)          a real click there, in CSS pixels of the viewport
//   press(key)             a real key, by its name in KeyboardEvent.key
//   screenshot(path)       a PNG of the viewport
//   complaints()           what the engine has complained of so far, a list of sentences
//   close()
import { setTimeout as sleep } from 'node:timers/promises';

const PATIENCE_MS = 30_000;
const CLICK_MS = 15_000; // until a page has heard of a click
const POLL_MS = 20;

// ---- in the page: functions given to evaluate() and waitFor() can call find and findAll ------

/** Like querySelectorAll, and into open shadow roots. */
function findAll(selector, root = document) {
  return [...root.querySelectorAll('*')].flatMap((element) => [
    ...(element.matches(selector) ? [element] : []),
    ...(element.shadowRoot ? findAll(selector, element.shadowRoot) : []),
  ]);
}

/** The first of them, which has to be there. */
function find(selector) {
  const [element] = findAll(selector);
  if (!element) throw new Error(`there is no ${selector}`);
  return element;
}

/** Where to click it, or undefined while nobody could. */
function target(selector) {
  const [element] = findAll(selector);
  if (!element || element.disabled) return undefined;
  const inside = () => {
    const { left, top, width, height } = element.getBoundingClientRect();
    return { x: Math.floor(left + width / 2), y: Math.floor(top + height / 2), size: width * height };
  };
  if (inside().y < 0 || inside().y >= innerHeight)
    element.scrollIntoView({ block: 'center', behavior: 'instant' });
  const { x, y, size } = inside();
  if (size === 0) return undefined;
  let hit = document.elementFromPoint(x, y);
  while (hit?.shadowRoot?.elementFromPoint(x, y) && hit.shadowRoot.elementFromPoint(x, y) !== hit) {
    hit = hit.shadowRoot.elementFromPoint(x, y);
  }
  return element.contains(hit) ? [x, y] : undefined;
}

function setValue(selector, text) {
  const field = find(selector);
  field.focus();
  field.value = text;
  for (const type of ['input', 'change'])
    field.dispatchEvent(new Event(type, { bubbles: true, composed: true }));
}

/** From now on, whether the element was clicked is known; a page that a click has left knows nothing. */
function listenForClick(selector) {
  globalThis.clicked = 'not yet';
  const element = find(selector);
  const note = (event) => {
    globalThis.clicked = event.composedPath().includes(element) ? 'there' : 'elsewhere';
  };
  addEventListener('click', note, { once: true, capture: true });
}

/** Resolves once the page as it is now has been drawn, or is not drawn at all. */
export function drawn() {
  return new Promise((resolve) => {
    requestAnimationFrame(() => requestAnimationFrame(() => resolve(true)));
    setTimeout(resolve, 1000, true);
  });
}

/** Text of `fn(...args)`, called in the page, as JSON. */
const call = (fn, args) => `(async () => {
  const findAll = ${findAll};
  const find = ${find};
  return JSON.stringify(await (${fn})(...${JSON.stringify(args)}));
})()`;

export class Page {
  #driver;

  constructor(driver) {
    this.#driver = driver;
  }

  goto(url) {
    return this.#driver.goto(url);
  }

  /** Calls a function in the page. It sees nothing of here: arguments and result travel as JSON. */
  async evaluate(fn, ...args) {
    const text = await this.#driver.run(call(fn, args));
    return text === undefined || text === null ? undefined : JSON.parse(text);
  }

  /** Calls a function in the page until it gives something truthy, and resolves with that. */
  async waitFor(fn, args = [], timeout = PATIENCE_MS) {
    for (const end = Date.now() + timeout; Date.now() < end; await sleep(POLL_MS)) {
      const found = await this.evaluate(fn, ...args);
      if (found) return found;
    }
    throw new Error(`waited ${timeout} ms in vain for ${fn} with ${JSON.stringify(args)}`);
  }

  /**
   * Waits until the element can be clicked and has stopped moving, clicks it, and waits until the page has
   * heard of that: when a driver says that it is done, engines differ. A busy Firefox has been seen to lose
   * a click, and to give one to what stood there before.
   */
  async click(selector, timeout = PATIENCE_MS) {
    const clicked = () => globalThis.clicked !== 'not yet' && (globalThis.clicked ?? 'there');
    const heard = () => this.waitFor(clicked, [], Math.min(timeout, CLICK_MS));
    await this.#clickAt(selector, timeout);
    if (await heard().catch(() => 'nowhere') === 'there') return;
    await this.#clickAt(selector, timeout);
    if (await heard() !== 'there') throw new Error(`two clicks on ${selector} hit something else`);
  }

  async #clickAt(selector, timeout) {
    const seen = () => this.#target(selector, timeout);
    let [at, before] = [await seen(), undefined];
    while (String(at) !== String(before)) {
      await sleep(POLL_MS);
      [at, before] = [await seen(), at];
    }
    await this.evaluate(drawn); // Firefox finds what a click is on in what it has drawn
    await this.evaluate(listenForClick, selector);
    await this.#driver.clickAt(...at);
  }

  #target(selector, timeout) {
    return this.waitFor(target, [selector], timeout).catch((cause) => {
      throw new Error(`${selector} cannot be clicked: absent, disabled, without a size or covered`, {
        cause,
      });
    });
  }

  /** Sets the value of a field or of a list of choices. */
  fill(selector, text) {
    return this.evaluate(setValue, selector, text);
  }

  press(key) {
    return this.#driver.press(key);
  }

  text(selector) {
    return this.evaluate((wanted) => find(wanted).textContent, selector);
  }

  attribute(selector, name) {
    return this.evaluate((wanted, attribute) => find(wanted).getAttribute(attribute), selector, name);
  }

  isVisible(selector) {
    return this.evaluate((wanted) => find(wanted).checkVisibility({ visibilityProperty: true }), selector);
  }

  screenshot(path) {
    return this.#driver.screenshot(path);
  }

  complaints() {
    return this.#driver.complaints();
  }

  close() {
    return this.#driver.close();
  }
}
