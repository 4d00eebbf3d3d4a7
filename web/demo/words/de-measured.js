// Was die Messung über ihre Zahlen sagt, auf Deutsch.
import { architecture } from '../../measure/figures.js';
import { numbersIn } from '../../measure/numbers.js';

const { counted, day, measured } = numbersIn('de');
const bits = { f32: '32-Bit-Gewichten', int8: '8-Bit-Gewichten' };

/** @type {typeof import('./en-measured.js').figures} */
export const figures = {
  title: 'Wie schnell ist dieses Gerät?',
  lead: 'Eine Messung dieses Modells in diesem Browser: Lesen und Schreiben, mit Cache und ohne, nach 64, '
    + '256 und 1.000 Tokens, mit Gewichten von 32 und von 8 Bit; wie nahe das dem kommt, was das Gerät '
    + 'überhaupt leisten kann; und was ein Cache mit kleineren Zahlen kostet.',
  encoder: 'Das gewählte Modell hat einen Encoder. Dieser Benchmark misst Modelle, die einen Prompt '
    + 'fortsetzen; die anderen misst benchmarkSources() aus dem Paket.',
  measure: (seconds) => `Messen (etwa ${seconds} Sekunden)`,
  legend: 'Balken: geschriebene Tokens je Sekunde, alle im selben Maßstab; der Strich unter einem Balken '
    + 'reicht von der langsamsten bis zur schnellsten Wiederholung. Tabellen: der Median, darunter der '
    + 'kleinste und der größte Wert.',
  after: (context) => `Nach ${counted(context)} Tokens`,
  timesAsFast: (times) => `${measured(times)}-mal so schnell`,
  leftOut: 'ausgelassen, dauert zu lange',
  tokens: (context) => `${counted(context)} Tokens`,
  weights: { f32: 'Gewichte von 32 Bit (f32)', int8: 'Gewichte von 8 Bit (int8)' },
  about: 'etwa',
  lines: {
    prefill: 'Prefill',
    cached: 'Decode, Cache an',
    uncached: 'Decode, Cache aus',
    ofPeak: 'der Spitze',
    ofBandwidth: 'der Bandbreite',
    reads: 'Ein Token liest',
    multiplies: 'und multipliziert',
    bandwidth: 'Bandbreite',
    peak: 'Spitze',
  },
  units: { rate: 'Tokens/s', bytes: 'MB', operations: 'Mio.‑mal', byteRate: 'GB/s', operationRate: 'Mrd./s' },
  caches: {
    title: 'Typen von Caches',
    means: (context, tokens) => (
      `Ein Text von ${counted(tokens)} Tokens, den das Modell geschrieben hat, mit einem Cache jedes Typs `
        + `gelesen und mit f32 verglichen; danach Schreiben nach ${counted(context)} Tokens, reihum. Kleine `
        + 'Zahlen sparen Speicher und runden: Darum nimmt diese Seite f32.'),
    type: 'Gespeichert als',
    kept: 'Ein Token belegt',
    decode: 'Tokens/s',
    same: 'Dasselbe wahrscheinlichste Token',
    kl: 'KL-Divergenz (nat)',
    exact: 'immer',
    share: (share) => `${measured(100 * share)} %`,
  },
  equal: 'Gleich',
  equalRest: ': Mit Cache und ohne, wo beides gemessen wurde, in jeder Wiederholung, waren die Zahlen des '
    + 'Modells bis aufs letzte Bit gleich.',
  notLoaded: (weights) => `Nicht gemessen: Das Modell ließ sich mit ${bits[weights]} nicht laden.`,
  remarks: {
    stopped: 'Vor dem Ende angehalten.',
    hidden: 'Der Tab war eine Zeit lang verdeckt: Browser bremsen solche Tabs.',
    failed: 'Vor dem Ende gescheitert:',
  },
  place: ({ date, machine: { browser, system, logicalCores }, build, config }) => {
    const cores = logicalCores ? `, ${logicalCores} logische Kerne` : '';
    const machine = `${browser}${system ? ` auf ${system}` : ''}${cores}, nach Angabe des Browsers`;
    const kind = architecture(config);
    const { nLayer, nEmbd, nHead, vocabSize } = config;
    const shape = `${nLayer} Schichten, Breite ${nEmbd}, ${nHead} Köpfen, Vokabular ${counted(vocabSize)}`;
    const time = `${day(date)} um ${date.slice(11, 16)} Uhr (UTC)`;
    return `Gemessen am ${time}: ${machine}; ein Thread, Fassung ${build}; ${kind} mit ${shape}.`;
  },

  copyMarkdown: 'Als Markdown kopieren',
  copyJson: 'Als JSON kopieren',
  copied: (kind) => `Als ${kind} kopiert.`,

  how: 'Wie gemessen wird',
  method: [
    'Reihum: ein Schritt ohne Cache, der ganze Kontext in einem Durchgang gelesen (Prefill), danach '
      + 'Schreiben mit Cache; und dasselbe noch einmal. Dazwischen, Stück für Stück, Multiplizieren und '
      + 'Addieren und Lesen aus dem Speicher. Was das Gerät kurz bremst, bremst alles davon. Eine erste '
      + 'Runde zählt nicht.',
    'Jeder Wert beruht auf mindestens 60 ms Rechenzeit in einem Thread, dem Hintergrund-Worker der Seite. '
      + 'Ein Durchgang über den ganzen Kontext, der länger als 1,5 s dauern würde, wird ausgelassen.',
    '„Der Bandbreite“: die Bytes, die ein Token liest, Gewichte und Cache, geteilt durch jene, die dieser '
      + 'Browser in derselben Zeit aus einem Puffer von der Größe der Gewichte hätte lesen können.',
    '„Der Spitze“: Multiplikationen und Additionen, geteilt durch jene, die in derselben Zeit in Registern '
      + 'möglich gewesen wären, mit 32-Bit-Zahlen oder, bei 8-Bit-Gewichten, mit kleinen ganzen Zahlen. Die '
      + 'Zahlen dorthin zu bringen, kostet ebenfalls Zeit. Ein Anteil knapp über 100 % ist Messfehler und '
      + 'erscheint als „etwa 100 %“; einer weit darüber war gestört und wird ausgelassen.',
    'Bei den Caches: Dasselbe wahrscheinlichste Token und die KL-Divergenz (der Wahrscheinlichkeiten des '
      + 'nächsten Tokens von denen mit f32) sind Mittel über den Text. Es ist ein eigener Text des Modells, '
      + 'ohne jeden Filter gezogen; bei anderen Texten sind sie ein wenig anders.',
    'Mit Cache und ohne, in jeder Wiederholung, muss die Ausgabe des Modells bis aufs letzte Bit gleich '
      + 'sein. Ist sie es nicht, erscheint kein Wert.',
  ],
  bench: ' misst mit demselben Code außerhalb des Browsers, und mehr.',
};
