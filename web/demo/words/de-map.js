// Was die Karte des Caches sagt, auf Deutsch.
import { numbersIn } from '../../measure/numbers.js';

/** @import { map as english, Spot, TypeCost } from './en-map.js' */

const { counted, measured, size } = numbersIn('de');
const some = (/** @type {number} */ count, /** @type {string} */ one, /** @type {string} */ more) => (
  `${counted(count)} ${count === 1 ? one : more}`);
const tokens = (/** @type {number} */ count) => some(count, 'Token', 'Tokens');
const pages = (/** @type {number} */ count) => some(count, 'Seite', 'Seiten');
const places = (/** @type {number} */ count) => some(count, 'Platz', 'Plätze');

/** @param {Spot} spot */
const spot = ({ position, text, layer, head }) => (
  `Token ${counted(position)}${text === undefined ? '' : ` „${text}“`}, Schicht ${layer}, Kopf ${head}`);

/** @param {readonly TypeCost[]} costs */
const costsOf = (costs) => costs.map(({ type, error }) => `mit ${type} um ${measured(error)}`).join(', ');

/** @type {typeof english} */
export const map = {
  title: 'Der Cache, Zelle für Zelle',
  means: 'In einer Zelle steht, was ein Kopf einer Schicht von einem Token behält: ein Key und ein Value. '
    + 'Jedes neue Token fügt eine Spalte an; die Spalten davor ändern sich nie.',
  empty: 'Ein Lauf füllt die Karte.',
  axis: 'Position im Text',
  layer: (layer) => `Schicht ${layer}`,
  page: (page) => `Seite ${counted(page)}`,
  keys: 'Karte des Caches. Die Pfeiltasten bewegen die gewählte Zelle.',
  on: (count, cells, used, unread) => (
    `${tokens(count)} behalten: ${counted(cells)} Zellen auf ${pages(used)}. Der neueste Schritt hat sie `
      + `alle gelesen${unread.tokens > 0 ? ` (in ${counted(unread.layers)} `
        + `${unread.layers === 1 ? 'Schicht' : 'Schichten'} mit Fenster ohne die ersten `
        + `${counted(unread.tokens)})` : ''} und eine Spalte geschrieben.`
      + (unread.freed > 0 ? ` Von den ersten ${tokens(unread.freed)} haben diese Schichten die Seiten `
        + 'zurückgegeben: Kein Fenster reicht mehr so weit.' : '')),
  wrote: (count, cells, used, written) => (
    `${tokens(count)} behalten: ${counted(cells)} Zellen auf ${pages(used)}. Der neueste Schritt hat `
      + `${counted(written)} Spalten geschrieben.`),
  off: (text) => (
    `Der Cache ist aus: Nichts wird behalten. Jeder Schritt berechnet Keys und Values von ${tokens(text)} `
      + 'aufs Neue und verwirft sie.'),
  left: (count, text) => (
    `Der Cache ist aus: ${tokens(count)} von vorher liegen ungelesen da. Jeder Schritt berechnet `
      + `${tokens(text)} aufs Neue.`),
  before: (count) => `Vom Lauf davor sind noch ${tokens(count)} da.`,
  raced: '(vom Wettlauf der Schreiber mit Cache)',
  legend: {
    written: 'im neuesten Schritt geschrieben',
    read: 'behalten und darin gelesen',
    kept: 'behalten, nicht gelesen',
    freed: 'weg: Kein späteres Token sieht es',
    missing: 'nicht behalten: in jedem Schritt neu berechnet',
    free: 'frei',
  },
  table: {
    caption: 'Die Plätze des Caches, nach dem, was der neueste Schritt mit ihnen tat',
    kind: 'Zustand',
    positions: 'Positionen',
    cells: 'Zellen',
    range: (first, last) => (first === last ? counted(first) : `${counted(first)} bis ${counted(last)}`),
  },
  pages: (slots, all, used, windows) => (
    `Eine Seite sind ${places(slots)} in jed${windows ? 'em Kopf der Schichten ohne Fenster'
      : 'er Schicht und jedem Kopf'}. ${counted(used)} von ${pages(all)} `
      + 'in Gebrauch:'),

  cell: {
    title: 'Eine Zelle',
    layer: 'Schicht',
    head: 'Kopf',
    token: 'Token',
    follow: 'Der neuesten folgen',
    there: (at, place, page) => (
      `${spot(at)}: Platz ${place} ${page === undefined ? 'der Seite' : `auf Seite ${counted(page)}`}.`),
    missing: (at) => (
      `${spot(at)}: nicht behalten. Ohne Cache berechnet jeder Schritt Key und Value neu.`),
    freed: (at) => (
      `${spot(at)}: weg. In dieser Schicht sieht es kein späteres Token, und die Seite ist für andere frei.`),
    free: (at) => `${spot(at)}: frei. So weit ist der Text noch nicht.`,
    recorded: (bytes) => (
      'Dies ist ein aufgezeichneter Lauf ohne Keys und Values. Einmal schreiben lassen, dann sind sie zu '
        + `sehen: Das Modell hat ${bytes}.`),
    unseen: 'Die Zahlen sind gerade nicht da: Die Engine tut etwas anderes. Noch einmal schreiben lassen, '
      + 'dann sind sie zu sehen.',
    key: 'Key',
    value: 'Value',
    vector: (name, count, least, most) => (
      `${{ K: 'Key', V: 'Value' }[name]}: ${counted(count)} Zahlen von ${measured(least)} bis `
        + `${measured(most)}`),
    show: 'Zahlen als Tabelle zeigen',
    group: 'Zahlen der Zelle',
    caption: 'Key und Value der gewählten Zelle',
    number: 'Zahl',
  },

  ask: {
    later: 'möglich, sobald der Lauf zu Ende ist',
    first: 'möglich, sobald eine Geschichte geschrieben ist',
    failed: (reason) => `Das hat nicht geklappt. (${reason})`,
  },

  fork: {
    title: 'Die Geschichte verzweigen',
    means: 'Zwei Geschichten mit demselben Anfang brauchen dessen Keys und Values nur einmal: Beide halten '
      + 'dieselben Seiten, und jede nimmt neue für ihre eigenen Wörter. Hier geschieht das in einer eigenen '
      + 'Sitzung: Der Lauf bleibt, wie er ist.',
    go: (position) => `Nach Token ${counted(position)} verzweigen`,
    story: 'Text',
    fork: 'Zweig',
    more: (count) => `+${counted(count)}`,
    legend: {
      both: 'von beiden gehalten: einmal da', copied: 'kopiert, dann beschrieben', own: 'von einem gehalten',
    },
    wrote: (position, count) => `Nach Token ${counted(position)} schrieb der Zweig ${tokens(count)}:`,
    said: ({ both, copied, pages: own, used, apart, dropped, slid }) => {
      const none = slid ? 'Keine gemeinsame Seite ist noch in beiden Caches.'
        : 'Keine Seite ist voll von Gemeinsamem: Beide halten keine.';
      const shared = both === 0 ? none
        : `${pages(both)} ${both === 1 ? 'wird' : 'werden'} von beiden gehalten, mit je zwei Verweisen.`;
      const copy = ' Die Seite, auf der sie sich trennen, wurde kopiert, bevor der Zweig hineinschrieb.';
      const gone = ' Hinter dem Kontext gibt jede ihre eigenen ältesten Seiten ab.';
      return `${shared}${copied > 0 ? copy : ''}${slid ? gone : ''} Der Zweig hat ${pages(own)} für `
        + `sich. Die Engine zählt ${size(used)} für beide; getrennt wären es `
        + `${size(apart)}. Danach wurde der Zweig entfernt: noch ${size(dropped)}.`;
    },
  },

  memory: {
    title: 'Was er braucht',
    formula: ({ layers, heads, numbers, each, scale, tokens: count, bytes }) => {
      const plain = `${counted(numbers)} Zahlen × ${some(each, 'Byte', 'Bytes')}`;
      const vector = scale > 0 ? `(${plain} + ${counted(scale)} Bytes)` : plain;
      return `2 (K und V) × ${some(layers, 'Schicht', 'Schichten')} × ${some(heads, 'Kopf', 'Köpfe')} × `
        + `${vector} × ${tokens(count)} = ${counted(bytes)} Bytes`;
    },
    same: 'Die Engine zählt genauso viele.',
    given: (freed, used) => (
      `Davon gaben Schichten mit Fenster ${counted(freed)} Bytes zurück: Es bleiben ${counted(used)}.`),
    fewer: 'Schichten mit Fenster haben Platz für zwei Fenster und etwas mehr.',
    other: (bytes) => `Die Engine zählt ${counted(bytes)} Bytes.`,
    rooms: ({ allocated, slots, pages: all, session }) => (
      `Angelegt sind ${size(allocated)} für ${tokens(slots)} auf ${pages(all)}: einmal, damit beim Schreiben `
        + `nichts umzieht. Mit dem Platz zum Rechnen braucht die Sitzung ${size(session)}.`),
    open: (open) => `Auf der neuesten Seite ${open === 1 ? 'ist' : 'sind'} noch ${places(open)} frei.`,
    bar: (used, allocated) => `${size(used)} von ${size(allocated)} in Gebrauch`,
    caption: 'Derselbe Cache, gespeichert als',
    type: 'Zahlen als',
    own: 'hier',
    now: 'Jetzt',
    full: 'Voll',
    same1: 'Gleiches Token danach',
    share: (share) => `${measured(100 * share)} %`,
    exact: 'immer',
    measure: 'An dieser Geschichte messen',
    here: (count, costs) => (
      `An dieser Geschichte mit ${tokens(count)}, eben mit jedem davon gelesen, weicht ein Logit höchstens `
        + `so weit ab: ${costsOf(costs)}. Die letzte Spalte sagt, wie oft das wahrscheinlichste nächste `
        + 'Token dasselbe blieb.'),
    only: 'Nur f32 behält jedes Bit, darum nimmt es diese Seite.',
    cost: (costs) => (
      `Ein Logit dieses Modells weicht höchstens so weit ab: ${costsOf(costs)}; die letzte `
        + 'Spalte sagt, wie oft das wahrscheinlichste nächste Token dasselbe blieb, gemessen an '
        + '1.000 Tokens.'),
  },
};
