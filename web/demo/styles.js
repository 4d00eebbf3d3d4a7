/// <reference path="./css.d.ts" />
// The style sheet of figures in shadow roots, constructed, so that a policy of style-src 'self' allows it.
// esbuild brings its text in: only builds can import this module.
import text from './demo.css' with { type: 'text' };

/** @type {CSSStyleSheet | undefined} */
let sheet;

/** One for all figures. */
export function styleSheet() {
  if (sheet) return sheet;
  sheet = new CSSStyleSheet();
  sheet.replaceSync(text);
  return sheet;
}
