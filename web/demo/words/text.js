// The words of the text as the cache come with it, and not with the figure's.
import { text as de } from './de-text.js';
import { text as en } from './en-text.js';

/** By language, as DICTIONARIES. @type {Readonly<Record<string, typeof en>>} */
export const TEXT = { en, de };
