// What went wrong, in the reader's language and then in the engine's.
import { failureWords } from '../words.js';
import { element, say } from './dom.js';

/**
 * @import { Failure } from '../failure.js'
 * @import { Dictionary } from '../words/en.js'
 */

/**
 * A place for a failure, and a function that shows another one there.
 * @param {Dictionary} words  @param {Failure} [first]
 */
export function failurePlace(words, first) {
  const [lead, hint] = [element('span'), element('span')];
  const detail = element('span', { lang: 'en' });
  const node = element('span', {}, lead, detail, hint);
  /** @param {Failure | undefined} failure */
  const show = (failure) => {
    const said = failure ? failureWords(words, failure) : { lead: '', detail: '', hint: '' };
    const isFirst = said.lead === '';
    say(lead, said.lead);
    say(detail, isFirst ? said.detail : said.detail && ` ${said.detail}`);
    say(hint, said.hint && ` ${said.hint}`);
  };
  show(first);
  return { node, show };
}
