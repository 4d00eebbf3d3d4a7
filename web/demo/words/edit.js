// The words of an edited prompt come with its view, and not with the figure's.
import { edit as de } from './de-edit.js';
import { edit as en } from './en-edit.js';

/** By language, as DICTIONARIES. @type {Readonly<Record<string, typeof en>>} */
export const EDIT = { en, de };
