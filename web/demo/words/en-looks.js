// Why there is nothing to see inside a run, in English.
import { numbersIn } from '../../measure/numbers.js';

const { megabytes } = numbersIn('en');

export const looks = {
  /** bytes: of the download; 0 if not known */
  recorded: (/** @type {number} */ bytes) => (
    `The recording does not hold this. Press Generate once${bytes > 0 ? ` (${megabytes(bytes)})` : ''}, and `
      + 'it is looked up in the engine.'),
  empty: 'Once a story is being written, you see here what is inside.',
  racing: 'Nobody looks inside during a race: it would cost time.',
  apart: 'The engine is at another task. When it has ended, you can look inside again.',
  gone: 'Another figure has written since then. Press Generate to look inside again.',
};
