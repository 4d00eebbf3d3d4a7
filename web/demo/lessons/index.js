// The lessons of the tour, in the order of a journalist: first the thing itself, then why.
import { again } from './again.js';
import { early } from './early.js';
import { flip } from './flip.js';
import { free } from './free.js';
import { kept } from './kept.js';
import { limits } from './limits.js';
import { memory } from './memory.js';
import { phases } from './phases.js';
import { prompts } from './prompts.js';

/** @import { Lesson } from './lesson.js' */

/** @type {readonly Lesson[]} */
export const LESSONS = [flip, again, kept, free, memory, phases, prompts, early, limits];
