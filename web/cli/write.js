// One text written by a model, with the cache on or off: what came of it and what it took. Two of them,
// compared.
import { KvcError } from '../engine/errors.js';
import { isConversation } from '../session/chat.js';

/**
 * @import { Message } from '../session/chat.js'
 * @import { Model } from '../session/model.js'
 * @import { FinishReason, Token } from '../session/plan.js'
 * @import { GenerateOptions } from '../session/sampling.js'
 * @import { Session } from '../session/session.js'
 *
 * @typedef {'on' | 'off'} Cache
 * @typedef {{ tokens: number, ms: number }} Timed  without pauses
 *
 * @typedef {object} Written
 * @property {Cache} cache
 * @property {number} prompt     its tokens; of these
 * @property {number} reused     were in the cache
 * @property {Timed} prefill     the others
 * @property {Timed} [encoder]   of a model with one: the prompt is its source, which comes before all these
 * @property {Timed} decode
 * @property {number[]} ids
 * @property {string} text
 * @property {string[]} hashes   of the logits after each of these
 * @property {FinishReason} reason
 * @property {number} cacheBytes held in the end
 * @property {number} [crossCacheBytes]  with an encoder: those of the source
 *
 * @typedef {object} Proof  that two runs are the same, as far as both went
 * @property {true} equal
 * @property {number} tokens     after each of which the logits are, and
 * @property {string} hash       of the last ones
 */

const RECENT_MS = 500;   // of computing behind the speed that is shown meanwhile
const WARM_UP_MS = 100;
const WARM_UP_PROMPT = [0, 0, 0, 0]; // any token will do

/**
 * Computes a little that nobody sees: an engine that has just begun is compiled better as it runs, and the
 * speed of a short text would be that of its compiler.
 * @param {Model} model  @param {AbortSignal} signal
 */
export async function warmUp(model, signal) {
  const session = model.createSession({ capacity: Math.min(8, model.config.nPositions) });
  try {
    for (let ms = 0; ms < WARM_UP_MS;) {
      session.reset();
      for await (const token of session.generate(WARM_UP_PROMPT, { temperature: 0, stop: [], signal })) {
        ms += token.ms;
      }
      ms += session.prefillStats.ms;
    }
  } finally {
    session.dispose();
  }
}

/**
 * @param {Session} session  its text may share its beginning with the prompt's
 * @param {string | number[] | readonly Message[]} prompt  text or ids of a source are read by themselves
 * @param {GenerateOptions & { signal: AbortSignal }} options
 * @param {(token: Token, speed: () => number) => Promise<void> | void} told  each token, and the tokens per
 *   second of the newest ones
 * @returns {Promise<Written>}
 */
export async function write(session, prompt, options, told) {
  const decode = { tokens: 0, ms: 0 };
  /** @type {number[]} */
  const ids = [];
  /** @type {string[]} */
  const hashes = [];
  const times = /** @type {number[]} */ ([]);
  let text = '';
  let isAborted = false;
  /** @type {Timed | undefined} */
  let encoder;
  try {
    if (session.sourceCapacity > 0 && !isConversation(prompt)) {
      encoder = await session.setSource(prompt, { signal: options.signal });
    }
    for await (const token of session.generate(prompt, options)) {
      decode.tokens++;
      decode.ms += token.ms;
      times.push(token.ms);
      ids.push(token.id);
      hashes.push(session.logitsHash);
      text += token.text;
      await told(token, () => speedOf(times));
    }
  } catch (error) {
    isAborted = error instanceof KvcError && error.code === 'aborted';
    if (!isAborted) throw error;
  }
  const isRead = !isAborted || ids.length > 0;
  const { tokens, reused, ms } = isRead ? session.prefillStats : { tokens: 0, reused: 0, ms: 0 };
  const { usedBytes, crossUsedBytes } = session.memoryUsage();
  return {
    cache: session.useCache ? 'on' : 'off', prompt: tokens, reused, prefill: { tokens: tokens - reused, ms },
    decode, ids, text, hashes, reason: session.finishReason ?? 'stopped', cacheBytes: usedBytes,
    ...encoder && { encoder, crossCacheBytes: crossUsedBytes },
  };
}

/** Tokens per second of the newest ones. @param {readonly number[]} times */
function speedOf(times) {
  let [ms, tokens] = [0, 0];
  for (; tokens < times.length && ms < RECENT_MS; tokens++) ms += times[times.length - 1 - tokens];
  return perSecond({ tokens, ms });
}

/** @param {Timed} timed */
export const perSecond = ({ tokens, ms }) => (ms > 0 ? (1e3 * tokens) / ms : 0);

/**
 * Compares them token by token: "outputs_differ" if there is anything to tell apart. Without a token there is
 * nothing to prove.
 * @param {Written} off  @param {Written} on
 * @returns {Proof | undefined}
 */
export function proofOf(off, on) {
  const stopped = off.reason === 'stopped' || on.reason === 'stopped';
  const tokens = stopped ? Math.min(off.ids.length, on.ids.length) : Math.max(off.ids.length, on.ids.length);
  for (let i = 0; i < tokens; i++) {
    if (off.ids[i] === on.ids[i] && off.hashes[i] === on.hashes[i]) continue;
    throw new KvcError('outputs_differ', `No speeds: at token ${i + 1} the run with the cache has id `
      + `${on.ids[i]} and logits ${on.hashes[i]}, and the one without it ${off.ids[i]} and ${off.hashes[i]}. `
      + 'They have to be the same. Please report this.');
  }
  return tokens > 0 ? { equal: true, tokens, hash: on.hashes[tokens - 1] } : undefined;
}
