// What the element says before any dictionary has been fetched.
import { languageIn } from './language.js';

/** @type {Readonly<Record<string, string>>} */
const NOT_STARTED = {
  en: 'The live figure could not start here. Load the page again, or try a current browser.',
  de: 'Die lebendige Abbildung konnte hier nicht starten. Die Seite neu laden oder einen aktuellen Browser '
    + 'verwenden.',
};

/** The language to speak, and the sentence. @param {string} tag  of the language wanted */
export function notStarted(tag) {
  const lang = Object.hasOwn(NOT_STARTED, languageIn(tag)) ? languageIn(tag) : 'en';
  return { lang, words: NOT_STARTED[lang] };
}
