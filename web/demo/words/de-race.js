// Was der Wettlauf sagt, auf Deutsch.
import { numbersIn } from '../../measure/numbers.js';

/** @import { race as english } from './en-race.js' */

const { counted, measured, megabytes } = numbersIn('de');
const same = (/** @type {number} */ count) => (
  count === 1 ? 'dasselbe Token' : `dieselben ${counted(count)} Tokens`);
const seconds = (/** @type {number} */ ms) => `${measured(ms / 1000)} s`;

/** @type {typeof english} */
export const race = {
  title: 'Dieselbe Geschichte zweimal, nebeneinander',
  means: 'Ein Schreiber hat einen Cache, der andere keinen. Sie starten gleichzeitig, auf diesem Gerät, mit '
    + 'demselben Prompt und Seed, und jedes Token des einen wird mit dem des anderen verglichen.',
  start: 'Wettlauf starten',
  again: 'Noch ein Wettlauf',
  stop: 'Anhalten',
  needs: (bytes, memory) => [
    ...(bytes > 0 ? [`Lädt ${megabytes(bytes)} herunter.`] : []),
    'Der zweite Schreiber hat eine Kopie des Modells'
      + `${memory > 0 ? `, ${megabytes(memory, 0)} Speicher` : ''}.`,
  ].join(' '),
  blocked: 'Er kann starten, sobald der andere Lauf zu Ende ist.',
  empty: 'Noch kein Wettlauf.',
  same: (count) => `Bis hierher schrieben beide ${same(count)}.`,
  stopped: (count) => `Angehalten. So weit beide gekommen waren, schrieben sie ${same(count)}.`,
  differ: (number) => (
    `Die beiden Texte unterscheiden sich ab Token ${counted(number)}. Das darf nicht sein: bitte melden.`),
  finished: (count, times, fewer) => (
    `Beide schrieben ${same(count)}. Mit Cache ging es ${measured(times)}-mal so schnell; ohne ihn waren es `
      + `${measured(fewer)}-mal so viele Multiplikationen.`),
  one: ({ on, off }, together) => (
    `Eine Multiplikation mit Addition dauerte mit Cache ${measured(on)} ns und ohne ${measured(off)} ns: Mit `
      + 'ihm dient jedes geladene Gewicht nur einem Token, ohne ihn im Durchschnitt '
      + `${measured(together)} Tokens zugleich.`),
  other: ({ on, off }) => (
    `Eine Multiplikation mit Addition dauerte mit Cache ${measured(on)} ns und ohne ${measured(off)} ns.`),
  besides: ({ on, off }, share) => (
    `Zu lesen, das Gelesene zu beweisen und Tokens auszugeben dauerte mit Cache ${seconds(on)} und ohne `
      + `${seconds(off)}; von der kurzen Zeit mit Cache sind das ${measured(share)} %.`),
  time: 'Zeit',
  work: 'Multiplikationen',
  seconds,
  operations: (count) => `${measured(count / 1e9)} Mrd.`,
  ratio: {
    time: (times) => `${measured(times)}-mal so schnell`,
    work: (times) => `${measured(times)}-mal weniger`,
  },
  table: {
    caption: 'Der Wettlauf in Zahlen',
    what: 'Was',
    ratio: 'Aus : an',
    time: 'Vom Start bis zum Ende',
    tokens: 'Geschriebene Tokens',
    computing: 'Davon Tokens berechnen',
    rows: 'Tokens, die durchs Modell liefen',
    work: 'Multiplikationen',
    each: 'Zeit für eine davon',
    nanoseconds: (ns) => `${measured(ns)} ns`,
  },
};
