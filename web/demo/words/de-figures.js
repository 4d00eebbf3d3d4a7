// Was neben der Geschichte steht, auf Deutsch: Diagramm, Zahlen, Angaben und Beweis.
import { numbersIn } from '../../measure/numbers.js';

/**
 * @import { figures as english } from './en-figures.js'
 */

const { counted, measured, megabytes } = numbersIn('de');
export const tokens = (/** @type {number} */ count) => `${counted(count)} Token${count === 1 ? '' : 's'}`;
const fastAs = (/** @type {number} */ on, /** @type {number} */ off) => (
  on >= off ? `${measured(on / off)}-mal so schnell` : `${measured(off / on)}-mal langsamer`);
const WITH = { on: 'Mit Cache', off: 'Ohne Cache' };
const OF = { prompt: 'dem Prompt', text: 'dem ganzen Text' };

/** @type {typeof english} */
export const figures = {
  chart: {
    title: 'Tokens je Sekunde',
    scale: '(log.)',
    clear: 'Diagramm leeren',
    axis: 'Position im Text (Tokens)',
    means: 'Diagramm: Tokens je Sekunde nach Position.',
    counted: 'gezählt',
    countedMeans: 'Gezählt: die Geschwindigkeit, wenn nur die Multiplikationen und Additionen eines Tokens '
      + 'Zeit brauchten, der gemessenen Linie angepasst (kleinste Quadrate).',
    empty: 'Die Linie wächst hier mit dem Text: wie schnell seine Tokens berechnet werden, nach ihrer '
      + 'Position.',
    around: (position, on, off) => (
      `Um Position ${counted(position)}: ${measured(on)} Tokens/s mit Cache, ${measured(off)} ohne: `
        + `${fastAs(on, off)}.`),
    atFlip: (position, on, off) => (
      `Beim Umschalten an Position ${counted(position)}: ${measured(on)} Tokens/s mit Cache, `
        + `${measured(off)} ohne: ${fastAs(on, off)}.`),
    last: (mode, speed, position) => (
      `${WITH[mode]} ${measured(speed)} Tokens/s an Position ${counted(position)}.`),
    point: (position, on, off) => {
      const [cached, uncached] = [`mit ${measured(on ?? 0)}/s`, `ohne ${measured(off ?? 0)}/s`];
      const said = [on !== undefined && cached, off !== undefined && uncached];
      return `Bei ${counted(position)}: ${said.filter(Boolean).join(', ')}`;
    },
  },

  take: {
    copy: { link: 'Link zu diesem Stand kopieren', tag: 'Abbildung als Tag kopieren' },
    copied: {
      link: 'Der Link ist in der Zwischenablage.',
      tag: 'Das Tag ist in der Zwischenablage und kann in eine Seite eingefügt werden.',
    },
    field: 'Zum Kopieren von Hand',
    noCopy: 'Dieser Browser lässt die Seite nicht kopieren. Es steht unten, schon markiert: von Hand '
      + 'kopieren.',
    download: (kind) => `Als ${kind} herunterladen`,
    saved: (file) => `Gespeichert als ${file}.`,
    noPng: 'Diese Seite erlaubt kein PNG; ein SVG geht.',
  },

  table: {
    show: 'Datentabelle zeigen',
    group: 'Daten des Diagramms',
    position: 'Position',
    caption: 'Tokens je Sekunde nach Position',
    captionEvery: (step) => `Tokens je Sekunde nach Position, eine Zeile für je ${counted(step)} Tokens`,
    empty: 'Noch nichts gemessen',
    counted: (mode) => `${mode}, gezählt`,
  },

  numbers: {
    caption: 'Gemessene Geschwindigkeiten',
    lines: {
      prefill: { name: 'Prefill', means: 'Prompt lesen' },
      now: { name: 'Decode', means: 'Schreiben, jetzt' },
      same: { name: 'Decode', means: 'an gleicher Position' },
      ms: { name: 'Zeit je Token', means: 'jetzt' },
      work: { name: 'Arbeit je Token', means: 'berechnete Tokens' },
    },
    readsSource: 'Quelle lesen',
    reused: 'aus Cache',
    reusedMeans: (read) => `nur ${tokens(read)} zu lesen`,
    prefillMeans: (read, ms, error, passes) => (
      `${tokens(read)} in ${measured(ms, error)} ms, alle in einem Durchgang`
        + `${passes > 1 ? `, im Mittel von ${counted(passes)} Malen` : ''}`),
    nowMeans: (bursts) => (
      'der mittlere Wert der zuletzt am Stück berechneten Tokens: '
        + bursts.map((burst) => `${tokens(burst.tokens)} in ${measured(burst.ms)} ms`).join(', ')),
    sameAround: (position) => `um Position ${counted(position)}`,
    sameAtFlip: (position) => `beim Umschalten an Position ${counted(position)}`,
    sameAt: (position) => `an Position ${counted(position)}`,
    msMeans: '1 geteilt durch Tokens je Sekunde, jetzt',
    workMeans: {
      on: 'nur das neue Token läuft durch das Modell',
      off: 'der ganze Text läuft noch einmal durch das Modell',
    },
  },

  facts: {
    prompt: 'Prompt',
    source: 'Quelle',
    sourceRead: (count) => `${tokens(count)}, einmal gelesen`,
    sourceKept: (count) => `${tokens(count)}, noch da`,
    sourceMeans: (bytes) => (
      `Der Encoder hat sie gelesen; ihre Keys und Values, ${counted(bytes)} Byte, liegen in einem `
        + 'Cross‑Cache, den jeder Schritt liest'),
    computed: (count) => `${tokens(count)}, alle berechnet`,
    computedOn: 'im Cache stand noch nichts, womit dieser Prompt beginnt',
    computedOff: 'bei ausgeschaltetem Cache wird nichts von seinem Inhalt benutzt',
    reused: (count, reused) => `${tokens(count)}, ${counted(reused)} aus dem Cache`,
    reusedMeans: (count, reused) => (
      `dieser Prompt beginnt mit denselben ${tokens(reused)} wie der Text davor: Deren Keys und Values `
        + `standen noch im Cache, und nur ${counted(count - reused)} mussten durch das Modell laufen`),
    position: 'Position',
    positionOf: (position, most) => `${counted(position)} von ${counted(most)}`,
    positionPast: (position, slots) => `${counted(position)}; im Cache ist Platz für ${counted(slots)}`,
    positionPastMeans: 'Tokens im Text bis jetzt; ist der Cache voll, geht seine älteste Seite, nur die '
      + 'erste nie, und der Text geht weiter',
    positionMeans: 'Tokens im Text bisher, und die meisten, die das Modell fasst',
    memory: 'Cache-Speicher',
    memoryUsed: (used, all) => `${megabytes(used, 2).replace(' MB', '')} von ${megabytes(all, 2)} belegt`,
    memoryMeans: ({ layers, heads, numbers, used, room, usedBytes, freedBytes, totalBytes }) => (
      `belegt: 2 (K und V) × ${layers} Schichten × ${heads} Köpfe × ${tokens(used)} × ${numbers} Zahlen × 4 `
        + `Byte${freedBytes > 0 ? ` - ${counted(freedBytes)} zurückgegebene` : ''} = ${counted(usedBytes)} `
        + `Byte; reserviert: Platz für ${tokens(room)}; mit dem `
        + `Arbeitsspeicher der Rechnung braucht diese Sitzung ${counted(totalBytes)} Byte`),
    engine: 'Engine',
    engines: {
      relaxed: 'WebAssembly mit Relaxed SIMD',
      simd: 'WebAssembly mit SIMD',
      scalar: 'WebAssembly ohne SIMD: langsamer',
    },
    onPage: (build) => (
      `${build}; im Thread der Seite, weil sie keinen Hintergrund-Worker erlaubt: etwas langsamer`),
    engineMeans: 'die Fassung der WebAssembly-Engine, die dieser Browser ausführt; alle Fassungen berechnen '
      + 'genau dieselben Zahlen',
    pace: 'Anzeigetempo',
    paceOf: (speed) => `${counted(speed)} Tokens/s`,
    fullSpeed: 'volles Tempo',
    computedAt: (speed) => `berechnet mit ${measured(speed)}`,
    slowedTo: (speed) => `durch das Rechnen gebremst: ${measured(speed)}`,
  },

  proof: {
    none: 'Mit Cache und ohne dieselben Zahlen? Das wird hier nach jedem Lauf geprüft.',
    awaited: 'Sind die Zahlen mit Cache und ohne dieselben? Das wird berechnet, sobald der Prompt gelesen '
      + 'ist.',
    comparingPrompt: 'Die Zahlen nach dem Prompt werden verglichen, mit Cache und ohne.',
    comparingText: 'Die Zahlen am Ende werden verglichen, mit Cache und ohne.',
    stopped: 'Der Vergleich am Ende wurde angehalten.',
    failed: 'Der Vergleich ist gescheitert:',
    equal: 'Gleich',
    different: 'Verschieden',
    equalRest: (of, count) => (
      `: Die Zahlen des Modells nach ${OF[of]} (${tokens(count)}), mit Cache berechnet und ohne, stimmen bis `
        + 'aufs letzte Bit überein.'),
    differentRest: (of, count) => (
      `: die Zahlen des Modells nach ${OF[of]} (${tokens(count)}), mit Cache berechnet und ohne. Das darf `
        + 'nicht sein: bitte melden.'),
    thisRun: 'dieser Lauf',
  },
};
