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
  tokens,

  cache: { on: 'Cache an', off: 'Cache aus' },
  tokensPerSecond: (speed) => `${measured(speed)} Tokens/s`,
  perSecond: (speed, error) => `${measured(speed, error)} /s`,
  milliseconds: (ms, error) => `${measured(ms, error)} ms`,
  lessThanMilliseconds: (ms) => `weniger als ${measured(ms)} ms`,

  controls: {
    group: 'Bedienung',
    cache: 'KV-Cache',
    switch: { on: 'an', off: 'aus' },
    keys: 'Strg+Eingabe im Prompt startet, Esc hält an',
    generate: 'Schreiben',
    downloads: (bytes) => megabytes(bytes),
    stop: 'Anhalten',
    compare: 'An/aus vergleichen',
    compareMeans: 'Schreibt die Geschichte zweimal mit demselben Seed, erst mit Cache, dann ohne, und '
      + 'vergleicht die beiden Texte Token für Token',
    locked: 'Der Schalter ist gesperrt: Die Geschichte entsteht erst mit Cache, dann ohne.',
  },

  prompt: {
    group: 'Prompt',
    label: 'Eine Geschichte beginnen (auf Englisch)',
    examples: 'Beispielanfänge',
    count: (used, room) => `${tokens(used)} von ${counted(room)}`,
    tooMany: (used, room) => `${tokens(used)} von ${counted(room)}: ${counted(used - room)} zu viel`,
  },

  status: {
    unloaded: '„Schreiben“ lädt zuerst das Modell, nur einmal.',
    loadStopped: 'Das Laden wurde angehalten.',
    gaveWay: 'Angehalten, weil eine andere Abbildung auf dieser Seite begonnen hat.',
    starting: 'Wird gestartet.',
    loading: 'Das Modell wird geladen.',
    loadingBytes: (bytes, total) => (
      `Das Modell wird geladen: ${megabytes(bytes)}${total > 0 ? ` von ${megabytes(total)}` : ''}.`),
    stalled: (file) => `Von ${file} ist seit 10 Sekunden nichts angekommen.`,
    progress: 'Das Modell wird geladen',
    ready: 'Das Modell ist geladen.',
    prefilling: 'Prefill: Der Prompt wird gelesen.',
    writing: {
      on: 'Mit Cache: Nur das neue Token wird berechnet.',
      off: 'Ohne Cache: Jedes Token liest den ganzen Text neu.',
    },
    slowing: 'Es wird langsamer: Jedes Token liest den ganzen Text neu.',
    failed: 'Das hat nicht geklappt.',
    waiting: 'Die Messung unten läuft: „Schreiben“ wartet, bis sie fertig ist.',
    stopped: (written) => `Angehalten nach ${tokens(written)}.`,
    finished: (written) => `Fertig: ${tokens(written)} geschrieben.`,
    over: (written) => `Die Geschichte ist zu Ende: ${tokens(written)}.`,
    full: (written) => `Der Kontext ist voll: ${tokens(written)}.`,
    retry: 'Noch einmal versuchen',
    code: 'Code: ',
  },

  advice: {
    first: { on: 'Es beginnt mit Cache.', off: 'Es beginnt ohne Cache.' },
    retry: '„Schreiben“ versucht es noch einmal.',
    ready: '„Schreiben“ drücken oder umschalten.',
    switchOn: 'Cache einschalten!',
    switchOff: 'Zum Vergleich ausschalten.',
    again: 'Umschalten: noch einmal.',
  },

  payoff: {
    none: { large: 'Wie viel schneller?', small: 'Das wird hier gemessen, auf diesem Gerät.' },
    speed: (mode, position) => `${mode === 'on' ? 'mit' : 'ohne'} Cache, an Position ${counted(position)}.`,
    times: (on, off) => `${measured(on / off)}-mal so schnell`,
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
    differ: (number) => (
      `Die beiden Texte unterscheiden sich ab Token ${counted(number)}. Das darf nicht sein: bitte melden.`),
    sameSoFar: (count) => `Bis hierher schrieben beide Läufe ${same(count)}.`,
    same: (count, onMs, offMs) => (
      `Beide Läufe schrieben ${same(count)}. Rechenzeit: `
        + `${measured(onMs / 1000)} s mit Cache, ${measured(offMs / 1000)} s ohne.`),
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

  clock: (tick) => `Die Uhr, die dieser Browser der Seite leiht, tickt alle ${measured(tick)} ms.`,

  refusals: {
    promptTooLong: (used, room) => (
      `Der Anfang ist zu lang: Er hat ${tokens(used)}, und das Modell hat Platz für ${counted(room)}. `
        + `Auf ${Math.floor((100 * room) / used)} % seiner Länge kürzen.`),
    setting: 'Eine Sampling-Einstellung passt nicht zu diesem Modell; sie ist unten markiert.',
    foreignModel: (address) => (
      `Diese Seite lädt nur Modelle von ihrer eigenen Website; ${address} liegt auf einer anderen.`),
    noAddress: (address) => `„${address}“ ist keine Adresse eines Ordners mit einem Modell.`,
  },
  offline: 'Anscheinend besteht keine Verbindung zum Internet.',

  failures,
};
