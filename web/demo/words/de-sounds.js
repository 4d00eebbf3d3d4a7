// Was die Ansicht der Laute sagt, auf Deutsch.
import { numbersIn } from '../../measure/numbers.js';

/** @import { sounds as english } from './en-sounds.js' */

const { counted, day, measured, megabytes, share: percent, size } = numbersIn('de');

const times = (/** @type {number} */ factor) => `${measured(factor, 0.05)}-mal`;
const plural = (/** @type {number} */ n, /** @type {string} */ one, /** @type {string} */ many) => (
  `${counted(n)} ${n === 1 ? one : many}`);
const often = (/** @type {number} */ n) => (n === 1 ? 'einmal' : `${counted(n)}-mal`);
const million = (/** @type {number} */ macs) => `${measured(macs / 1e6)} Mio.`;
const milliseconds = (/** @type {number} */ ms) => `${measured(ms, 0.05)}\u00a0ms`;
const without = { both: '', self: 'Ohne Cross-Cache', cross: 'Ohne Self-Cache', none: 'Ohne beide' };

/** @type {typeof english} */
export const sounds = {
  title: 'Ein zweiter Cache: von Buchstaben zu Lauten',
  means: 'Dieses Modell besteht aus zwei Stapeln. Der Encoder liest die Buchstaben einmal; der Decoder '
    + 'spricht einen Laut nach dem anderen und schaut für jeden zurück auf die Laute bis dahin und auf alle '
    + 'Buchstaben. Deshalb gibt es zwei Caches.',
  word: 'Ein englisches Wort',
  go: 'Aussprechen',
  stop: 'Anhalten',
  skip: 'Alles zeigen',
  downloads: (bytes) => `lädt ${megabytes(bytes)}`,
  examples: 'Wörter zum Probieren',
  switches: 'Caches',
  cross: 'Cross-Cache',
  self: 'Self-Cache',
  on: 'an',
  off: 'aus',

  recorded: (date, machine) => (
    `Aufgenommen am ${day(date)}: ${machine}. Mit „Aussprechen“ läuft es hier, mit diesem Wort oder einem `
      + 'anderen: Das Modell kommt dann von dieser Website. Es ist klein: Von Wörtern, die es nie gesehen '
      + 'hat, bekommt etwa jedes vierte einen falschen Laut.'),
  loading: (bytes, total) => (
    total > 0 ? `Lädt: ${megabytes(bytes)} von ${megabytes(total)}.` : `Lädt: ${megabytes(bytes)}.`),
  measuring: 'Jeder Laut wird viele Male berechnet, bis die Uhr sagen kann, wie lange einer dauert.',
  slow: (slowness, isReading) => (
    `${isReading ? 'Der Encoder liest die Buchstaben. ' : ''}In Zeitlupe: ${counted(slowness)}-mal `
      + 'langsamer, als dein Rechner es berechnet.'),
  next: 'Schalte jetzt den Cross-Cache aus: dasselbe Wort, aber K und V aller Buchstaben werden für jeden '
    + 'Laut neu berechnet.',
  best: 'Wieder mit beiden Caches. Probiere ein längeres Wort: Je länger es ist, desto mehr ersparen die '
    + 'Caches.',
  payoff: (way, ms, macs) => (
    `${without[way]} brauchen die Laute ${times(macs)} so viele Multiplikationen und ${times(ms)} so `
      + `lange, und `
      + 'es sind dieselben.'),
  differs: 'Die Laute sind nicht dieselben. Bitte melde das.',
  problems: {
    empty: () => 'Tippe zuerst ein Wort.',
    words: () => 'Bitte nur ein Wort auf einmal.',
    long: () => 'Dieses Wort ist zu lang: höchstens 28 Buchstaben.',
    letters: (letter) => `Das Modell kennt a bis z, ' . und -, aber nicht „${letter}“.`,
  },

  start: 'Start',
  end: 'Ende',
  crossLabel: 'Cross-Cache',
  selfLabel: 'Self-Cache',
  steps: 'Laut, dessen Blick gezeigt wird',
  step: (step, steps, sound) => `${counted(step)} von ${counted(steps)}: ${sound}`,
  ms: milliseconds,
  looks: ({ sound, letters, layer, head }) => {
    const read = letters.map(({ letter, share }) => (
      `${letter ? `„${letter}“` : 'das Zeichen für das Ende'} (${percent(share)})`)).join(', ');
    const what = sound ? `Für /${sound}/` : 'Um zu merken, dass das Wort zu Ende ist,';
    return `${what} schaut Kopf ${counted(head)} der Schicht ${counted(layer)} auf ${
      read || 'keinen Buchstaben besonders'}.`;
  },
  heads: 'Durch einen anderen Kopf schauen',
  headsMean: 'Ein Bild je Kopf: was er für diesen Laut liest, Buchstabe für Buchstabe. Am Anfang steht '
    + 'der Kopf, der am klarsten durch die Buchstaben geht.',
  headGroup: 'Schicht und Kopf',
  layer: (layer) => `Schicht ${counted(layer)}`,
  head: (layer, head) => `Schicht ${counted(layer)}, Kopf ${counted(head)}`,

  crossOn: (letters, bytes, read) => (
    `Cross-Cache: K und V von ${plural(letters, 'Buchstabe', 'Buchstaben')} und dem Ende, ${size(bytes)}. `
      + `Einmal gefüllt${read > 0 ? `, ${often(read)} gelesen` : ''}.`),
  crossOff: (letters, projected) => (
    `Cross-Cache aus: K und V von ${plural(letters, 'Buchstabe', 'Buchstaben')} und dem Ende, `
      + `${projected > 0 ? `${often(projected)} berechnet` : 'noch nicht berechnet'}.`),
  selfOn: (rows, bytes) => (
    rows === 0 ? 'Self-Cache: leer, denn noch ist nichts gesprochen.'
      : `Self-Cache: K und V des Gesprochenen, ${size(bytes)}. ${plural(rows, 'Zeile', 'Zeilen')}, jede `
        + 'einmal berechnet.'),
  selfOff: (rows, steps) => (
    `Self-Cache aus: K und V des Gesprochenen, ${often(rows)} berechnet für ${
      plural(steps, 'Zeile', 'Zeilen')}.`),

  costs: 'Was alle Laute zusammen kosten',
  ways: { both: 'beide Caches', self: 'Cross-Cache aus', cross: 'Self-Cache aus', none: 'beide aus' },
  caches: 'Caches',
  time: 'Zeit',
  macs: 'Multiplikationen',
  factor: (factor) => `×\u00a0${measured(factor, 0.05)}`,
  million,
  reading: (ms, macs, fill) => (
    `Vor dem ersten Laut, einmal: die Buchstaben lesen, ${milliseconds(ms)} und ${million(macs)} `
      + `Multiplikationen; ${million(fill)} davon füllen den Cross-Cache. Die Zeiten sind die der `
      + `schnellsten `
      + 'von drei Messungen.'),
  same: ({ steps, ways, hash }) => (
    `Gleich: In ${plural(steps, 'Schritt', 'Schritten')} und auf ${plural(ways, 'Weg', 'Wegen')} `
      + `unterscheidet sich kein einziges Bit der Ausgabezahlen (letzter Hash ${hash}).`),
  once: 'Lege einen Schalter um, und dasselbe Wort wird noch einmal berechnet: Hier steht dann, ob sich '
    + 'ein Bit geändert hat.',
  different: 'Andere Ausgabezahlen. Bitte melde das.',
  table: {
    caption: 'Jeder Laut, die Buchstaben, von denen er kommt, und was er kostet, wie die Caches jetzt stehen',
    sound: 'Laut',
    letters: 'Buchstaben',
    time: 'Zeit',
    macs: 'Multiplikationen',
    share: (letter, share) => `${letter} ${percent(share)}`,
  },
};
