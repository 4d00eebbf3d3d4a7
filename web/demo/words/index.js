// The languages that the demo speaks, and which one is spoken where.
import { de } from './de.js';
import { en } from './en.js';

/** @import { Dictionary } from './en.js' */

/** By the first part of a language tag. @type {Readonly<Record<string, Dictionary>>} */
export const DICTIONARIES = { en, de };

/**
 * The words for a language tag; English where the language is not known. What is no tag at all, like "C" or
 * "de_DE@euro", comes from real browsers too.
 * @param {string} tag
 */
export function wordsFor(tag) {
  const language = tag.toLowerCase().split(/[^a-z]/, 1)[0];
  return Object.hasOwn(DICTIONARIES, language) ? DICTIONARIES[language] : en;
}

/**
 * The language of the place where a node stands: that of the nearest element with a `lang`, from a shadow
 * root on to its host; else the document's, else the reader's.
 * @param {Node} node
 */
export function languageAt(node) {
  for (let at = /** @type {Node | null} */ (node); at; at = parentOf(at)) {
    const language = at instanceof Element && at.getAttribute('lang');
    if (language) return language;
  }
  return document.documentElement.lang || navigator.language;
}

/** @param {Node} node */
const parentOf = (node) => (node instanceof ShadowRoot ? node.host : node.parentNode);
