// The words of the view of sounds come with it, and not with the figure's.
import { sounds as de } from './de-sounds.js';
import { sounds as en } from './en-sounds.js';

/** By language, as DICTIONARIES. @type {Readonly<Record<string, typeof en>>} */
export const SOUNDS = { en, de };
