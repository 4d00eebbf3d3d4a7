// What stands around every figure, in English.

/** @import { Source } from '../caption.js' */

export const frame = {
  table: 'Show as a table',
  copy: { link: 'Copy link to this state', tag: 'Copy this figure as a tag' },
  copied: {
    link: 'The link is on your clipboard.',
    tag: 'The tag is on your clipboard: paste it into a page.',
  },
  field: 'To copy by hand',
  noCopy: 'This browser does not let the page copy. It stands below, selected: copy it by hand.',
  download: (/** @type {'SVG' | 'PNG'} */ kind) => `Download as ${kind}`,
  saved: (/** @type {string} */ file) => `Saved as ${file}.`,
  noPng: 'This page allows no PNG; an SVG can be had.',
  /** Below a picture; day: in words. */
  source: (/** @type {Source | undefined} */ of) => {
    const done = of?.recorded ? 'recorded' : 'run';
    return `${of ? `Model ${of.model}, ${done} ${of.day}: ${of.machine}. ` : ''}kvcache-wasm, CC BY 4.0.`;
  },
};
