/// <reference path="./css.d.ts" />
// The style sheets of a figure in a shadow root, constructed, so that a policy of style-src 'self' allows
// them. esbuild brings their text in: only builds can import this module.
import demo from './demo.css' with { type: 'text' };
import plot from 'uplot/dist/uPlot.min.css' with { type: 'text' };

/** @type {CSSStyleSheet[] | undefined} */
let sheets;

/** One set for all figures. */
export const styleSheets = () => sheets ??= [plot, demo].map((text) => {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(text);
  return sheet;
});
