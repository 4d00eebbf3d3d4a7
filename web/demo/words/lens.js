// The lens's words come with it, and not with the figure's.
import { lens as de } from './de-lens.js';
import { lens as en } from './en-lens.js';

/** By language, as DICTIONARIES. @type {Readonly<Record<string, typeof en>>} */
export const LENS = { en, de };
