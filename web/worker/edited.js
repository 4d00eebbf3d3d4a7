// A prompt is changed and read again. What a cache spares that holds the old one is measured against reading
// all of it; then, on purpose, later keys and values are kept, though they are those of the old prompt.
import { withVectorsOf } from '../lab/stale.js';
import { NO_RULES } from '../session/settings.js';
import { measuredPrefill } from './prefill.js';

/**
 * @import { Session } from '../session/session.js'
 * @import { Prefill, Watch } from './prefill.js'
 *
 * @typedef {object} Job
 * @property {Session} session  starts anew
 * @property {number[]} before  the old prompt
 * @property {number[]} after
 * @property {number} maxTokens  of each answer
 * @property {AbortSignal} signal
 * @property {boolean} windowed  layers of the model have windows
 *
 * @typedef {object} Compared    greedy, all of it
 * @property {Prefill} rest      reading of the new prompt what a cache that holds the old one lacks; as the
 *   next one the fastest of several
 * @property {Prefill} whole     reading all of it
 * @property {Kept} [kept]
 * @property {{ before: WrittenId[], after: WrittenId[], stale?: WrittenId[] }} answers  to the old prompt,
 *   to the new one, and to the new one by mistake
 * @property {{ rest: string, whole: string, stale?: string }} hashes  of the logits behind the new prompt, by
 *   the way in which it was read
 * @property {number} [distance]  of the stale logits from the right ones: that of the id where it is largest
 *
 * The mistake: behind the last change, these tokens keep the keys and values that they had in the old prompt.
 * The newest token is computed, for its logits. There are none where nothing else follows the change, where
 * the prompts have not the same number of tokens: then they have moved; or where some may have left the
 * cache: with a model that has windows, and in a sliding one that the prompt does not fit.
 * @typedef {{ first: number, count: number }} Kept
 * @typedef {{ id: number, text: string }} WrittenId
 */

const GREEDY = { ...NO_RULES, temperature: 0, repetitionPenalty: 1, useCache: true };
const ROUNDS = 3; // of measuring both ways in turn: something else may have kept the machine busy in one

/** @param {Watch} watch  @param {Job} job  @returns {Promise<Compared>} */
export async function compared(watch, job) {
  const { session, before, after, windowed } = job;
  session.reset();
  await read(job, before);
  const old = { state: session.save(), answer: await write(job, before) };
  const { rest, whole, hashes } = await measuredBoth(watch, job);
  const right = { logits: session.logits, state: session.save(), answer: await write(job, after) };
  const answers = { before: old.answer, after: right.answer };
  const isGone = windowed || after.length > session.capacity; // a state lacks what is
  const kept = isGone ? undefined : keptOf(before, after);
  if (!kept) return { rest, whole, hashes, answers };
  keep(job, right.state, old.state, kept);
  await read(job, after);
  return {
    rest, whole, kept, distance: distance(session.logits, right.logits),
    hashes: { ...hashes, stale: session.logitsHash },
    answers: { ...answers, stale: await write(job, after) },
  };
}

/**
 * How long the new prompt takes behind the old one and in an empty session, where it stays.
 * @param {Watch} watch  @param {Job} job
 */
async function measuredBoth(watch, job) {
  const { session, before, after, signal } = job;
  const measure = async () => {
    const prefill = await measuredPrefill(watch, session, { ids: after }, { ...GREEDY, signal });
    return { prefill, hash: session.logitsHash };
  };
  /** @type {Record<'rest' | 'whole', Awaited<ReturnType<typeof measure>>>[]} */
  const rounds = [];
  for (let round = 0; round < ROUNDS; round++) {
    session.reset();
    await read(job, before);
    const rest = await measure();
    session.reset();
    rounds.push({ rest, whole: await measure() });
  }
  const least = (/** @type {'rest' | 'whole'} */ way) => (
    rounds.map((round) => round[way].prefill).reduce((a, b) => (b.ms < a.ms ? b : a)));
  const [{ rest, whole }] = rounds;
  return { rest: least('rest'), whole: least('whole'), hashes: { rest: rest.hash, whole: whole.hash } };
}

/** @param {Job} job  @param {number[]} ids */
const read = ({ session, signal }, ids) => session.generate(ids, { ...GREEDY, maxTokens: 0, signal }).next();

/** Goes on behind a prompt that the session has read. @param {Job} job  @param {number[]} ids */
async function write({ session, maxTokens, signal }, ids) {
  /** @type {WrittenId[]} */
  const tokens = [];
  for await (const { id, text } of session.generate(ids, { ...GREEDY, maxTokens, signal })) {
    tokens.push({ id, text });
  }
  return tokens;
}

/** @param {readonly number[]} before  @param {readonly number[]} after  @returns {Kept | undefined} */
function keptOf(before, after) {
  if (before.length !== after.length) return undefined;
  let first = after.length;
  while (first > 0 && after[first - 1] === before[first - 1]) first--;
  const count = after.length - 1 - first;
  return first > 0 && count > 0 ? { first, count } : undefined;
}

/**
 * The session becomes one that has read the new prompt up to its newest token, with old keys and values.
 * @param {Job} job  @param {Uint8Array} state  @param {Uint8Array} oldState  behind each prompt
 * @param {Kept} kept
 */
function keep({ session, after }, state, oldState, { first, count }) {
  const { numLayers, numHeads, headDim } = session.kvCache;
  const shape = { tokens: after.length, numLayers, numHeads, headDim };
  session.restore(withVectorsOf(state, oldState, shape, first, first + count));
  session.truncate(after.length - 1);
}

/** @param {Float32Array} a  @param {Float32Array} b */
const distance = (a, b) => a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i])), 0);
