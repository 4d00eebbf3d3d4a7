// Was die Ansicht sagt, in der man zurück und weiter geht, auf Deutsch.
import { numbersIn } from '../../measure/numbers.js';

/** @import { step as english } from './en-step.js' */

const { counted, megabytes, size, share: percent } = numbersIn('de');
const tokens = (/** @type {number} */ count) => `${counted(count)} Token${count === 1 ? '' : 's'}`;

/** @type {typeof english} */
export const step = {
  title: 'In der Geschichte zurück, und weiter',
  means: 'Zurück zu einem beliebigen Token: Dort wird der Cache abgeschnitten, K und V aller späteren Tokens '
    + 'sind fort. Weiter, und dieselben Worte kommen wieder. Ein anderes Token, und die Geschichte '
    + 'verzweigt sich.',
  empty: (bytes) => (
    `Einmal Schreiben drücken${bytes > 0 ? ` (${megabytes(bytes)})` : ''}; dann geht es hier in der eigenen `
      + 'Geschichte zurück.'),
  busy: 'Gerade läuft etwas anderes. Danach geht es hier in der eigenen Geschichte zurück.',
  group: 'Zurück und weiter',
  pause: 'Pause',
  goOn: 'Weiter',
  back: '−1 Token',
  more: '+1 Token',
  slider: 'Position',
  at: (position, end) => `${counted(position)} von ${tokens(end)}`,
  rows: { text: 'Text', cache: 'Cache' },
  picture: (position, end, held) => (
    `Der Text: ${tokens(position)}${end > position ? ` von den ${counted(end)}, die er hatte` : ''}. `
      + `Der Cache: K und V von ${counted(held)}.`),
  writing: 'Es wird gerade geschrieben. Pause drücken oder den Regler bewegen.',
  holds: (held, bytes) => (
    held > 0 ? `Der Cache hält K und V von ${tokens(held)}, ${size(bytes)}.` : 'Der Cache ist leer.'),
  backTo: (from, to) => `Von Token ${counted(from)} zurück zu ${counted(to)}.`,
  onTo: (from, to) => `Von Token ${counted(from)} vor zu ${counted(to)}, wie schon geschrieben.`,
  recalled: (kept, to) => (
    `Zurück zu Token ${counted(kept)} und vor zu ${counted(to)}, wie schon geschrieben.`),
  forked: (at) => `Bei Token ${counted(at)} verzweigt sich die Geschichte.`,
  dropped: (count, bytes) => (
    count > 0 ? `Der Cache hat K und V von ${tokens(count)} verworfen, ${size(bytes)}.`
      : 'Im Cache war nichts zu verwerfen.'),
  paused: (position) => `Pause bei Token ${counted(position)}.`,
  same: 'Dasselbe',
  different: 'Nicht dasselbe',
  again: (count) => ` wie zuvor: ${tokens(count)} ${count === 1 ? 'kam' : 'kamen'} wieder.`,
  equal: (count) => (
    ` wie zuvor: ${count > 0 ? `${tokens(count)} ${count === 1 ? 'kam' : 'kamen'} wieder, und ` : ''}die `
      + 'Zahlen des Modells am Ende sind bis aufs letzte Bit gleich, Hash '),
  parted: (at) => ` wie zuvor, ab Token ${counted(at)}. Das darf nicht sein: bitte melden.`,
  unequal: ' wie zuvor: Die Zahlen des Modells am Ende unterscheiden sich. Das darf nicht sein: bitte '
    + 'melden.',
  candidates: (position) => `Was Token ${counted(position)} sein kann`,
  inDraw: (count) => (
    `Wahrscheinlichkeiten bei der Ziehung aus ${tokens(count)}. Eins davon wählen.`),
  pauseFirst: 'Pause zeigt die wahrscheinlichsten Tokens; eins davon lässt sich wählen.',
  unavailable: 'In der Engine steht gerade ein anderer Text. Ein Token zurück, und sie sind hier.',
  chosen: 'in der Geschichte',
  other: (text) => `In der Geschichte steht hier ${text}.`,
  quoted: (text) => `„${text}“`,
  percent: (share) => (share > 0 ? percent(share) : 'ausgeschlossen'),
  stories: 'Geschichten',
  story: (number) => `Geschichte ${counted(number)}`,
  first: (count) => tokens(count),
  fork: (story, position, count) => (
    `aus Geschichte ${counted(story)} bei Token ${counted(position)}, ${tokens(count)}`),
};
