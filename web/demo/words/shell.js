// What the element says before any dictionary has been fetched.

/** By the first part of a language tag. @type {Readonly<Record<string, (why: string) => string>>} */
const NOT_STARTED = {
  en: (why) => 'The live figure could not start here. Load the page again, or try a current browser. '
    + `(${why})`,
  de: (why) => 'Die lebendige Abbildung konnte hier nicht starten. Die Seite neu laden oder einen aktuellen '
    + `Browser verwenden. (${why})`,
};

/** @param {string} language  @param {string} why */
export const notStarted = (language, why) => (
  (NOT_STARTED[language.toLowerCase().slice(0, 2)] ?? NOT_STARTED.en)(why));

/** @param {Element} element */
export const languageOf = (element) => (
  element.closest('[lang]')?.getAttribute('lang') || document.documentElement.lang || navigator.language);
