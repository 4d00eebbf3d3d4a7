// Was der Text als Cache sagt, auf Deutsch.
import { numbersIn } from '../../measure/numbers.js';

/** @import { text as english } from './en-text.js' */

const { counted, measured, size } = numbersIn('de');
const tokens = (/** @type {number} */ count) => `${counted(count)} Token${count === 1 ? '' : 's'}`;
const times = (/** @type {number} */ count) => (
  count === 0 ? 'nie' : count === 1 ? 'einmal' : `${counted(count)}-mal`);

/** @type {typeof english} */
export const text = {
  title: 'Der Text ist der Cache',
  means: 'Jedes Token hat in jeder Schicht einen Key und einen Value, K und V. Die Linie darunter sagt, was '
    + 'der neueste Schritt damit gemacht hat.',
  empty: 'Ein Lauf markiert hier seine Tokens.',
  group: 'Text, Token für Token',
  point: 'Auf ein Token zeigen, oder mit Tab und den Pfeiltasten hingehen.',
  deeds: {
    new: 'neu: gerade berechnet',
    read: 'aus dem Cache gelesen',
    kept: 'gelesen, aus einem früheren Lauf',
    again: 'noch einmal berechnet',
    past: 'nicht mehr gelesen: Kein späteres Token sieht es',
  },
  prompt: ({ new: fresh, kept, past }) => (
    `Beim Lesen des Prompts wurden K und V von ${tokens(fresh)} berechnet.`
      + `${kept + past > 0 ? ` Die von ${counted(kept + past)} waren noch da.` : ''}`),
  source: (source, kept, { total }) => (
    `${kept ? 'Der Encoder kennt diese Quelle schon' : 'Der Encoder hat die Quelle gelesen, einmal'}: `
      + `${tokens(source)}. Der Text beginnt mit ${tokens(total)}.`),
  on: (step, { total, again, past }) => (
    `Schritt ${counted(step)} hat K und V eines Tokens berechnet und die von `
      + `${counted(total - 1 - again - past)} gelesen.`
      + `${again > 0 ? ` Vorher holte der Cache die ${counted(again)} nach, die ihm fehlten.` : ''}`),
  windows: (layers, seen) => (
    `In ${counted(layers)} ${layers === 1 ? 'Schicht' : 'Schichten'} mit Fenster sah er nur die neuesten `
      + `${tokens(seen)}.`),
  off: (step, { total }) => (
    `Schritt ${counted(step)} hat K und V von allen ${tokens(total)} berechnet und weggeworfen.`),
  holds: (held, bytes, idle) => {
    if (held === 0) return 'Der Cache ist leer.';
    return `Im Cache: ${tokens(held)}, ${size(bytes)}${idle ? ', die niemand liest' : ''}.`;
  },
  raced: '(vom Wettlauf der Text mit Cache)',

  token: {
    group: 'Ein Token',
    at: (position, total, id = NaN) => (
      `Position ${counted(position)} von ${counted(total)}${id >= 0 ? `, Nummer ${id}` : ''}`),
    blank: '(Teil eines Zeichens)',
    deeds: {
      new: 'Neu: Der neueste Schritt hat K und V dieses Tokens berechnet.',
      read: 'Der neueste Schritt hat K und V dieses Tokens aus dem Cache gelesen.',
      kept: 'Der neueste Schritt hat K und V dieses Tokens gelesen, aus einem früheren Lauf.',
      again: 'Der neueste Schritt hat K und V dieses Tokens noch einmal berechnet.',
      past: 'Der neueste Schritt hat K und V dieses Tokens nicht gelesen, und kein späterer wird es.',
    },
    tale: (computed, read) => (
      `In diesem Lauf: ${times(computed)} berechnet, ${times(read)} aus dem Cache gelesen.`),
    bytes: ({ layers, heads, numbers, each, scale, bytes }) => {
      const plain = `${counted(numbers)} Zahlen × ${counted(each)} Byte`;
      const vector = scale > 0 ? `(${plain} + ${counted(scale)} Byte)` : plain;
      return `2 (K und V) × ${counted(layers)} Schichten × ${counted(heads)} `
        + `${heads === 1 ? 'Kopf' : 'Köpfe'} × ${vector} = `
        + `${counted(bytes)} Byte je Token.`;
    },
    layer: 'Schicht',
    head: 'Kopf',
    vector: (name, count, least, most) => (
      `${name}: ${counted(count)} Zahlen von ${measured(least)} bis ${measured(most)}`),
    none: {
      running: 'Die Zahlen stehen hier, wenn der Lauf zu Ende ist oder auf ein Token gezeigt wird.',
      unkept: 'K und V stehen nicht im Cache: Ist er aus, werden sie weggeworfen. Einschalten, um '
        + 'sie zu sehen.',
      freed: 'K und V sind nicht mehr im Cache dieser Schicht: Kein späteres Token sieht sie.',
      recorded: (bytes) => (
        'Die Zahlen selbst wurden nicht aufgezeichnet: einmal „Schreiben“ drücken, um sie zu sehen'
          + `${bytes > 0 ? ` (${size(bytes)})` : ''}.`),
      away: 'Die Engine hat jetzt einen anderen Text: „Schreiben“ drücken, um in diesen zu sehen.',
    },
    caption: 'K und V dieses Tokens',
    number: 'Zahl',
  },
};
