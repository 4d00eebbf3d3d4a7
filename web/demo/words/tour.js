// The tour's words come with it, and not with the figure's.
import { tour as de } from './de-tour.js';
import { tour as en } from './en-tour.js';

/** By language, as DICTIONARIES. @type {Readonly<Record<string, typeof en>>} */
export const TOUR = { en, de };
