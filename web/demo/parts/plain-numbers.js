// uPlot makes a number format of the reader's language the moment it is imported, and a language that is no
// language tag ("C", "en-US@posix") throws there, before anything of the page has run. The demo formats its
// own numbers, so while uPlot is evaluated every number format is the English one: plot.js imports this
// module before uPlot, and calls release() after it.
const { NumberFormat } = Intl;

Intl.NumberFormat = /** @type {typeof NumberFormat} */ (
  /** @type {unknown} */ (function EnglishNumberFormat() { return new NumberFormat('en'); }));

/** Puts back what the browser has. */
export function release() {
  Intl.NumberFormat = NumberFormat;
}
