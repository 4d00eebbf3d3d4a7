// Was das Arbeitsdreieck sagt, auf Deutsch.
import { numbersIn } from '../../measure/numbers.js';

/** @import { work as english } from './en-work.js' */

const { counted, measured } = numbersIn('de');
const WITH = { on: 'mit Cache', off: 'ohne Cache' };
const tokens = (/** @type {number} */ count) => `${counted(count)} Token${count === 1 ? '' : 's'}`;

/** @type {typeof english} */
export const work = {
  title: 'Arbeit, Schritt für Schritt',
  means: 'Jede Zeile ist ein Schritt, jede Spalte ein Token des Textes. Eine Zelle: K und V dieses Tokens '
    + 'wurden in diesem Schritt berechnet.',
  empty: 'Ein Lauf zeichnet hier seine Schritte.',
  axis: 'Position im Text',
  run: (cells) => `${counted(cells)} berechnet`,
  wouldBe: (cells) => `${counted(cells)} wären es (gezählt)`,
  prompt: (count) => `Beim Lesen des Prompts wurden K und V von ${tokens(count)} berechnet.`,
  source: (source, kept, count) => (
    `${kept ? 'Der Encoder kennt diese Quelle schon' : 'Der Encoder hat die Quelle gelesen, einmal'}: `
      + `${tokens(source)}. Schritt 0 hat K und V von ${tokens(count)} berechnet, womit der Text beginnt.`),
  step: (mode, step, count) => `Schritt ${counted(step)}, ${WITH[mode]}: K und V von ${tokens(count)}.`,
  off: (cells, other) => (
    `In allen Schritten ${counted(cells)} Zellen; mit Cache wären es ${counted(other)}, `
      + `${measured(cells / other)}-mal weniger.`),
  on: (cells, other) => (
    `In allen Schritten ${counted(cells)} Zellen; ohne Cache wären es ${counted(other)}, `
      + `${measured(other / cells)}-mal so viele.`),
  both: (cells, on, off) => (
    `In allen Schritten ${counted(cells)} Zellen; durchgehend mit Cache wären es ${counted(on)}, ohne ihn `
      + `${counted(off)}.`),
  race: (on, off) => `Beides wurde berechnet: ${counted(on)} Zellen mit Cache, ${counted(off)} ohne.`,
  table: {
    caption: 'Tokens, deren K und V berechnet wurden, nach Schritt',
    step: 'Schritt',
    way: 'Cache',
    computed: 'Berechnet',
    from: 'Positionen',
    positions: (first, last) => (
      first === last ? counted(first) : `${counted(first)} bis ${counted(last)}`),
  },
};
