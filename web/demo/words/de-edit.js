// Was die Ansicht eines geänderten Prompts sagt, auf Deutsch.
import { numbersIn } from '../../measure/numbers.js';

/** @import { edit as english, Measured } from './en-edit.js' */

const { counted, measured, megabytes } = numbersIn('de');
const tokens = (/** @type {number} */ count) => `${counted(count)} Token${count === 1 ? '' : 's'}`;
const ms = (/** @type {Measured} */ time) => `${measured(time.ms, time.error)} ms`;

/** @type {typeof english} */
export const edit = {
  title: 'Den Prompt ändern',
  means: 'Ein Cache kann seinen Prompt überdauern. Wird der Prompt geändert, erspart er immer noch die '
    + 'Tokens vor der ersten Änderung; alles danach wird neu berechnet.',
  before: 'Prompt vorher',
  after: 'Prompt nachher',
  changes: {
    group: 'Änderungen zum Ausprobieren',
    first: 'Das erste Wort ändern',
    middle: 'Eines in der Mitte ändern',
    last: 'Eines am Ende ändern',
  },
  run: 'Noch einmal lesen',
  stop: 'Anhalten',
  loads: (bytes) => `Zuerst wird einmal das Modell geladen: ${megabytes(bytes)}.`,
  encoder: 'Das gewählte Modell liest eine Quelle mit einem Encoder, und alles neu, wenn sich ein Wort '
    + 'ändert: Ein Cache erspart davon nichts.',
  reading: 'Beide Prompts werden gelesen und beantwortet.',
  stopped: 'Angehalten.',
  empty: 'Eine Änderung auswählen oder selbst eine schreiben: Hier erscheinen die Tokens beider Prompts, als '
    + 'wiederverwendet oder neu berechnet gekennzeichnet.',
  legend: {
    rows: 'Obere Zeile: vorher. Untere Zeile: nachher,',
    reused: 'wiederverwendet', computed: 'neu berechnet',
  },
  some: (reused, all, rest, whole) => (
    `${counted(reused)} von ${tokens(all)} wiederverwendet, ${counted(all - reused)} neu berechnet. `
      + `Gemessen: ${ms(rest)}, und ${ms(whole)}, um alle zu berechnen`
      + `${rest.ms < whole.ms ? `; ${measured(100 * (1 - rest.ms / whole.ms), 0.05)} % gespart` : ''}.`),
  none: (all, rest, whole) => (
    `Nichts wiederverwendet: Schon das erste Token ist ein anderes. Alle ${tokens(all)} wurden neu `
      + `berechnet. Gemessen: ${ms(rest)}, und ${ms(whole)} bei leerem Cache.`),
  table: {
    caption: 'Die Tokens beider Prompts, nach Position',
    position: 'Position', before: 'Vorher', after: 'Nachher', how: 'K und V',
    reused: 'wiederverwendet', computed: 'neu berechnet', ended: '–',
  },

  provider: {
    title: 'Was ist ein „cached token“?',
    some: (reused) => (
      `${reused === 1 ? 'Das eine wiederverwendete Token ist'
        : `Die ${counted(reused)} wiederverwendeten Tokens sind`} das, was ein Anbieter als „cached“ `
        + 'abrechnet: der Anfang eines Prompts, dessen K und V er noch von einem früheren hat, meist in '
        + 'ganzen Blöcken und ab einer Mindestlänge.'),
    none: 'Was ein Anbieter als „cached“ abrechnet, ist der Anfang eines Prompts, dessen K und V er noch von '
      + 'einem früheren hat: Von diesem Prompt wäre das nichts.',
    why: 'Er endet am ersten geänderten Token, weil K und V eines Tokens von der zweiten Schicht an aus '
      + 'allen Tokens davor berechnet werden.',
    so: 'Was sich von Prompt zu Prompt ändert, etwa ein Datum oder eine Frage, gehört deshalb ans Ende.',
  },

  stale: {
    title: 'Ein Fehler mit Absicht: veraltete K und V',
    means: 'Warum nicht allein das geänderte Wort neu berechnen und K und V von allem danach behalten?',
    tried: (count, before, after) => (
      `In derselben Engine ausprobiert: ${tokens(count)} nach der Änderung `
        + `${count === 1 ? 'behält' : 'behalten'} K und V aus der Zeit, als im Prompt „${before}“ stand; `
        + `jetzt steht dort „${after}“. Nur das neueste `
        + 'Token wird berechnet, weil seine Logits gebraucht werden.'),
    answers: {
      before: 'Vor der Änderung', after: 'Danach, berechnet', stale: 'Danach, mit veralteten K und V',
    },
    right: 'richtig', wrong: 'falsch, mit Absicht',
    verdict: (token, old) => (
      `Die Antwort mit veralteten K und V ist ab Token ${counted(token)} falsch${old < token ? '.' : old === 1
        ? ': Sie beginnt wie die Antwort vor der Änderung.'
        : `: Ihre ersten ${tokens(old)} sind die der Antwort vor der Änderung.`}`),
    lucky: (count) => (
      `Zufällig sind diese ${tokens(count)} die richtigen. Die Zahlen darunter sind es nicht.`),
    moved: 'Mit dieser Änderung nicht ausprobiert: Die Prompts haben nicht gleich viele Tokens. Die nach der '
      + 'Änderung haben sich verschoben, und ihre Positionen stecken in ihren K und V.',
    nothing: 'Mit dieser Änderung nicht ausprobiert: Danach kommt höchstens das neueste Token, und das wird '
      + 'immer berechnet, weil seine Logits gebraucht werden.',
    same: 'Nicht ausprobiert: Es wurde nichts geändert.',
    equal: 'Wiederverwendet: nachweislich gleich.',
    equalRest: ' Die Logits nach dem Prompt sind Bit für Bit die, die beim Berechnen von allem herauskommen.',
    unequal: 'Wiederverwendet: nicht gleich.',
    unequalRest: ' Das darf nicht sein: bitte melden.',
    different: 'Veraltet: nicht gleich.',
    differentRest: (distance) => (
      ` Die Logits nach dem Prompt weichen um bis zu ${measured(distance)} ab.`),
    hashes: { whole: 'alles berechnet', rest: 'wiederverwendet', stale: 'veraltet' },
  },
};
