// Properties that reflect attributes, as the platform's own elements have them.
import { ATTRIBUTES, textOf, valueOf } from './attributes.js';

/** @import { Attribute, Properties, Value } from './attributes.js' */

/** @typedef {new () => HTMLElement & Properties} Reflecting */

/** Node has no elements; a module that defines one can be imported there all the same. */
const Element = globalThis.HTMLElement ?? class {};

/** @param {Attribute} attribute  @returns {PropertyDescriptor & ThisType<HTMLElement>} */
const reflection = (attribute) => ({
  enumerable: true,
  configurable: true,
  get() {
    return valueOf(attribute, this.getAttribute(attribute.name));
  },
  /** @param {Value} value */
  set(value) {
    const text = textOf(attribute, value);
    if (text === null) this.removeAttribute(attribute.name);
    else this.setAttribute(attribute.name, text);
  },
});

/** An element with a property for each attribute of the table. */
export const ReflectingElement = /** @type {Reflecting} */ (class extends Element {
  static {
    for (const attribute of ATTRIBUTES) {
      Object.defineProperty(this.prototype, attribute.property, reflection(attribute));
    }
  }
});

/**
 * What a page set on an element before its class was there lies in the way: it goes through the setters now.
 * @param {HTMLElement} element  @param {readonly string[]} properties
 */
export function upgradeProperties(element, properties) {
  const own = /** @type {Record<string, unknown>} */ (/** @type {unknown} */ (element));
  for (const property of properties) {
    if (!Object.hasOwn(own, property)) continue;
    const value = own[property];
    delete own[property];
    own[property] = value;
  }
}
