// The words around figures come with the first of them, and not with the demo.
import { frame as de } from './de-frame.js';
import { frame as en } from './en-frame.js';

/** By language, as DICTIONARIES. @type {Readonly<Record<string, typeof en>>} */
export const FRAME = { en, de };
