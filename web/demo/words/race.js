// The race's words come with it, and not with the figure's.
import { race as de } from './de-race.js';
import { race as en } from './en-race.js';

/** By language, as DICTIONARIES. @type {Readonly<Record<string, typeof en>>} */
export const RACE = { en, de };
