// A fork of the run: a second timeline that shares its beginning, page by page, and goes on with words of its
// own. It lives in a session apart, so that the run and its memory stay as they are, and is let go of again.
import { KvcError } from '../index.js';
import { invalid, isCount, optionsOf, shown } from '../engine/arguments.js';
import { PAGE } from '../engine/page.js';
import { roomOf } from './context.js';
import { goingOn, seedAfter } from './drawn.js';
import { gapIn } from './slid.js';
import { writing } from './sourced.js';

/**
 * @import { Session } from '../session/session.js'
 * @import { Context, WorkerRun } from './context.js'
 * @import { SeenFork } from './seen.js'
 */

const USUAL_TOKENS = 24;
const MOST_TOKENS = 256;

/**
 * @param {Context} context  @param {WorkerRun} run  @param {number} given  tokens of the run
 * @param {{ position: number, count?: number }} wanted
 * @returns {Promise<SeenFork>}
 */
export async function forkOf(context, run, given, wanted) {
  const { position, count = USUAL_TOKENS } = optionsOf('inspect fork', wanted, ['position', 'count']);
  if (!isCount(position) || position < 1 || position > given) {
    throw new KvcError('position_out_of_range',
      `A story of ${given} tokens cannot be forked after ${shown(position)} of them.`);
  }
  if (!isCount(count) || count > MOST_TOKENS) {
    throw invalid(`A fork writes up to ${MOST_TOKENS} tokens; ${shown(count)} is not possible.`);
  }
  const { model, session: other, session: { kvCache: { keyType, valueType } } } = context.loaded();
  const session = model.createSession({ ...roomOf(other), keyType, valueType, sequences: 2 });
  try {
    const ids = run.ids.slice(0, given);
    const read = (/** @type {number} */ tokens) => (
      writing(session, run, ids.slice(0, tokens), { maxTokens: 0, useCache: true }).next());
    // Where the story has let go of pages since, it forks there and then goes on.
    const goesOn = gapIn(session, position).end < gapIn(session, given).end;
    await read(goesOn ? position : given);
    session.fork(0, 1);
    session.select(1);
    const seed = seedAfter(run.sampling.seed ?? 0, given); // none that the story has drawn with
    const tokens = [];
    const written = Math.max(0, position - run.prompt);
    const options = { ...goingOn(model, run.sampling, written, count), seed, useCache: true };
    for await (const { id, text } of writing(session, run, ids.slice(0, position), options)) {
      tokens.push({ id, text, position: position + tokens.length });
    }
    session.select(0);
    if (goesOn) await read(given);
    const [story, fork] = session.cacheMap();
    const { usedBytes, sharedBytes } = session.memoryUsage();
    session.drop(1);
    return {
      position, tokens, story: story.pages, fork: fork.pages, usedBytes, sharedBytes,
      droppedBytes: session.memoryUsage().usedBytes, ...goneFrom(session, given, position + tokens.length),
    };
  } finally {
    session.dispose();
  }
}

/**
 * Pages that have left the cache past the context; nothing where none has.
 * @param {Session} session  @param {number} story  tokens  @param {number} fork
 */
function goneFrom(session, story, fork) {
  const [ofStory, ofFork] = [story, fork].map((tokens) => gapIn(session, tokens)).map(({ first, end }) => (
    (end - first) / PAGE));
  return ofStory + ofFork > 0 && { gone: { first: session.sinks / PAGE, story: ofStory, fork: ofFork } };
}
