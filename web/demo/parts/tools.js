// What a reader may take of a figure: a link to its state, and a picture of it. How pictures are made is
// fetched when the first one is wanted.
import { button } from './dom.js';
import { taking } from './take.js';

/**
 * @import { Context } from '../view.js'
 * @import { State } from '../state.js'
 *
 * @typedef {object} Subject
 * @property {string} name   of the view
 * @property {string} title
 * @property {HTMLElement} node  in the figure, whose colours and type are meant
 * @property {() => { sentence: string, state?: State }} now  what is seen; state: if it is of a run
 * @property {(studio: HTMLElement) => SVGSVGElement} [draw]  studio: an empty place in the figure, unseen
 */

/** @param {Pick<Context, 'signal' | 'words' | 'share'>} context  @param {Subject} subject */
export function toolsOf(context, subject) {
  const { signal, words: { take: words, later }, share } = context;
  const { news, field, tell, copy, save } = taking(words);
  let failures = 0;
  /** @param {string} part  @param {string} label  @param {() => void} act  @param {string} [title] */
  const tool = (part, label, act, title) => {
    const made = button({ class: 'quiet', part, title, 'aria-label': title }, label);
    made.addEventListener('click', act, { signal });
    return made;
  };
  /** @param {'svg' | 'png'} kind */
  const picture = (kind) => tool(`save-${kind}`, kind.toUpperCase(), async () => {
    const makers = await import('./taken.js').catch(() => undefined);
    if (!makers) return tell(later.failed(++failures));
    const { file, picture: made } = await makers.taken(context, subject);
    const name = `${file}.${kind}`;
    try {
      save(name, await makers[kind](made), words.saved(name));
    } catch { // the page's policy
      tell(words.noPng);
    }
  }, words.download(kind.toUpperCase()));
  const link = tool('copy-link', words.copy[share.kind], () => (
    copy(share.textFor(subject.name), words.copied[share.kind])));
  const tools = subject.draw ? [link, picture('svg'), picture('png')] : [link];
  return { tools, tool, news, field, tell, copy, save };
}
