// Was der Rechner für die Größe des Caches sagt, auf Deutsch.
import { numbersIn } from '../../measure/numbers.js';

/** @import { calculator as english } from './en-calculator.js' */

const { counted, measured, size } = numbersIn('de');
const layersOf = (/** @type {number} */ count) => `${counted(count)} Schicht${count === 1 ? '' : 'en'}`;
const tokensOf = (/** @type {number} */ count) => `${counted(count)} Token${count === 1 ? '' : 's'}`;
const headsOf = (/** @type {number} */ count) => `${counted(count)} ${count === 1 ? 'Kopf' : 'Köpfe'}`;

/** @type {typeof english} */
export const calculator = {
  title: 'Wie groß wird ein KV-Cache?',
  lead: 'Jedes Token hinterlässt in jeder Schicht einen Key und einen Value für jeden K/V-Kopf. Alles hier '
    + 'ist aus den Maßen der Modelle berechnet, nichts gemessen.',
  fields: {
    tokens: 'Tokens in einem Text',
    texts: 'Texte zugleich (Batch)',
    type: 'Zahlen gespeichert als',
    shared: 'Geteilte Köpfe (GQA), wo das Modell sie hat',
    windowed: 'Gleitendes Fenster, wo das Modell eines hat',
  },
  type: (type, { each, scale, block }) => {
    const shared = block === Infinity ? 'eine Skala' : `eine Skala je ${counted(block)}`;
    return `${type}, ${counted(each)} Byte${scale > 0 ? ` und ${shared}` : ''}`;
  },
  caption: 'Größe des KV-Caches nach Modell',
  model: 'Modell',
  perToken: 'Ein Token mehr',
  whole: 'Ganzer Cache',
  own: 'Das Modell dieser Seite',
  atMost: (tokens) => `fasst höchstens ${counted(tokens)} Tokens`,
  formula: ({ parts, heads, numbers, each, scale, texts, bytes }) => {
    const slots = parts.map(({ layers, tokens }) => `${layersOf(layers)} × ${tokensOf(tokens)}`);
    const inside = slots.length > 1 ? `(${slots.join(' + ')})` : slots[0];
    const plain = `${counted(numbers)} Zahlen × ${counted(each)} Byte`;
    const vector = scale > 0 ? `(${plain} + ${counted(scale)} Byte)` : plain;
    return `2 (K und V) × ${inside} × ${headsOf(heads)} × ${vector} × ${counted(texts)} `
      + `Text${texts === 1 ? '' : 'e'} = ${counted(bytes)} Byte = ${size(bytes)}`;
  },
  unshared: (heads, kept) => (
    `Die ${counted(heads)} Köpfe der Queries teilen sich ${headsOf(kept)} für K und V: Sonst wäre der Cache `
      + `${counted(heads / kept)}-mal so groß.`),
  separate: 'Jeder Kopf hat seine eigenen Keys und Values (MHA).',
  window: (layers, tokens) => (
    `In ${layersOf(layers)} sieht ein Token nur die neuesten ${tokensOf(tokens)}: Ältere müssen dort nicht `
      + 'aufgehoben werden. (Diese Engine hat Platz für zwei Fenster und etwas mehr, in Seiten zu 16.)'),
  cross: (bytes) => (
    `K und V der Quelle, die das Modell ebenfalls behält, sind hier nicht mitgezählt: ${size(bytes)} je `
      + 'Token der Quelle.'),

  byType: (model) => `${model}: derselbe Cache in jedem Typ`,
  stored: 'Gespeichert als',
  ofFirst: 'Anteil',
  percent: (share) => `${measured(100 * share)} %`,
  cost: 'Was das Runden an Tempo und an Wörtern kostet, ist nicht berechnet: Die Messung misst es.',

  claims: {
    title: 'Zahlen, die von Seite zu Seite abgeschrieben werden',
    right: 'Richtig',
    gpt2: {
      of: 'GPT-2, 1.024 Tokens, 4 Byte je Zahl',
      why: 'Der Faktor 2 fehlt: Es gibt Keys und Values.',
    },
    gpt3: {
      of: 'GPT-3, 2.048 Tokens, 4 Byte je Zahl',
      why: 'Ein Viertel davon: Auch bei 2 Byte je Zahl ist es die Hälfte. 4,7 MB braucht dann ein einziges '
        + 'Token.',
    },
    share: {
      of: 'der Cache neben den Gewichten',
      why: 'So viel ist es bei GPT-2 mit vollem Kontext. Es wächst mit jedem Token und jedem Text; eine '
        + 'feste Zahl dafür gibt es nicht.',
    },
    width: {
      of: 'Llama 3.1 70B, 128K Tokens, 2 Byte je Zahl',
      why: 'Die Formel mit der Breite des Modells zählt 64 Köpfe; nur 8 haben Keys und Values.',
    },
    layers: {
      of: 'Llama 2 70B mit GQA, ein Token',
      why: 'So viel brauchen 16 Schichten; das Modell hat 80.',
    },
    redundant: {
      of: '100 Tokens ohne Cache',
      why: '5.050 ist die Summe von 1 bis 100; 100 davon müssen auch mit Cache berechnet werden.',
    },
  },
};
