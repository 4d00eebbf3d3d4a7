// The words of all views that look inside a run come with them, and not with the figure's.
import { looks as de } from './de-looks.js';
import { looks as en } from './en-looks.js';

/** By language, as DICTIONARIES. @type {Readonly<Record<string, typeof en>>} */
export const LOOKS = { en, de };
