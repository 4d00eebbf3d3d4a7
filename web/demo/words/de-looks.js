// Warum in einem Lauf nichts zu sehen ist, auf Deutsch.
import { numbersIn } from '../../measure/numbers.js';

/** @import { looks as english } from './en-looks.js' */

const { megabytes } = numbersIn('de');

/** @type {typeof english} */
export const looks = {
  recorded: (bytes) => (
    'In der Aufnahme steht das nicht. Einmal „Schreiben“ drücken'
      + `${bytes > 0 ? ` (${megabytes(bytes)})` : ''}, `
      + 'dann wird es in der Engine nachgesehen.'),
  empty: 'Sobald eine Geschichte entsteht, ist hier ihr Inneres zu sehen.',
  racing: 'Während eines Wettlaufs sieht niemand nach: Das würde Zeit kosten.',
  apart: 'Die Engine hat gerade etwas anderes zu tun. Danach ist hier wieder zu sehen, was innen geschieht.',
  gone: 'Inzwischen hat eine andere Abbildung geschrieben: „Schreiben“ drücken, um wieder nachzusehen.',
};
