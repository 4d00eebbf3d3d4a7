// What brings a bug out. Some show in any text; some only after a rewind, an edit or a fork, in a full cache,
// or beside a second text. Each scenario brings a session to such a place and lets it write the story: the
// same one wherever it started from, unless the engine is wrong or the cache rounds.

/**
 * @import { AbortSignal } from '../engine/platform.js'
 * @import { SessionOptions } from '../session/options.js'
 * @import { GenerateOptions } from '../session/sampling.js'
 * @import { Session } from '../session/session.js'
 *
 * @typedef {object} Job
 * @property {readonly number[]} ids    of the prompt
 * @property {readonly number[]} other  another prompt
 * @property {number} tokens            to be written
 * @property {readonly { id: number, text: string }[]} [story]  to be read in their place
 * @property {GenerateOptions} sampling
 * @property {AbortSignal} [signal]
 * @property {(id: number) => string} decode
 *
 * Yields null when the session's logits are those after the prompt, then each token of the story when they
 * are those after that.
 * @typedef {{ id: number, text: string, sequence: number }} Step
 * @typedef {(session: Session, job: Job) => AsyncGenerator<Step | null, unknown, void>} Play
 *
 * @typedef {object} Scenario
 * @property {(job: Job) => SessionOptions & { capacity?: number }} [options]  of its session
 * @property {Play} play
 */

/** Tokens that are written and taken back, and of a second text: more than a page. */
export const DRAFT = 20;

/**
 * Makes a session's text these tokens, as a program with a prompt does.
 * @param {Session} session  @param {readonly number[]} ids  @param {Job} job
 */
const read = (session, ids, { signal }) => (
  session.generate(ids, { maxTokens: 0, useCache: true, signal }).next());

/** @param {Session} session  @param {Job} job */
async function* write(session, job) {
  await read(session, job.ids, job);
  yield null;
  yield* goOn(session, job, 0, job.tokens);
}

/**
 * Writes tokens behind what the session holds, or reads those of a story.
 * @param {Session} session  @param {Job} job
 * @param {number} from  @param {number} to  which tokens of the story these are
 * @param {number} [n]   texts at once
 * @returns {AsyncGenerator<Step, void, void>}
 */
async function* goOn(session, job, from, to, n = 1) {
  const { sampling, signal, story } = job;
  if (!story) {
    const options = { ...sampling, n, maxTokens: to - from, useCache: true, signal };
    yield* session.generate(session.tokens, options);
    return;
  }
  for (const token of story.slice(from, to)) {
    if (n > 1) session.decodeBatch([0, 1], [token.id, token.id]);
    else await read(session, [...session.tokens, token.id], job);
    yield { ...token, sequence: 0 };
  }
}

/** The prompt, and a draft behind it. @param {Job} job  @param {readonly number[]} ids */
const drafted = ({ other }, ids) => (
  [...ids, ...Array.from({ length: DRAFT }, (_, i) => other[i % other.length])]);

/**
 * The cache is full in the middle of the story, and the likeliest token is to come next. A right engine
 * refuses, so the newer half of the text is read again with it.
 * @param {(session: Session, half: number, next: number) => void} push  does it without asking
 * @returns {Scenario}
 */
const filled = (push) => ({
  options: ({ ids, tokens }) => ({ capacity: ids.length + Math.ceil(tokens / 2) }),
  async *play(session, job) {
    const { capacity } = session;
    const first = capacity - job.ids.length;
    yield* write(session, { ...job, tokens: first });
    const text = Array.from(session.tokens);
    if (text.length < capacity || first === job.tokens) return; // the story has ended
    const half = Math.ceil(capacity / 2);
    const id = job.story?.[first].id ?? session.top(1)[0].id;
    try {
      push(session, half, id);
    } catch {
      await read(session, [...text.slice(half), id], job);
    }
    yield { id, text: job.decode(id), sequence: 0 };
    yield* goOn(session, job, first + 1, job.tokens);
  },
});

/** By name. */
export const SCENARIOS = /** @satisfies {Readonly<Record<string, Scenario>>} */ ({
  /** The prompt is read, and the story written. */
  plain: { play: write },

  /** The prompt is read in two parts. */
  chunks: {
    async *play(session, job) {
      await read(session, job.ids.slice(0, Math.ceil(job.ids.length / 2)), job);
      yield* write(session, job);
    },
  },

  /** Tokens are written behind the prompt and taken back. */
  rewind: {
    async *play(session, job) {
      await read(session, drafted(job, job.ids), job);
      session.truncate(job.ids.length);
      yield* write(session, job);
    },
  },

  /** The same prompt comes once more, after something was written. */
  again: {
    async *play(session, job) {
      await read(session, drafted(job, job.ids), job);
      yield* write(session, job);
    },
  },

  /** The cache holds another prompt. */
  edit: {
    async *play(session, job) {
      await read(session, job.other, job);
      yield* write(session, job);
    },
  },

  /** Two beams change places, in a cache of 16-bit floats. */
  beams: {
    options: () => ({ sequences: 2, keyType: 'f16', valueType: 'f16' }),
    async *play(session, job) {
      await read(session, job.other, job);
      session.select(1);
      await read(session, job.ids, job);
      session.reorder([1, 0]);
      session.select(0);
      yield* write(session, job);
    },
  },

  /** Two texts go on from one beginning, whose pages they share. */
  fork: {
    options: () => ({ sequences: 2 }),
    async *play(session, job) {
      const shared = job.ids.slice(0, Math.ceil(job.ids.length / 2));
      await read(session, shared, job);
      session.fork(0, 1);
      await read(session, job.ids, job);
      session.select(1);
      await read(session, drafted(job, shared), job);
      session.select(0);
      yield* write(session, job);
    },
  },

  /** Two stories are written at the same time, in one batch. */
  batch: {
    options: () => ({ sequences: 2 }),
    async *play(session, job) {
      await read(session, job.ids, job);
      yield null;
      session.fork(0, 1);
      yield* goOn(session, job, 0, job.tokens, 2);
    },
  },

  /** The cache is full, and its older half is to make room. */
  slide: filled((session, half, id) => {
    session.evict(0, half);
    session.append([id]);
  }),
});

/** @typedef {keyof typeof SCENARIOS} ScenarioName */
