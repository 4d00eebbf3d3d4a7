// The strips' words come with them, and not with the figure's.
import { strips as de } from './de-strips.js';
import { strips as en } from './en-strips.js';

/** By language, as DICTIONARIES. @type {Readonly<Record<string, typeof en>>} */
export const STRIPS = { en, de };
