// Small helpers for building a view. Text only ever goes in as text.

/**
 * An element with attributes and children: element('button', { type: 'button', part: 'go' }, 'Generate').
 * An attribute that is true is there without a value, one that is false or undefined is not.
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {Record<string, string | number | boolean | undefined>} [attributes]
 * @param {...(Node | string)} children
 * @returns {HTMLElementTagNameMap[T]}
 */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== false) made.setAttribute(name, value === true ? '' : String(value));
  }
  made.append(...children);
  return made;
}

/**
 * @param {Record<string, string | number | boolean | undefined>} attributes
 * @param {...(Node | string)} children
 */
export const button = (attributes, ...children) => (
  element('button', { type: 'button', ...attributes }, ...children));

/** Sets attributes. @param {Element} node  @param {Record<string, string | number>} attributes */
export function set(node, attributes) {
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, String(value));
}

/**
 * A part of a drawing.
 * @param {string} tag
 * @param {Record<string, string | number>} [attributes]
 * @param {...(Node | string)} children
 */
export function svg(tag, attributes = {}, ...children) {
  const made = document.createElementNS('http://www.w3.org/2000/svg', tag);
  set(made, attributes);
  made.append(...children);
  return /** @type {SVGElement} */ (made);
}

/** Muted words beside the main ones. @param {string} words */
export const note = (words) => element('span', { class: 'note' }, words);

/** What each element was told last. @type {WeakMap<HTMLElement, string>} */
const said = new WeakMap();

/**
 * Touches the document only when there is something new to say: a browser's translation of it stays.
 * @param {HTMLElement} node  @param {string} words  @param {string} [title]
 */
export function say(node, words, title) {
  if (said.get(node) !== words) node.textContent = words;
  said.set(node, words);
  if (title !== undefined && node.title !== title) node.title = title;
}

/** Likewise for an attribute. @param {Element} node  @param {string} name  @param {string} value */
export function put(node, name, value) {
  if (node.getAttribute(name) !== value) node.setAttribute(name, value);
}

const TWICE_MS = 500;

/**
 * A button that starts and then stops. The second click of a double click, and a key that is held down, stop
 * nothing.
 * @param {HTMLElement} node  @param {() => boolean} isStarted  as the reader sees it
 * @param {() => void} start  @param {() => void} stop  @param {AbortSignal} signal
 */
export function onStartStop(node, isStarted, start, stop, signal) {
  let last = -Infinity;
  node.addEventListener('click', ({ detail, timeStamp }) => {
    const again = detail > 1 || timeStamp - last < TWICE_MS;
    last = timeStamp;
    if (!isStarted()) start();
    else if (!again) stop();
  }, { signal });
}

let ids = 0;

/** An id of its own in the whole document, however many demos stand in it. @param {string} name */
export const uniqueId = (name) => `kvc-${name}-${++ids}`;
