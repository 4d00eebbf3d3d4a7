// Was der Rundgang um seine Lektionen herum sagt, auf Deutsch.
import { runs } from './de-lessons.js';
import { prompts } from './de-lessons-prompts.js';

/** @import { tour as english } from './en-tour.js' */

/** @type {typeof english} */
export const tour = {
  place: (lesson, all) => `Lektion ${lesson} von ${all}`,
  guess: 'Raten',
  try: 'Versuchen',
  see: 'Sehen',
  check: 'Jetzt du',
  untried: 'Versuche es zuerst: Was dabei herauskommt, steht dann hier.',
  verdict: {
    right: 'Richtig geraten: ',
    other: 'Es ist eine andere Antwort: ',
    none: 'Die Antwort: ',
  },
  open: 'Die Seite achtet auf deinen nächsten Versuch.',
  solved: 'Geschafft. ',
  previous: 'Zurück',
  next: 'Weiter',
  list: 'Alle Lektionen',
  marks: { tried: 'versucht', done: 'geschafft' },
  figure: 'Die Abbildung dieser Lektion',

  lessons: { ...runs, ...prompts },
};
