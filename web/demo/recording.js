// A run of a shipped model that was recorded, to be shown before anything was run here: what its worker
// reported, kept small, and given back event by event. npm run record makes one; nothing in it is made up.

/**
 * @import { Config } from '../config/config.js'
 * @import { Variant } from '../engine/variants.js'
 * @import { MemoryUsage } from '../session/inspect.js'
 * @import { Answer, Prefill, Proof, WrittenToken } from '../worker/messages.js'
 * @import { FlowEvent } from './state.js'
 * @import { Values } from './sampling.js'
 */

/**
 * Tokens that were given out together, and the burst that tells how long each of them took: how many; where
 * the burst begins, counted from the first of them; its tokens; its milliseconds. Without a burst, the first.
 * @typedef {[given: number] | [given: number, first: number, tokens: number, ms: number]} Group
 *
 * @typedef {object} Stretch  between two flips of the switch
 * @property {boolean} cached
 * @property {number} [missing]  tokens that the cache took in before it, if it follows a flip
 * @property {number} [ms]       of that
 * @property {number} [held]     tokens in the cache meanwhile; absent: all of the text
 * @property {readonly Group[]} groups
 *
 * @typedef {object} Recording
 * @property {string} date       a day, in UTC: 2026-11-25
 * @property {Record<string, string>} machine  what it ran on, in a few words, by language
 * @property {string} browser    with its version
 * @property {string} version    of this project
 * @property {string} model      its folder
 * @property {{ config: Readonly<Config>, variant: Variant, tick: number }} engine
 * @property {string} prompt
 * @property {Values} sampling
 * @property {Prefill} prefill
 * @property {Record<'prompt' | 'text', Proof>} proofs
 * @property {Answer<'generate'>['reason']} reason
 * @property {MemoryUsage} memory  at its end
 * @property {readonly Stretch[]} stretches
 * @property {readonly number[]} ids
 * @property {readonly string[]} texts
 *
 * @typedef {{ at: number, event: FlowEvent }} Moment  at: milliseconds of computing since the run began
 */

const LONGEST_MS = 6000; // of a replay

/** All that the worker reported, in order. @param {Recording} recording  @returns {Moment[]} */
export function momentsOf(recording) {
  const { prefill, proofs, reason, memory, stretches } = recording;
  let position = prefill.tokens;
  let at = prefill.ms;
  /** @type {Moment[]} */
  const moments = [{ at, event: { type: 'prefilled', ...prefill } }];
  for (const { cached, missing, ms = 0, held, groups } of stretches) {
    at += ms;
    if (missing !== undefined) moments.push({ at, event: { type: 'resumed', cached, missing, ms } });
    for (const group of groups) {
      const tokens = tokensOf(recording, position, cached, group);
      position += tokens.length;
      const usedBytes = (held ?? position) * memory.bytesPerToken;
      at += msOfGroup(group);
      moments.push({ at, event: { type: 'tokens', tokens, memory: { ...memory, usedBytes } } });
      if (moments.length === 2) moments.push({ at, event: { type: 'proof', ...proofs.prompt } });
    }
  }
  const { on: hash } = proofs.text;
  moments.push({ at, event: { type: 'run ended', reason, position, memory, hash } });
  const proof = /** @type {Answer<'prove'>} */ (proofs.text);
  return [...moments, { at, event: { type: 'compared', proof } }];
}

/**
 * @param {Recording} recording  @param {number} position  @param {boolean} cached  @param {Group} group
 * @returns {WrittenToken[]}
 */
function tokensOf({ prefill, ids, texts }, position, cached, [given, first, tokens = 0, ms = 0]) {
  const burst = first === undefined ? undefined : { first: position + first, tokens, ms };
  const start = position - prefill.tokens;
  return ids.slice(start, start + given).map((id, i) => ({
    id, text: texts[start + i], position: position + i, cached, work: cached ? 1 : position + i + 1,
    ...(burst && { burst }),
  }));
}

/** @param {Group} group */
const msOfGroup = ([given, , tokens = 1, ms = 0]) => given * ms / tokens;

/** How many times as fast as it was a run is shown again, so that nobody has to wait. @param {number} ms */
export const hasteOf = (ms) => Math.max(1, Math.ceil(ms / LONGEST_MS));
