// Die Lektionen über einen Lauf und seinen Speicher, auf Deutsch.
import { numbersIn } from '../../measure/numbers.js';

/** @import { runs as english } from './en-lessons.js' */

const { counted, measured, size } = numbersIn('de');
const tokens = (/** @type {number} */ count) => `${counted(count)} Token${count === 1 ? '' : 's'}`;
const rows = (/** @type {number} */ count) => `${counted(count)} Zeile${count === 1 ? '' : 'n'}`;
const round = (/** @type {number} */ count) => counted(Math.round(count));

/** @type {typeof english} */
export const runs = {
  flip: {
    title: 'Schalte um',
    question: 'Eine Geschichte entsteht ohne Cache, und das Schreiben wird langsamer. Mittendrin schaltest '
      + 'du den Cache ein. Was ändert sich?',
    answers: [
      'Nur das Tempo.', 'Das Tempo, und die Geschichte geht anders weiter.',
      'Das Tempo, und die Geschichte wird ein wenig schlechter.',
    ],
    ask: 'Starte ohne Cache. Wenn das Schreiben nur noch kriecht, schalte um.',
    runs: ['Ohne Cache schreiben'],
    seen: (position, off, on) => (
      `An Position ${counted(position)}: ${measured(off)} Tokens pro Sekunde ohne Cache, ${measured(on)} `
        + 'mit.'),
    why: 'K und V eines Tokens sind dieselben Zahlen, ob aufgehoben oder neu berechnet. Der Cache '
      + 'entscheidet also, wie bald ein Token kommt, aber nie, welches. Der Beweis vergleicht die '
      + 'Ausgabezahlen des Modells auf beiden Wegen, Bit für Bit.',
    task: 'Schaffst du es, dass auf den beiden Wegen verschiedene Geschichten entstehen? Schreibe einen '
      + 'eigenen Anfang, drücke auf „Schreiben“, schalte mittendrin um und warte das Ende ab.',
    says: {
      theirs: 'Das war der Anfang der Lektion. Schreibe einen eigenen.',
      notFlipped: 'Nur einer der beiden Wege hat geschrieben. Schalte um, während es läuft.',
      unproved: 'Die Zahlen werden verglichen.',
      different: (count) => (
        `Sie unterscheiden sich nach ${tokens(count)}. Das darf nicht sein: bitte melden.`),
      passed: (count) => (
        `Es geht nicht: Nach ${tokens(count)} deiner Geschichte ergeben beide Wege dieselben Zahlen, Bit `
          + 'für Bit.'),
    },
  },

  again: {
    title: 'Was neu berechnet wird',
    question: 'Dein Text hat 100 Tokens, und der Cache ist aus. Für wie viele davon berechnet der nächste '
      + 'Schritt K und V?',
    answers: ['Nur für das neue.', 'Für das neue und seine Nachbarn.', 'Für alle.'],
    ask: 'Lass 100 Tokens ohne Cache schreiben und sieh zu, was jeder Schritt berechnet.',
    runs: ['100 Tokens ohne Cache schreiben'],
    seen: (cells, length) => (
      `Für einen Text von ${tokens(length)} wurden K und V eines Tokens ${counted(cells)}-mal berechnet; `
        + `${counted(length)}-mal hätte genügt. Die anderen ${counted(cells - length)} Male waren `
        + 'Wiederholungen.'),
    why: 'Ohne Cache vergisst ein Schritt K und V, sobald er sein Token hat. Der nächste braucht sie von '
      + 'jedem Token davor und berechnet sie alle neu: Jede Zeile des Dreiecks ist ein Schritt, und sie '
      + 'ist eine Zelle länger als die Zeile darüber.',
    task: 'Mach viermal so viel Arbeit daraus. Wie viele Tokens musst du schreiben lassen? Stelle unter '
      + '„Sampling“ ein, wie viele Tokens zu schreiben sind, lass den Cache aus und triff es auf ein '
      + 'Zehntel genau.',
    says: {
      cached: 'Davon entstand einiges mit Cache. Lass den Schalter aus.',
      other: (count, cells, times) => (
        `${tokens(count)} geschrieben: K und V ${counted(cells)}-mal berechnet, ${measured(times)}-mal so `
          + 'oft wie im Lauf der Lektion. Es soll 4-mal so oft sein.'),
      passed: (count, cells, times) => (
        `${tokens(count)} geschrieben: K und V ${counted(cells)}-mal berechnet, ${measured(times)}-mal so `
          + 'oft. Doppelt so viel Text ist viermal so viel Arbeit.'),
    },
  },

  kept: {
    title: 'Was aufgehoben wird',
    question: 'In jeder Schicht entstehen aus einem Token ein Query Q, ein Key K und ein Value V. Q wird '
      + 'mit jedem K verglichen; das ergibt die Attention, und die sagt, wie viel von jedem V genommen '
      + 'wird. Was hebt der Cache auf?',
    answers: [
      'Q, K und V.', 'K und V.', 'Die Attention.', 'Was die letzte Schicht aus dem Token gemacht hat.',
    ],
    ask: 'Lass ein paar Tokens langsam mit Cache schreiben und achte auf Q, K und V.',
    runs: ['24 Tokens langsam schreiben'],
    seen: (count, layers, heads, numbers) => (
      `Der Cache hält K und V von ${tokens(count)}: je ${rows(count)} mit ${counted(numbers)} Zahlen, in `
        + `jeder von ${counted(layers)} Schichten und für jeden von ${counted(heads)} Köpfen.`),
    why: 'Ein neues Token fügt K und V unten je eine Zeile hinzu. Nichts wird breiter, und die Zeilen '
      + 'darüber bleiben, wie sie sind. Q wird nur einmal gebraucht, von seinem eigenen Token, und ebenso '
      + 'dessen Attention: Das nächste Token fragt neu, mit seinem eigenen Q.',
    task: 'Beende einen Lauf so, dass der Cache genau 64 Tokens hält. Denk an deinen Prompt: Er hat einige '
      + 'davon mitgebracht.',
    says: {
      off: 'Bei ausgeschaltetem Cache hebt ein Lauf nichts auf. Schalte ihn ein.',
      other: (count) => `Der Cache hält ${tokens(count)}. Es sollen 64 sein.`,
      passed: (read, written) => (
        `64 Tokens: ${counted(read)} aus dem Prompt und ${counted(written)} geschriebene. Der Cache macht `
          + 'zwischen ihnen keinen Unterschied.'),
    },
  },

  free: {
    title: 'Ein Schritt mit Cache ist nicht umsonst',
    question: 'Mit Cache berechnet jeder Schritt nur ein einziges Token. Kostet ein Schritt an Position '
      + '900 dasselbe wie einer an Position 100?',
    answers: [
      'Ja: Ein Token ist ein Token.', 'Nein: Er kostet etwas mehr.', 'Nein: Er kostet neunmal so viel.',
    ],
    ask: 'Lass mit Cache schreiben, bis der Kontext voll ist.',
    runs: ['Mit Cache schreiben, bis er voll ist'],
    seen: (early, earlySpeed, earlyWork, late, lateSpeed, lateWork) => (
      `An Position ${counted(early)}: ${measured(earlySpeed)} Tokens pro Sekunde und, gezählt, `
        + `${round(earlyWork)} Multiplikationen je Token. An Position ${counted(late)}: `
        + `${measured(lateSpeed)} Tokens pro Sekunde und ${round(lateWork)}.`),
    why: 'Der Cache erspart es, das Vergangene zu berechnen, nicht aber, es zu lesen: Das neueste Q wird '
      + 'mit jeder Zeile von K verglichen und nimmt seinen Anteil von jeder Zeile von V. Dieser Teil '
      + 'wächst mit jedem Token. Alles andere am Schritt ist an jeder Position gleich.',
    task: 'Wo kostet ein Schritt mit Cache ein Zehntel mehr Multiplikationen als der allererste? Beende '
      + 'einen Lauf dort, auf einen halben Prozentpunkt genau.',
    says: {
      off: 'Hier geht es um Schritte mit Cache. Lass den ganzen Lauf mit Cache schreiben.',
      other: (position, percent) => (
        `An Position ${counted(position)} kostet ein Schritt ${measured(percent)} % mehr als der erste. Es `
          + 'sollen 10 % sein.'),
      passed: (position, percent) => (
        `An Position ${counted(position)} kostet ein Schritt ${measured(percent)} % mehr. An der doppelten `
          + 'Position ist der Aufschlag etwa doppelt so hoch.'),
    },
  },

  memory: {
    title: 'Was er kostet',
    question: 'Der Cache hält K und V jedes Tokens im Speicher. Wie viel Speicher ist das, verglichen mit '
      + 'den Zeichen des Tokens?',
    answers: ['Etwa gleich viel.', 'Ein Vielfaches.', 'So viel wie das ganze Modell.'],
    ask: 'Lass 200 Tokens mit Cache schreiben und sieh zu, wie sich sein Speicher füllt.',
    runs: ['200 Tokens mit Cache schreiben'],
    seen: (letters, bytes, count, total) => (
      `Ein Token hat hier ${measured(letters)} Zeichen und belegt im Cache ${counted(bytes)} Byte. `
        + `${tokens(count)} belegen ${size(total)}.`),
    why: 'Jedes Token hat in jeder Schicht und für jeden Kopf von Keys und Values sein eigenes K und V. '
      + 'Der Cache wächst mit jedem Token, weil alle späteren es lesen werden. Große Modelle sparen auf '
      + 'zwei Arten: Mehrere Köpfe von Q teilen sich ein K und V (GQA), und Zahlen haben 16 oder 8 Bit. '
      + 'Probiere beides im Rechner aus.',
    task: 'Lass zwei verschiedene Geschichten schreiben, eine nach der anderen und beide mit Cache, deren '
      + 'Caches genau gleich viel Speicher belegen.',
    says: {
      off: 'Lass alles davon mit Cache schreiben.',
      first: (bytes) => `Die erste belegt ${size(bytes)}. Jetzt eine andere Geschichte.`,
      other: (bytes, earlier) => `Diese belegt ${size(bytes)}, die davor belegte ${size(earlier)}.`,
      same: (bytes) => `Beide belegen ${size(bytes)}, aber es ist dieselbe Geschichte.`,
      passed: (bytes) => (
        `Beide belegen ${size(bytes)}: Es zählt, wie viele Tokens es sind, nicht, was sie sagen.`),
    },
  },
};
