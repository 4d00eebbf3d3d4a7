// Die Lektionen über Prompts und Grenzen, auf Deutsch.
import { numbersIn } from '../../measure/numbers.js';

/** @import { prompts as english } from './en-lessons-prompts.js' */

const { counted, measured, size } = numbersIn('de');
const tokens = (/** @type {number} */ count) => `${counted(count)} Token${count === 1 ? '' : 's'}`;

/** @type {typeof english} */
export const prompts = {
  phases: {
    title: 'Prefill und Decode',
    question: 'Ein Lauf liest zuerst deinen Prompt (Prefill), dann schreibt er Token für Token (Decode). '
      + 'Der Cache ist leer, und du schaltest ihn ein: Was wird schneller?',
    answers: ['Lesen und Schreiben.', 'Nur das Lesen.', 'Nur das Schreiben.'],
    ask: 'Lass zweimal dasselbe schreiben: erst ohne Cache, dann mit.',
    runs: ['Ohne Cache schreiben', 'Dasselbe mit Cache schreiben'],
    seen: (count, readOff, readOn, reused, writeOff, writeOn) => (
      `Den Prompt von ${tokens(count)} lesen: ${measured(readOff)} ms ohne Cache, ${measured(readOn)} ms `
        + `mit${reused > 0 ? `, wobei ${counted(reused)} davon noch von vorher da waren` : ''}. Ein `
        + `Token schreiben: ${measured(writeOff)} ms ohne, ${measured(writeOn)} ms mit.`),
    why: 'Alle Tokens eines Prompts sind von Anfang an bekannt. Sie gehen gemeinsam durch das Modell, ein '
      + 'einziges Mal: Nichts wird zweimal berechnet, also ist auch nichts zu sparen. Geschriebene Tokens '
      + 'kommen eines nach dem anderen, und jedes braucht K und V von allen davor: Dafür ist der Cache '
      + 'da. Kleine Unterschiede zwischen den beiden Lesezeiten macht die Maschine.',
    task: 'Mach mit Cache einen Lauf, bei dem das Lesen länger dauert als das Schreiben. Lass mindestens '
      + '10 Tokens schreiben. Was der Cache noch hat, wird nicht noch einmal gelesen: Beginne mit einem '
      + 'anderen Wort.',
    says: {
      off: 'Lass alles davon mit Cache schreiben.',
      few: (count) => `Nur ${tokens(count)} geschrieben. Es sollen mindestens 10 sein.`,
      unmeasured: 'Nicht alles davon ließ sich messen. Bitte noch einmal.',
      other: (read, readMs, written, writeMs) => (
        `${tokens(read)} zu lesen dauerte ${measured(readMs)} ms, ${counted(written)} zu schreiben `
          + `${measured(writeMs)} ms.`),
      passed: (read, readMs, written, writeMs) => (
        `${tokens(read)} zu lesen dauerte ${measured(readMs)} ms, ${counted(written)} zu schreiben `
          + `${measured(writeMs)} ms. Bei langen Fragen und kurzen Antworten wartet man vor allem auf `
          + 'den Prefill.'),
    },
  },

  prompts: {
    title: 'KV‑Cache und Prompt-Cache',
    question: 'Ein Lauf ist vorbei, und K und V seines Textes sind noch im Cache. Du änderst das letzte '
      + 'Wort des Prompts und drückst auf „Schreiben“. Wie viel vom Prompt muss gelesen werden?',
    answers: ['Alles.', 'Ab dem geänderten Wort.', 'Nichts: Es ist alles im Cache.'],
    ask: 'Lass einen Prompt weiterschreiben, dann denselben mit einem anderen letzten Wort.',
    runs: ['Den Prompt weiterschreiben', 'Das letzte Wort ändern und noch einmal schreiben'],
    seen: (count, reused, read) => (
      `Von ${tokens(count)} des Prompts waren ${counted(reused)} noch im Cache, ${counted(read)} mussten `
        + 'gelesen werden.'),
    why: 'Innerhalb eines Laufs spart ein KV‑Cache Arbeit von einem Token zum nächsten. Ein Prompt-Cache '
      + 'ist dasselbe K und V, für die nächste Anfrage aufgehoben: Was zwei Texte gemeinsam haben, Token '
      + 'für Token vom ersten an, wird übernommen. Anbieter nennen das „cached tokens“: alle bis zum '
      + 'ersten, das anders ist.',
    task: 'Finde einen eigenen Prompt, anders als der davor, von dem mehr als 20 Tokens aus dem Lauf davor '
      + 'übernommen werden.',
    says: {
      off: 'Bei ausgeschaltetem Cache wird nichts davon benutzt. Schalte ihn ein.',
      unchanged: 'Der Prompt davor war derselbe, oder es gab keinen. Ändere etwas und lass noch einmal '
        + 'schreiben.',
      other: (count, reused) => (
        `Von ${tokens(count)} wurden ${counted(reused)} übernommen. Es sollen mehr als 20 sein.`),
      passed: (count, reused) => (
        `Von ${tokens(count)} wurden ${counted(reused)} übernommen: so weit, wie er beginnt wie der Text `
          + 'davor.'),
    },
  },

  early: {
    title: 'Ändere ein frühes Wort',
    question: 'Ein langer Prompt ist im Cache. Du änderst ein Wort nahe seinem Anfang und sonst nichts. '
      + 'Von welchen Tokens stimmen K und V nicht mehr?',
    answers: ['Von diesem Wort.', 'Von diesem Wort und dem nächsten.', 'Von diesem Wort und allem dahinter.'],
    ask: 'Lass einen Prompt lesen und beantworten, dann noch einmal mit einem anderen Wort; und dann, mit '
      + 'Absicht falsch, mit den alten K und V von allem hinter diesem Wort.',
    runs: ['Aus dem König eine Prinzessin machen'],
    seen: (count, read, kept, wrong) => (
      `Wegen eines Wortes mussten ${counted(read)} von ${tokens(count)} neu berechnet werden. Mit den `
        + `alten K und V der ${counted(kept)} dahinter `
        + `${wrong > 0 ? `ist die Antwort ab ihrem ${counted(wrong)}. Token falsch`
          : 'kommt zufällig trotzdem die richtige Antwort heraus'}.`),
    why: 'Ab der zweiten Schicht bestehen K und V eines Tokens aus dem, was es in den Tokens davor gelesen '
      + 'hat. Das geänderte Wort steckt in ihnen allen. Wer die alten behält, bekommt ein Modell, das '
      + 'noch an das alte Wort denkt.',
    task: 'Mach es selbst: Schreibe in die beiden Prompts eine eigene Änderung, mit der die veraltete '
      + 'Antwort falsch wird. Beide Prompts müssen gleich viele Tokens haben.',
    says: {
      untried: 'Mit dieser Änderung geht es nicht: Die Abbildung sagt, warum.',
      lucky: (distance) => (
        'Die veraltete Antwort ist zufällig die richtige: Ihre Zahlen liegen um bis zu '
          + `${measured(distance)} daneben. Ändere ein Wort, auf das mehr ankommt.`),
      passed: (wrong, old) => (
        `Die veraltete Antwort wird mit ihrem ${counted(wrong)}. Token falsch; ihre ersten ${counted(old)} `
          + 'sind die der Antwort auf den alten Prompt.'),
    },
  },

  limits: {
    title: 'Begrenzen, freigeben, kaputt machen',
    question: 'Der Cache hält K und V von 100 Tokens. Von jetzt an darf die Attention nur noch die '
      + 'neuesten 50 lesen. Wie viel Speicher wird dadurch frei?',
    answers: ['Die Hälfte.', 'Keiner.', 'Fast der ganze.'],
    ask: 'Begrenze das Lesen auf nichts: Lass langsam mit Cache schreiben, schalte ihn mittendrin aus und '
      + 'drücke etwas später auf „Anhalten“. Lass dann mit Cache einen anderen Prompt weiterschreiben.',
    runs: ['Langsam mit Cache schreiben', 'Einen anderen Prompt weiterschreiben'],
    seen: (held, length, bytes, now) => (
      `Der Text hatte ${tokens(length)}. Niemand las mehr im Cache, und er hielt immer noch K und V von `
        + `${counted(held)}: `
        + `${size(bytes)}.${now > 0 ? ` Nach dem Lauf danach hält er ${counted(now)}.` : ''}`),
    why: 'Weniger Zeilen zu lesen kostet weniger Zeit. Speicher wird erst frei, wenn Zeilen verworfen '
      + 'werden, damit andere an ihre Stelle treten können. Hier geschieht das, wenn ein Prompt nicht so '
      + 'beginnt wie der Text davor: Was hinter dem ersten Unterschied steht, wird verworfen.',
    task: 'Zeilen, die zur falschen Zeit gelesen, verworfen oder überschrieben werden, ergeben einen '
      + 'falschen Text. Unter „Kaputt machen“ stehen echte Fehler: Finde einen, mit dem die ersten 10 '
      + 'Tokens noch richtig herauskommen.',
    says: {
      same: 'Mit diesem Fehler stimmen hier alle Zahlen. Versuche einen anderen.',
      soon: (count) => `Nur ${tokens(count)} kamen richtig heraus. Versuche einen anderen Fehler.`,
      passed: (count) => (
        `${tokens(count)} kamen richtig heraus, und der Cache war trotzdem falsch. Ein Test mit weniger `
          + 'Text findet das nie.'),
    },
  },
};
