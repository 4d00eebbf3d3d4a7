// The options of generate() as those of a command.
import { camelCase } from './options.js';

/**
 * @import { GenerateOptions } from '../session/sampling.js'
 * @import { Table, Value } from './options.js'
 */

/** @type {Table} */
export const SAMPLING_OPTIONS = {
  'max-tokens': { value: 'N', number: true, help: 'to write, at most' },
  temperature: { value: 'X', number: true, help: '0: always the likeliest token; without it, as with\n'
    + "the next ones, the model's own" },
  'top-k': { value: 'N', number: true, help: 'only the N likeliest tokens; 0: all' },
  'top-p': { value: 'X', number: true, help: 'only the likeliest that together have this probability' },
  'min-p': { value: 'X', number: true, help: 'only those at least so likely, compared with the likeliest' },
  'repetition-penalty': { value: 'X', number: true, help: 'above 1: what was used becomes less likely' },
  'frequency-penalty': { value: 'X', number: true, help: 'off the logit of what was used, for each time' },
  'presence-penalty': { value: 'X', number: true, help: 'the same, once' },
  'no-repeat-ngram-size': { value: 'N', number: true, help: 'so many never come twice in the same order' },
  'min-tokens': { value: 'N', number: true, help: 'before a text may end' },
  stop: { value: 'TEXT', help: 'ends before this' },
  seed: { value: 'N', number: true, help: 'another one, another text; 0 if it is not given' },
};

/** Those of them that were given. @param {Readonly<Record<string, Value>>} values */
export function samplingOf(values) {
  const names = Object.keys(SAMPLING_OPTIONS).map(camelCase);
  const given = names.filter((name) => name in values).map((name) => [name, values[name]]);
  return /** @type {GenerateOptions} */ (Object.fromEntries(given));
}
