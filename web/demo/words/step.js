// Its words come with the view, and not with the figure's.
import { step as de } from './de-step.js';
import { step as en } from './en-step.js';

/** By language, as DICTIONARIES. @type {Readonly<Record<string, typeof en>>} */
export const STEP = { en, de };
