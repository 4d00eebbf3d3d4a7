// Which language is spoken where.

/**
 * The first part of a language tag, and of what is no tag at all: some browsers say "C" or "de_DE@euro".
 * @param {string} tag
 */
export const languageIn = (tag) => tag.toLowerCase().split(/[^a-z]/, 1)[0];

/**
 * The language tag of the place where a node stands: that of the nearest element with a `lang`, from a shadow
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

/**
 * Tells whenever the document changes its language.
 * @param {() => void} changed  @param {AbortSignal} signal  ends it
 */
export function onLanguageChange(changed, signal) {
  const observer = new MutationObserver(changed);
  observer.observe(document.documentElement, { attributeFilter: ['lang'] });
  signal.addEventListener('abort', () => observer.disconnect());
}
