// The work triangle's words come with it, and not with the figure's.
import { work as de } from './de-work.js';
import { work as en } from './en-work.js';

/** By language, as DICTIONARIES. @type {Readonly<Record<string, typeof en>>} */
export const WORK = { en, de };
