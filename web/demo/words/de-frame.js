// Was um jede Abbildung steht, auf Deutsch.

/** @import { frame as english } from './en-frame.js' */

/** @type {typeof english} */
export const frame = {
  table: 'Als Tabelle zeigen',
  source: (of) => {
    const done = of?.recorded ? 'aufgenommen' : 'gelaufen';
    return `${of ? `Modell ${of.model}, ${done} ${of.day}: ${of.machine}. ` : ''}kvcache-wasm, CC BY 4.0.`;
  },
};
