// Was die Streifen sagen, auf Deutsch.
import { numbersIn } from '../../measure/numbers.js';

/** @import { StepFacts, strips as english } from './en-strips.js' */

const { counted, share: percent } = numbersIn('de');

const metOf = (/** @type {StepFacts} */ { rows, met, sinks }) => {
  if (met >= rows) return 'jeder Zeile von K';
  if (sinks === 0) return `den neuesten ${counted(met)} Zeilen von K (diese Schicht hat ein Fenster)`;
  return `den ersten ${counted(sinks)} und den neuesten ${counted(met - sinks)} Zeilen von K (der Text ist `
    + 'über seinen Kontext hinausgegangen)';
};
const used = (/** @type {StepFacts} */ facts) => (
  `Sein Q ist ${metOf(facts)} einmal begegnet und wird nicht mehr gebraucht: Das nächste Token bringt ein `
    + 'eigenes mit.');

/** @type {typeof english} */
export const strips = {
  title: 'Q, K und V, Zeile für Zeile',
  means: 'Ein Schritt berechnet für sein neues Token je eine Zeile. K und V bleiben untereinander stehen, '
    + 'für alle Schritte, die noch kommen; Q dient nur dem eigenen Schritt.',
  layer: 'Schicht',
  head: 'Kopf',
  rows: 'Zeile',
  row: (row, all, text) => `${counted(row)} von ${counted(all)}: „${text}“`,
  query: (step, sourced) => {
    if (step > 0 || sourced) return `Q von Schritt ${counted(step)}, einmal benutzt`;
    return 'Q des letzten Tokens im Prompt';
  },
  compared: '↓ Q begegnet K, Zeile für Zeile',
  keys: (rows, width) => `K: ${counted(rows)} × ${counted(width)}`,
  values: (rows, width) => `V: ${counted(rows)} × ${counted(width)}`,
  weights: 'Gewichte',
  untouched: (step) => `in Schritt ${counted(step)} unberührt`,
  rowOf: (row, text) => `Zeile ${counted(row)}, „${text}“`,
  isNew: (step) => `neu in Schritt ${counted(step)}`,
  again: (step) => `in Schritt ${counted(step)} noch einmal berechnet`,
  since: (step, sourced) => (
    step === 0 && !sourced ? 'unberührt, seit der Prompt gelesen ist'
      : `unberührt seit Schritt ${counted(step)}`),
  before: 'unberührt seit der Zeit vor diesem Lauf',
  gone: 'weg: Kein späteres Token sieht es',
  weight: percent,
  prompt: ({ rows }) => (
    `Beim Lesen des Prompts wurden ${counted(rows)} Zeilen von Q, K und V auf einmal berechnet. K und V `
      + 'bleiben.'),
  source: (source, kept, { rows }) => (
    `${kept ? 'Der Encoder kennt diese Quelle schon' : 'Der Encoder hat die Quelle gelesen, einmal'}: `
      + `${counted(source)} Tokens. Schritt 0 hat ${counted(rows)} ${rows === 1 ? 'Zeile' : 'Zeilen'} von Q, `
      + 'K und V berechnet, womit der Text beginnt. K und V bleiben.'),
  on: (facts) => (
    `Schritt ${counted(facts.step)}, mit Cache: eine neue Zeile von K und V. Die ${counted(facts.rows - 1)} `
      + `Zeilen darüber bleiben, wie sie sind. ${used(facts)}`),
  off: (facts) => (
    `Schritt ${counted(facts.step)}, ohne Cache: Alle ${counted(facts.rows)} Zeilen von K und V werden noch `
      + `einmal berechnet, mit denselben Zahlen wie zuvor, und weggeworfen. ${used(facts)}`),
  hint: 'Nach oben positiv, nach unten negativ. Eine Zeile anklicken, oder mit den Pfeiltasten '
    + 'weitergehen.',
  table: {
    caption: 'Die neuesten Zeilen',
    row: 'Zeile',
    token: 'Token',
    state: 'K und V',
    weight: 'Gewicht',
  },
};
