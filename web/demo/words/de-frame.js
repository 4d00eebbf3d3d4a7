// Was um jede Abbildung steht, auf Deutsch.

/** @import { frame as english } from './en-frame.js' */

/** @type {typeof english} */
export const frame = {
  table: 'Als Tabelle zeigen',
  copy: { link: 'Link zu diesem Stand kopieren', tag: 'Abbildung als Tag kopieren' },
  copied: {
    link: 'Der Link ist in der Zwischenablage.',
    tag: 'Das Tag ist in der Zwischenablage und kann in eine Seite eingefügt werden.',
  },
  field: 'Zum Kopieren von Hand',
  noCopy: 'Dieser Browser lässt die Seite nicht kopieren. Es steht unten, schon markiert: von Hand kopieren.',
  download: (kind) => `Als ${kind} herunterladen`,
  saved: (file) => `Gespeichert als ${file}.`,
  noPng: 'Diese Seite erlaubt kein PNG; ein SVG geht.',
  source: (of) => {
    const done = of?.recorded ? 'aufgenommen' : 'gelaufen';
    return `${of ? `Modell ${of.model}, ${done} ${of.day}: ${of.machine}. ` : ''}kvcache-wasm, CC BY 4.0.`;
  },
};
