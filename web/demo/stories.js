// The ways that a run has gone: readers go back in it, have it written again, or choose another token, and
// then its story forks. Every story is kept, so that what is written again can be compared with what was
// there. Pure.
import { Log } from './log.js';

/** @import { Cut, WrittenToken } from '../worker/messages.js' */

/**
 * All counts are of tokens behind the prompt.
 * @typedef {object} Story
 * @property {number} [of]    the story that it left, by its place in the list; absent: it is the first
 * @property {number} from    where its own tokens begin
 * @property {Log<WrittenToken>} tokens  all that was ever written of it
 * @property {string} [hash]  of the logits behind its last token, as they first were
 *
 * @typedef {object} Again  what is written once more, compared with what was there
 * @property {number} from       it begins there
 * @property {number} same       tokens that came again
 * @property {number} [parting]  the first that did not; there should be none
 * @property {boolean} [equal]   whether the hash at the story's end is as it first was
 *
 * @typedef {object} Stories
 * @property {readonly Story[]} list
 * @property {number} now      place of the one that stands there, all of it or its beginning
 * @property {{ from: number, kept: number, to: number } & Pick<Cut, 'taken' | 'dropped' | 'droppedBytes'>}
 *   [cut]  when the text last became another one: its tokens before; those of them that stayed; its tokens
 *   after; what the cache had of it, and let go of
 * @property {Again} again     since then
 */

/**
 * A run before anybody has gone back in it.
 * @param {Log<WrittenToken>} tokens  @param {string} [hash]
 * @returns {Stories}
 */
export const firstStory = (tokens, hash) => (
  { list: [{ from: 0, tokens, hash }], now: 0, again: { from: tokens.length, same: 0 } });

/** The one that stands there. @param {Stories} stories */
export const storyNow = ({ list, now }) => list[now];

/** @param {readonly Story[]} list  @param {number} place  @param {Story} story */
const replaced = (list, place, story) => list.map((each, i) => (i === place ? story : each));

/**
 * Tokens that both have at the beginning.
 * @param {Log<WrittenToken>} tokens  @param {readonly { id: number }[]} written
 */
function shared(tokens, written) {
  let n = 0;
  while (n < written.length && tokens.at(n)?.id === written[n].id) n++;
  return n;
}

/** It and those that it comes from. @param {Stories} stories  @returns {number[]} */
function lineage({ list, now }) {
  /** @type {number[]} */
  const line = [];
  for (let each = /** @type {number | undefined} */ (now); each !== undefined; each = list[each].of) {
    line.push(each);
  }
  return line;
}

/**
 * The story that a text begins: up to its first own token, which was chosen, a story is the one it left.
 * @param {Stories} stories  @param {readonly { id: number }[]} written
 */
const placeOf = (stories, written) => [...lineage(stories), ...stories.list.keys()].find((place) => {
  const { of, from, tokens } = stories.list[place];
  return (of === undefined || from < written.length) && shared(tokens, written) === written.length;
});

/**
 * The text has become another one: the beginning of a story that there is, or else a new one.
 * @param {Stories} stories  @param {Cut} cut
 * @param {number} before   tokens that the text had
 * @param {number} prompt   tokens of it
 * @returns {{ stories: Stories, tokens: Log<WrittenToken> }}  the text now
 */
export function turn(stories, cut, before, prompt) {
  const { list, now } = stories;
  const { written, taken, dropped, droppedBytes, cached } = cut;
  const place = placeOf(stories, written);
  const { tokens: known } = list[place ?? now];
  const kept = shared(known, written);
  const tokens = new Log(written.map(({ id, text }, i) => {
    const position = prompt + i;
    const token = i < kept && known.at(i);
    return token ? { ...token, text } : { id, text, position, cached, work: cached ? 1 : position + 1 };
  }));
  const last = {
    from: before, kept: Math.max(0, cut.kept - prompt), to: tokens.length, taken, dropped, droppedBytes,
  };
  const news = { cut: last, again: { from: tokens.length, same: 0 } };
  if (place !== undefined) return { stories: { list, now: place, ...news }, tokens };
  const all = [...list, { of: now, from: kept, tokens }];
  return { stories: { list: all, now: list.length, ...news }, tokens };
}

/**
 * A token was written behind so many.
 * @param {Stories} stories  @param {WrittenToken} token  @param {number} index
 * @returns {Stories}
 */
export function follow(stories, token, index) {
  const { list, now, again } = stories;
  const { tokens } = list[now];
  const known = tokens.at(index);
  if (again.parting !== undefined) return stories;
  if (!known) {
    const story = { ...list[now], tokens: tokens.append(token), hash: undefined };
    const { from, same } = again; // its end is another one now
    return { ...stories, list: replaced(list, now, story), again: { from, same } };
  }
  const news = known.id === token.id ? { same: again.same + 1 } : { parting: index };
  return { ...stories, again: { ...again, ...news } };
}

/**
 * Writing has ended, after so many tokens; the logits there have this hash.
 * @param {Stories} stories  @param {number} length  @param {string} [hash]
 * @returns {Stories}
 */
export function ended(stories, length, hash) {
  const { list, now, again } = stories;
  const story = list[now];
  if (hash === undefined || story.tokens.length !== length) return stories;
  if (story.hash !== undefined) return { ...stories, again: { ...again, equal: story.hash === hash } };
  return { ...stories, list: replaced(list, now, { ...story, hash }) };
}
