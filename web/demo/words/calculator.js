// The calculator's words come with it, and not with the figure's.
import { calculator as de } from './de-calculator.js';
import { calculator as en } from './en-calculator.js';

/** By language, as DICTIONARIES. @type {Readonly<Record<string, typeof en>>} */
export const CALCULATOR = { en, de };
