// The words of the view "window" come with it, and not with the figure's.
import { window as de } from './de-window.js';
import { window as en } from './en-window.js';

/** By language, as DICTIONARIES. @type {Readonly<Record<string, typeof en>>} */
export const WINDOW = { en, de };
