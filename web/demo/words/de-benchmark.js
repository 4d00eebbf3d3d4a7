// Was die Messung sagt, auf Deutsch.
import { numbersIn } from '../../measure/numbers.js';

/** @import { Dictionary } from './en.js' */

const { counted, measured, plain } = numbersIn('de');
const bits = { f32: '32-Bit-Gewichten', int8: '8-Bit-Gewichten' };

/** @type {Dictionary['benchmark']} */
export const benchmark = {
  stop: 'Anhalten',
  blocked: 'Gerade entsteht eine Geschichte: anhalten oder warten, bis sie fertig ist.',
  progress: 'Anteil der Messung, der erledigt ist',

  idle: 'Nichts verlässt dieses Gerät. Ein großes Modell braucht länger.',
  interrupted: 'Angehalten, bevor etwas gemessen war.',
  loading: 'Wird vorbereitet.',
  running: 'Messung läuft.',
  step: ({ weights, context, types }, percent) => (
    types ? `Messung von Caches in ${types.join(', ')}: zu ${percent} % fertig.`
      : `Messung mit ${bits[weights]} nach ${counted(context)} Tokens: zu ${percent} % fertig.`),
  second: (weights) => `Zur Hälfte fertig: Das Modell wird noch einmal geladen, mit ${bits[weights]}.`,
  failed: 'Das ist nicht gelungen.',
  failedLate: 'Das ist nicht bis zum Ende gelungen; was fertig wurde, steht unten.',
  stopped: 'Angehalten: Was fertig wurde, steht unten.',
  done: 'Gemessen.',
  found: (context, cached, uncached, patienceMs) => {
    const on = `Nach ${counted(context)} Tokens schreibt dieses Gerät mit Cache ${measured(cached)} Tokens `
      + `je Sekunde`;
    return uncached === undefined ? `${on}; ohne dauert ein Token länger als ${plain(patienceMs / 1000)} s.`
      : `${on} und ohne ${measured(uncached)}.`;
  },
};
