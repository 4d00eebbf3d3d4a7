// The lab's words come with it, and not with the figure's.
import { lab as de } from './de-lab.js';
import { lab as en } from './en-lab.js';

/** By language, as DICTIONARIES. @type {Readonly<Record<string, typeof en>>} */
export const LAB = { en, de };
