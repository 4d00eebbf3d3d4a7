// Was die Ansicht "window" sagt, auf Deutsch.
import { numbersIn } from '../../measure/numbers.js';
import { WINDOW_ABSENT } from './window-absent.js';

const { counted, measured, megabytes, share: percent, size } = numbersIn('de');
const tokens = (/** @type {number} */ n) => `${counted(n)} Token${n === 1 ? '' : 's'}`;
const range = (/** @type {number} */ first, /** @type {number} */ last) => (
  `${counted(first + 1)} bis ${counted(last + 1)}`);
const fixed = (/** @type {number} */ value, /** @type {number} */ after) => (
  value.toFixed(after).replace('.', ','));
const bits = (/** @type {number} */ value) => `${fixed(value, 2)} Bit`;

/** @type {typeof import('./en-window.js').window} */
export const window = {
  title: WINDOW_ABSENT.de.title,
  means: 'Der Cache hat wenige Plätze. Sind sie voll, geht die älteste Seite mit 16 Tokens, und die '
    + 'Geschichte '
    + 'geht weiter: Speicher und Tempo bleiben gleich. Der Text bleibt: Nur seine Keys und Values gehen.',
  capacity: 'Plätze im Cache',
  sinks: 'Erste Seite behalten (Sinks)',
  go: 'Schreiben',
  stop: 'Anhalten',
  downloads: (bytes) => `lädt ${megabytes(bytes)}`,
  text: 'Die Geschichte. Die Pfeiltasten wählen eine Seite davon.',

  idle: (count) => (
    `Das zweite Erzählmodell schreibt ${tokens(count)}, dreimal so viele, wie im Training vorkamen. Es `
      + `kommt von `
      + 'dieser Website, sobald du es willst.'),
  loading: (bytes, total) => (
    total > 0 ? `Lädt: ${megabytes(bytes)} von ${megabytes(total)}.` : `Lädt: ${megabytes(bytes)}.`),
  writing: (count, total) => `Es schreibt: ${counted(count)} von ${tokens(total)}.`,
  proving: (count) => `Die Logits nach allen ${tokens(count)} werden noch einmal berechnet, ohne Cache.`,
  stopped: 'Angehalten.',
  done: 'Geschrieben. Wähle eine andere Zahl von Plätzen: Speicher und Tempo folgen ihr, und was vergessen '
    + 'wird, auch.',
  empty: 'Der Text wächst, der Cache nicht.',

  textRail: (count) => `Text: ${tokens(count)}`,
  cacheRail: (places) => `Cache: ${counted(places)} Plätze, in Seiten zu 16`,
  legend: { sink: 'bleibt: die Sinks', held: 'im Cache', gone: 'nicht mehr im Cache' },
  says: ({ tokens: count, place, capacity, sinks, gone, bytes, whole }) => {
    const newest = `Token ${counted(count)} liegt auf Platz ${counted(place)} von ${counted(capacity)}.`;
    const took = `Der Cache belegt ${counted(bytes)} Byte`;
    if (gone.count === 0) return `${newest} Noch musste nichts gehen. ${took}.`;
    const stay = sinks > 0 ? `Die Tokens 1 bis ${counted(sinks)} bleiben, die Tokens` : 'Die Tokens';
    return `${newest} ${stay} ${range(gone.first, gone.first + gone.count - 1)} sind gegangen. ${took}; `
      + `mit allen `
      + `Tokens wären es ${counted(whole)}, ${measured(whole / bytes)}-mal so viele.`;
  },
  spot: ({ token, last, place, turned }) => {
    const which = `Die Tokens ${range(token, last)} des Textes`;
    if (place === undefined || turned === undefined) {
      return `${which} sind gegangen: Kein Key und kein Value von ihnen ist noch da. Was gelesen wurde, `
        + `solange sie `
        + 'da waren, trägt noch ihre Spur.';
    }
    const moved = turned === place ? 'wo sie geschrieben wurden'
      : `geschrieben auf ${range(turned, turned + last - token)}`;
    return `${which} liegen auf den Plätzen ${range(place, place + last - token)}, ${moved}.`;
  },
  speed: (first, second) => (
    `Gemessen: ${measured(first, 0.05)} Tokens je Sekunde in der ersten Hälfte des Textes, `
      + `${measured(second, 0.05)} in der zweiten.`),
  equal: 'Gleich',
  equalRest: (count, hash) => (
    `: Nach allen ${tokens(count)} sind die Logits mit Cache und ohne bis aufs letzte Bit gleich (${hash}).`),
  different: 'Verschieden',
  differentRest: ': Die Logits mit Cache und ohne sind nicht gleich. Bitte melde das.',
  charts: {
    memory: 'Bytes des Caches', speed: 'Tokens je Sekunde',
    window: 'dieser Cache', whole: 'alle Tokens', here: 'Cache voll',
    trained: 'Länge im Training', fast: 'gemessen, je über 256 Tokens',
    size,
    memorySaid: (most, whole) => (
      `Die Bytes dieses Caches steigen auf ${size(most)} und bleiben dort; mit allen Tokens wären es `
        + `${size(whole)}.`),
    speedSaid: (least, most) => (
      `Zwischen ${measured(least, 0.05)} und ${measured(most, 0.05)} Tokens je Sekunde in jedem Abschnitt.`),
  },
  table: {
    caption: 'Die Geschichte bisher', tokens: 'Tokens', held: 'Im Cache', bytes: 'Bytes',
    whole: 'Bytes mit allen Tokens', rate: 'Tokens je Sekunde',
    number: counted,
    speed: (rate) => measured(rate, 0.05),
  },

  losses: {
    title: 'Was vergisst es?',
    means: 'Dasselbe Modell liest ein Kapitel, das es nie gesehen hat (Anne of Green Gables, III), mit '
      + 'Sinks, ohne '
      + 'und mit einem Cache, der alles behält. Wie viele Bit braucht es im Mittel, um das nächste Token '
      + 'zu erraten? '
      + 'Weniger ist besser.',
    measure: 'An einem Kapitel messen',
    stop: 'Anhalten',
    ways: { sinks: 'Fenster mit Sinks', plain: 'Fenster ohne Sinks', whole: 'alle Tokens behalten' },
    reading: (way, share) => `Es liest: ${way}, insgesamt ${percent(share)} fertig.`,
    axis: 'Bit je Token, jeder Punkt über 128 Tokens',
    bits: (value) => fixed(value, 1),
    table: 'Bit je Token',
    stretch: 'Bis Token',
    upTo: counted,
    two: (value) => fixed(value, 2),
    full: 'Fenster voll',
    trained: 'Länge im Training',
    said: ({ sinks, plain, near, far }, capacity) => {
      const more = plain - sinks;
      const part = `${measured(100 * Math.abs(more) / sinks, 0.05)} % ${more > 0 ? 'mehr' : 'weniger'}`;
      const without = Math.abs(more) < 0.005 ? 'ohne Sinks ist es dasselbe'
        : `ohne Sinks ${bits(plain)}, ${part}`;
      const cost = near.sinks - near.whole;
      const forgets = cost < 0.005 ? 'Innerhalb der Länge aus dem Training kostet das Fenster nichts.'
        : `Innerhalb der ${counted(1024)} Tokens aus dem Training kostet das Fenster von `
          + `${counted(capacity)} `
          + `${bits(cost)} je Token.`;
      const beyond = !far ? '' : far.whole > far.sinks
        ? `Danach kommt der Cache, der alles behält, auf ${bits(far.whole)}, denn solche Positionen hat `
          + `das Modell nie `
          + `gesehen; das Fenster hat ${bits(far.sinks)}, denn seine Plätze gehen nie über seine Größe `
          + `hinaus.`
        : `Danach hat der Cache, der alles behält, ${bits(far.whole)} und das Fenster ${bits(far.sinks)}.`;
      const full = `Ist es voll, braucht das Fenster mit Sinks ${bits(sinks)} je Token; ${without}.`;
      return [full, forgets, beyond].filter(Boolean).join(' ');
    },
    small: 'In großen Modellen bricht ein Fenster ohne Sinks zusammen: Viel von ihrer Aufmerksamkeit liegt '
      + 'auf den '
      + 'ersten Tokens (Xiao et al. 2023). Ob dieses kleine von ihnen abhängt, siehst du hier.',
    again: ({ times, same, kl, slower, bits: read, slid }) => (
      `Das ist etwas anderes, als die behaltenen Tokens neu zu lesen. An ${counted(times)} Stellen wurde `
        + `auch das `
        + `getan: Das wahrscheinlichste nächste Token war in ${percent(same)} davon dasselbe, die `
        + `KL-Divergenz `
        + `${measured(kl, 0.05)} nat, ${bits(read)} je Token statt ${bits(slid)}; und es dauerte `
        + `${measured(slower, 0.05)}-mal so lange wie ein Schritt. Was im Cache bleibt, wurde berechnet, `
        + `als die `
        + 'gegangenen Tokens noch da waren, und erinnert sich an sie.'),
  },
};
