// Was um jede Abbildung steht, auf Deutsch.

import { numbersIn } from '../../measure/numbers.js';

const { counted, size } = numbersIn('de');

/** @import { frame as english } from './en-frame.js' */

/** @type {typeof english} */
export const frame = {
  table: 'Als Tabelle zeigen',
  crossed: (tokens, bytes) => (
    `Dieses Modell liest zuerst eine Quelle. K und V ihrer ${counted(tokens)} Tokens, ${size(bytes)}, werden `
      + 'einmal berechnet und liegen in einem Cross‑Cache, den jeder Schritt liest. Hier geht es um den '
      + 'Text.'),
  slid: (gone, sinks, bytes) => (
    `Der Text geht über seinen Kontext hinaus: ${counted(gone)} Tokens hinter den ersten ${counted(sinks)} `
      + 'haben den Cache verlassen, Seite um Seite, und kein späteres sieht sie. Der Speicher bleibt bei '
      + `${size(bytes)}.`),
  source: (of) => {
    const done = of?.recorded ? 'aufgenommen' : 'gelaufen';
    return `${of ? `Modell ${of.model}, ${done} ${of.day}: ${of.machine}. ` : ''}kvcache-wasm, CC BY 4.0.`;
  },
};
