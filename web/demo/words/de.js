// Alles, was die Demo sagt, auf Deutsch. Wie eine weitere Sprache dazukommt, steht in en.js.
import { numbersIn } from '../../measure/numbers.js';
import { benchmark } from './de-benchmark.js';
import { failures } from './de-failures.js';
import { figures, tokens } from './de-figures.js';

/** @import { Dictionary } from './en.js' */

const format = numbersIn('de');
const { counted, measured, megabytes, plain } = format;
const same = (/** @type {number} */ count) => (count === 1 ? 'dasselbe Token' : `dieselben ${tokens(count)}`);

/** @type {Dictionary} */
export const de = {
  lang: 'de',
  format,

  cache: { on: 'Cache an', off: 'Cache aus' },
  tokensPerSecond: (speed) => `${measured(speed)} Tokens/s`,
  perSecond: (speed, error) => `${measured(speed, error)} /s`,
  milliseconds: (ms, error) => `${measured(ms, error)} ms`,
  lessThanMilliseconds: (ms) => `weniger als ${measured(ms)} ms`,

  controls: {
    group: 'Bedienung',
    cache: 'KV‑Cache',
    switch: { on: 'an', off: 'aus' },
    keys: 'Strg+Eingabe im Prompt startet, Esc hält an',
    generate: 'Schreiben',
    downloads: (bytes) => megabytes(bytes),
    stop: 'Anhalten',
    compare: 'An/aus vergleichen',
    compareMeans: (bytes) => (
      'Ein Wettlauf: Mit Cache und ohne entsteht dieselbe Geschichte zur selben Zeit, und die beiden Texte '
        + 'werden Token für Token verglichen. Der zweite Schreiber lädt eine Kopie des Modells'
        + `${bytes > 0 ? `, rund ${megabytes(bytes, 0)} Speicher` : ''}`),
    locked: 'Der Schalter ist gesperrt.',
  },

  prompt: {
    group: 'Prompt',
    label: 'Eine Geschichte beginnen (auf Englisch)',
    any: 'Einen Text beginnen',
    source: 'Eine Quelle, die es liest',
    examples: 'Beispielanfänge',
    count: (used, room) => `${tokens(used)} von ${counted(room)}`,
    tooMany: (used, room) => `${tokens(used)} von ${counted(room)}: ${counted(used - room)} zu viel`,
  },

  status: {
    unloaded: '„Schreiben“ lädt zuerst das Modell.',
    loadStopped: 'Das Laden wurde angehalten.',
    gaveWay: 'Angehalten: Eine andere Abbildung läuft.',
    starting: 'Wird gestartet.',
    loading: 'Das Modell wird geladen.',
    loadingRival: 'Eine zweite Kopie des Modells wird geladen.',
    loadingBytes: (bytes, total) => (
      `Das Modell wird geladen: ${megabytes(bytes)}${total > 0 ? ` von ${megabytes(total)}` : ''}.`),
    stalled: (file) => `Von ${file} ist seit 10 Sekunden nichts angekommen.`,
    progress: 'Das Modell wird geladen',
    ready: 'Das Modell ist geladen.',
    prefilling: 'Prefill: Der Prompt wird gelesen.',
    reading: 'Der Encoder liest deine Quelle.',
    writing: {
      on: 'Mit Cache: Nur das neue Token wird berechnet.',
      off: 'Ohne Cache: Jedes Token liest alles neu.',
    },
    racing: 'Wettlauf: Beide schreiben dieselbe Geschichte.',
    slowing: 'Es wird langsamer: Jedes Token liest alles neu.',
    failed: 'Das ist nicht gelungen.',
    waiting: 'Weiter unten wird gerechnet: „Schreiben“ wartet, bis das fertig ist.',
    stopped: (written) => `Angehalten nach ${tokens(written)}.`,
    finished: (written) => `Fertig: ${tokens(written)} geschrieben.`,
    over: (written) => `Die Geschichte ist zu Ende: ${tokens(written)}.`,
    full: (written) => `Der Kontext ist voll: ${tokens(written)}.`,
    retry: 'Noch einmal versuchen',
    code: 'Code: ',
  },

  advice: {
    first: { on: 'Es schreibt dann mit Cache.', off: 'Es schreibt dann ohne Cache.' },
    retry: '„Schreiben“ versucht es noch einmal.',
    ready: '„Schreiben“ drücken oder umschalten.',
    switchOn: 'Den Cache einschalten.',
    switchOff: 'Zum Vergleich ausschalten.',
    again: 'Umschalten, um neu zu schreiben.',
    onward: 'Unten geht es von hier weiter.',
  },

  payoff: {
    none: { large: 'Wie viel schneller?', small: 'Das wird hier gemessen, auf diesem Gerät.' },
    speed: (mode, position) => `${mode === 'on' ? 'mit' : 'ohne'} Cache, an Position ${counted(position)}.`,
    times: (times) => `${measured(times)}-mal so schnell`,
    raced: (count, on, off) => (
      `${measured(on / 1000)} s statt ${measured(off / 1000)} s für ${same(count)}.`),
    speeds: (position, on, off) => (
      `an Position ${counted(position)}: ${measured(on)} statt ${measured(off)} Tokens/s.`),
    same: 'Derselbe Text: bewiesen.',
    different: 'Nicht dasselbe: bitte melden.',
  },

  story: {
    group: 'Geschichte',
    empty: 'Hier erscheint die Geschichte: der eigene Anfang kursiv, die Worte des Modells aufrecht.',
    unmeasured: (count) => `Nicht gemessen, weil dieser Tab verdeckt war: ${tokens(count)}.`,
    caughtUp: (count, time) => (
      `Wieder eingeschaltet, holte der Cache zuerst nach, was ihm fehlte (${tokens(count)}): ${time}, nicht `
        + 'im Diagramm.'),
  },

  race: {
    group: 'Die beiden Geschichten',
    progress: { on: 'Mit Cache geschrieben', off: 'Ohne Cache geschrieben' },
    lane: (count, ms) => `${counted(count)} in ${measured(ms / 1000)} s`,
    ended: (count, ms) => `${counted(count)} nach ${measured(ms / 1000)} s`,
    differ: (number) => (
      `Die beiden Texte unterscheiden sich ab Token ${counted(number)}. Das darf nicht sein: bitte melden.`),
    sameSoFar: (count) => `Bis hierher schrieben beide ${same(count)}.`,
    fewer: (fewer, times) => (
      `Ohne Cache sind es ${measured(fewer)}-mal so viele Multiplikationen`
        + `${times < fewer ? ', von denen jede aber weniger Zeit braucht' : ''}.`),
  },

  recorded: {
    on: (day, machine) => `Aufnahme vom ${format.day(day)}: ${machine}.`,
    run: '„Schreiben“ startet es hier.',
    haste: (browser, times) => (
      `Ein aufgezeichneter Lauf in ${browser}`
        + `${times > 1 ? `, ${counted(times)}-mal so schnell abgespielt` : ''}.`),
    tag: '(Aufnahme)',
    payoff: {
      speed: (mode, position) => (
        `Aufnahme ${mode === 'on' ? 'mit' : 'ohne'} Cache, an Position ${counted(position)}.`),
      speeds: (_position, on, off) => `Aufnahme: ${measured(on)} statt ${measured(off)} Tokens/s.`,
    },
    skip: 'Zum Ende',
    replay: 'Noch einmal',
  },

  model: {
    title: 'Modell',
    inUse: (name) => `${name}, statt des Modells dieser Seite`,
    own: (name, besides) => `${name}, oder ${besides && `${besides}, oder `}eins von dir`,
    absent: (name, absent) => `${name}, denn ${absent} fehlt in diesem Build aus einer Datei`,
  },

  sampling: {
    title: 'Sampling',
    means: 'Wie das nächste Token aus den Wahrscheinlichkeiten des Modells gezogen wird. Derselbe Seed, '
      + 'derselbe Prompt und dieselben Einstellungen ergeben immer dieselbe Geschichte.',
    summary: (seed, temperature, most) => (
      `Seed ${plain(seed)}, Temperatur ${plain(temperature)}, `
        + `${most === Infinity ? 'so viele Tokens, wie passen' : tokens(most)}`),
    fits: 'so viele, wie passen',
    wrong: '(eine Einstellung passt nicht)',
    reset: 'Einstellungen des Modells',
    newSeed: 'Neuer Seed',
    allowed: ({ whole, above, min, max }) => (
      `Erlaubt ist eine ${whole ? 'ganze Zahl' : 'Zahl'} `
        + `${above ? `über ${plain(min)}, höchstens` : `von ${plain(min)} bis`} ${plain(max)}.`),
    fields: {
      seed: {
        label: 'Seed',
        help: 'Wo die Zufallszahlen beginnen. Ein anderer Seed, eine andere Geschichte.',
      },
      maxTokens: {
        label: 'Tokens zu schreiben',
        help: 'Leer: so viele, wie passen. Ein Lauf endet auch am Ende der Geschichte.',
      },
      temperature: {
        label: 'Temperatur',
        help: 'Unter 1: vorsichtiger; über 1: wilder; 0: immer das wahrscheinlichste Token.',
      },
      topK: { label: 'Top-k', help: 'Nur die k wahrscheinlichsten Tokens kommen infrage. 0: aus.' },
      topP: {
        label: 'Top-p',
        help: 'Nur die wahrscheinlichsten Tokens, die zusammen diese Wahrscheinlichkeit haben. 1: aus.',
      },
      minP: {
        label: 'Min-p',
        help: 'Nur Tokens, die im Vergleich mit dem wahrscheinlichsten mindestens so wahrscheinlich sind. 0: '
          + 'aus.',
      },
      repetitionPenalty: {
        label: 'Wiederholungsstrafe',
        help: 'Über 1: Schon benutzte Tokens werden unwahrscheinlicher. 1: aus.',
      },
    },
  },

  ...figures,
  benchmark,

  refusals: {
    promptTooLong: (used, room) => (
      `Der Anfang ist zu lang: Er hat ${tokens(used)}, und das Modell hat Platz für ${counted(room)}. `
        + `Auf ${Math.floor((100 * room) / used)} % seiner Länge kürzen.`),
    setting: 'Eine Sampling-Einstellung passt nicht zu diesem Modell; sie ist unten markiert.',
    race: 'Ein Wettlauf braucht zwei Worker im Hintergrund, und diese Seite darf keinen haben. Stattdessen '
      + 'die Geschichte erst ohne Cache schreiben, dann mit.',
    noAddress: (address) => `„${address}“ ist keine Adresse eines Ordners mit einem Modell.`,
  },
  offline: 'Anscheinend besteht keine Verbindung zum Internet.',

  later: {
    coming: 'Dieser Teil der Abbildung ist unterwegs.',
    failed: (times) => (
      `Dieser Teil der Abbildung ist nicht angekommen.${times > 1 ? ' Die Seite neu laden.' : ''}`),
  },

  failures,
};
