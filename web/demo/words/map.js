// The cache map's words come with it, and not with the figure's.
import { map as de } from './de-map.js';
import { map as en } from './en-map.js';

/** By language, as DICTIONARIES. @type {Readonly<Record<string, typeof en>>} */
export const MAP = { en, de };
