// These words come with the choice of a model, and not with the figure's.
import { choice as de } from './de-choice.js';
import { choice as en } from './en-choice.js';

/** By language, as DICTIONARIES. @type {Readonly<Record<string, typeof en>>} */
export const CHOICE = { en, de };
