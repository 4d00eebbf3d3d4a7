// What the tour says around its lessons, in English.
import { runs } from './en-lessons.js';
import { prompts } from './en-lessons-prompts.js';

export const tour = {
  place: (/** @type {number} */ lesson, /** @type {number} */ all) => `Lesson ${lesson} of ${all}`,
  guess: 'Guess',
  try: 'Try',
  see: 'See',
  check: 'Your turn',
  untried: 'Try it first: what comes of it is told here.',
  verdict: {
    right: 'You guessed right: ',
    other: 'The answer is another one: ',
    none: 'The answer is: ',
  },
  open: 'The page looks at what you try next.',
  solved: 'Done. ',
  previous: 'Previous',
  next: 'Next',
  list: 'All lessons',
  marks: { tried: 'tried', done: 'done' },
  figure: 'The figure of this lesson',

  lessons: { ...runs, ...prompts },
};
