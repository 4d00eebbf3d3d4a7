// The languages that the demo speaks.
import { de } from './de.js';
import { en } from './en.js';
import { languageIn } from './language.js';

/** @import { Dictionary } from './en.js' */

/** By the first part of a language tag. @type {Readonly<Record<string, Dictionary>>} */
export const DICTIONARIES = { en, de };

/** The words for a language tag; English where the language is not known. @param {string} tag */
export function wordsFor(tag) {
  const language = languageIn(tag);
  return Object.hasOwn(DICTIONARIES, language) ? DICTIONARIES[language] : en;
}
