// The words of the benchmark's figures come with its view, and not with the figure's.
import { figures as de } from './de-measured.js';
import { figures as en } from './en-measured.js';

/** @import { Dictionary } from './en.js' */

/** By language, as DICTIONARIES. @type {Readonly<Record<string, typeof en>>} */
export const MEASURED = { en, de };

/** A dictionary that has them. @param {Dictionary} words */
export const withMeasured = (words) => (
  { ...words, benchmark: { ...words.benchmark, ...MEASURED[words.lang] } });

/** @typedef {ReturnType<typeof withMeasured>} Measured */
