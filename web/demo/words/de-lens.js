// Was die Aufmerksamkeitslupe sagt, auf Deutsch.
import { numbersIn } from '../../measure/numbers.js';

/** @import { lens as english } from './en-lens.js' */

const { counted, share: percent } = numbersIn('de');
const exact = new Intl.NumberFormat('de', { minimumFractionDigits: 4, maximumFractionDigits: 4 });

/** @type {typeof english} */
export const lens = {
  title: 'Was ein Token liest',
  means: 'Ein Token vergleicht seine Query mit den Keys im Cache und nimmt von den Values so viel, wie diese '
    + 'Gewichte sagen. Je voller ein Wort, desto mehr wird davon gelesen.',
  heads: 'Schicht und Kopf',
  layer: (layer) => `Schicht ${counted(layer)}`,
  head: (layer, head, share = NaN) => (
    `Schicht ${counted(layer)}, Kopf ${counted(head)}`
      + `${share >= 0 ? `: ${percent(share)} für das erste Token` : ''}`),
  headsMean: 'Ein Bild je Kopf. Von links nach rechts: das erste Token, dann die anderen bis zum neuesten. '
    + 'Am Anfang steht der Kopf, der einem Token weiter hinten am meisten gibt; du kannst jeden wählen.',
  newest: 'Dem neuesten Token folgen',
  tokens: 'Token, das liest',
  token: (position, all, text) => `${counted(position)} von ${counted(all)}: „${text}“`,
  hint: 'Ein Token anklicken, oder mit den Pfeiltasten weitergehen.',
  scale: 'So voll heißt',
  percent,
  alone: ({ text, layer, head }) => (
    `In Schicht ${counted(layer)}, Kopf ${counted(head)} ist „${text}“ das erste Token und liest nur sich `
      + 'selbst: 100\u00a0%.'),
  reads: ({ text, position, reads, seen, layer, head, first, self, other, sum }) => (
    `In Schicht ${counted(layer)}, Kopf ${counted(head)} liest „${text}“ (Token ${counted(position)}) `
      + `${reads < position ? `die neuesten ${counted(reads)} Tokens: Diese Schicht hat ein Fenster. `
        + `„${text}“ selbst bekommt ${percent(self)}` : `${counted(seen)} Tokens. Das erste bekommt `
        + `${percent(first)}, „${text}“ selbst ${percent(self)}`}`
      + `${other ? `, „${other.text}“ (Token ${counted(other.position)}) ${percent(other.share)}` : ''}. `
      + `Alle Gewichte zusammen: ${exact.format(sum)}.`),
  sink: 'Ein solches erstes Token heißt Attention Sink: Die Gewichte müssen zusammen 1 ergeben, und was ein '
    + 'Kopf sonst nicht braucht, landet dort.',
  table: {
    caption: 'Die zehn am stärksten gelesenen Tokens',
    position: 'Position',
    token: 'Token',
    weight: 'Gewicht',
    exact: (weight) => exact.format(weight),
  },
};
