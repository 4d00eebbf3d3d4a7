// A text longer than its cache, written in a session that slides; and what the forgetting costs, measured on
// one text with windows and with all of it kept.
import { Pauses } from '../engine/pauses.js';
import { difference } from '../measure/narrow.js';

/**
 * @import { MemoryUsage } from '../session/inspect.js'
 * @import { Model } from '../session/model.js'
 * @import { Session } from '../session/session.js'
 * @import { WrittenId } from './edited.js'
 * @import { Watch } from './prefill.js'
 *
 * @typedef {{ capacity: number, sinks: number }} Window  tokens, in whole pages
 *
 * @typedef {object} Span   tokens that the cache holds side by side, and whose keys are turned alike
 * @property {number} token  the first one, counted in the text
 * @property {number} place  where it lies
 * @property {number} turned the place by which its key was turned: where it lay when it was written
 * @property {number} count
 *
 * @typedef {object} Held   after a burst
 * @property {WrittenId[]} written  in it
 * @property {number} ms    of computing them
 * @property {Span[]} spans
 * @property {MemoryUsage} memory
 * @property {number} capacity  as the session has it
 * @property {number} sinks
 *
 * @typedef {object} Bits   of each token of a text but the first, in order
 * @property {Float32Array} sinks  seen through a window with sinks
 * @property {Float32Array} plain  through one without
 * @property {Float32Array} whole  with all tokens before it
 *
 * @typedef {object} Again  at some places, what is held was read anew, as a prompt: that is something else
 * @property {number} times
 * @property {number} same  share of them after which the likeliest token is the same
 * @property {number} kl    on average, in nats
 * @property {number} slower  times as long as the step that it would take the place of
 * @property {number} bits  of the token that follows, on average
 * @property {number} slid  the same in the session that slides
 *
 * @typedef {{ tokens: number, bits: Bits, again?: Again }} Losses  again: where anything had to go
 *
 * @typedef {object} WindowRequest
 * @property {{ prompt: string, tokens: number, seed?: number } & Window} fields  tokens: of the whole text
 * @property {{ held: Held, proving: { tokens: number } }} events
 * @property {{ reason: 'length' | 'stopped', proof?: Proof }} answer  proof: after a whole text
 * @typedef {{ tokens: number, on: string, off: string }} Proof  hashes of the logits behind all of it
 *
 * @typedef {object} LossesRequest
 * @property {{ text: string } & Window} fields
 * @property {{ reading: { way: keyof Bits, done: number, total: number } }} events
 * @property {Losses} answer
 */

/** In the order of reading. @type {readonly (keyof Bits)[]} */
const WAYS = ['sinks', 'plain', 'whole'];
const LONG = { repetitionPenalty: 1 }; // one that counts all of a long text forbids the usual words
const TALES = '\n\n* * *\n\n'; // between two tales
const TIMES = 24;         // that something is read anew, at most,
const PATIENCE_MS = 2500; // and for so long

/** What a session holds. @param {Session} session  @returns {Span[]} */
export function spansOf(session) {
  const { tokens, places } = session.held;
  /** @type {Span[]} */
  const spans = [];
  for (const [place, token] of tokens.entries()) {
    const last = spans.at(-1);
    const isNext = last && token === last.token + last.count && places[place] === last.turned + last.count;
    if (isNext) last.count++;
    else spans.push({ token, place, turned: places[place], count: 1 });
  }
  return spans;
}

/**
 * Writes on from a prompt; where a tale ends, another begins.
 * @param {Watch} watch  @param {Model} model  @param {Session} session
 * @param {{ prompt: number[], tokens: number, seed?: number, signal: AbortSignal }} job
 * @param {(held: Held) => void} tell
 * @returns {Promise<number[]>}
 */
export async function writeOn(watch, model, session, { prompt, tokens, seed = 1, signal }, tell) {
  const stream = model.textStream();
  const ids = [...prompt];
  let written = prompt.map((id) => ({ id, text: stream.push(id) }));
  await session.generate(ids, { maxTokens: 0, signal }).next();
  const { capacity, sinks } = session;
  const give = (/** @type {number} */ ms) => {
    tell({ written, ms, spans: spansOf(session), memory: session.memoryUsage(), capacity, sinks });
    written = [];
  };
  give(session.prefillStats.ms);
  let stopwatch = watch.stopwatch();
  const giveBurst = () => {
    give(stopwatch.read());
    stopwatch = watch.stopwatch();
  };
  for (let tale = 0; ids.length < tokens; tale++) {
    const options = { ...LONG, seed: seed + tale, maxTokens: tokens - ids.length, signal };
    for await (const { id, text } of session.generate(ids, options)) {
      ids.push(id);
      written.push({ id, text });
      if (stopwatch.now() >= watch.clock.span) giveBurst();
    }
    const { bosTokenId } = model.config;
    if (ids.length < tokens && bosTokenId !== null) {
      ids.push(bosTokenId);
      written.push({ id: bosTokenId, text: TALES });
    }
  }
  if (written.length > 0) giveBurst();
  return ids;
}

/**
 * Reads a text through a window with sinks, through one without, and with all of it kept.
 * @param {Watch} watch  @param {Model} model
 * @param {{ ids: number[], signal: AbortSignal } & Window} job
 * @param {(way: keyof Bits, done: number, total: number) => void} tell  after each burst
 * @returns {Promise<Losses>}
 */
export async function lossesOf(watch, model, { ids, capacity, sinks, signal }, tell) {
  const total = 3 * ids.length;
  /** @param {keyof Bits} way  @param {Session} session  @param {(position: number) => void} [look] */
  const read = async (way, session, look) => {
    const bits = new Float32Array(ids.length - 1);
    const before = WAYS.indexOf(way) * ids.length;
    const pauses = new Pauses(signal);
    let stepMs = 0;
    try {
      for (const [i, id] of ids.entries()) {
        const start = watch.clock.now(); // too coarse for one token, and right on average
        const logits = session.decode(id);
        stepMs += watch.clock.now() - start;
        if (i + 1 < ids.length) bits[i] = bitsOf(logits, ids[i + 1]);
        look?.(i + 1);
        if (!pauses.due) continue;
        await pauses.take();
        tell(way, before + i, total);
      }
      return { bits, stepMs: stepMs / ids.length };
    } finally {
      session.dispose();
    }
  };
  const slide = (/** @type {number} */ kept) => (
    model.createSession({ capacity, whenFull: 'slide', sinks: kept }));
  const slid = slide(sinks);
  const anew = new Anew(watch, model, slid, ids);
  try {
    const { bits: withSinks, stepMs } = await read('sinks', slid, (position) => anew.look(position));
    const { bits: plain } = await read('plain', slide(0));
    const { bits: whole } = await read('whole', model.createSession({ capacity: ids.length }));
    return { tokens: ids.length, bits: { sinks: withSinks, plain, whole }, again: anew.result(stepMs) };
  } finally {
    anew.dispose();
  }
}

/** What a session that slides holds, read anew at some places: as a prompt that begins with these tokens. */
class Anew {
  #watch;
  #session;
  #slid;
  #ids;
  #every;
  #spent = 0;
  #sums = { times: 0, same: 0, kl: 0, bits: 0, slid: 0 };

  /** @param {Watch} watch  @param {Model} model  @param {Session} slid  @param {number[]} ids */
  constructor(watch, model, slid, ids) {
    this.#watch = watch;
    this.#slid = slid;
    this.#ids = ids;
    this.#session = model.createSession({ capacity: slid.capacity });
    this.#every = Math.max(1, Math.floor((ids.length - 1 - slid.capacity) / TIMES));
  }

  /** @param {number} position  tokens that were read */
  look(position) {
    const behind = position - this.#slid.capacity;
    const id = this.#ids[position];
    if (behind <= 0 || behind % this.#every > 0 || id === undefined || this.#spent > PATIENCE_MS) return;
    const { tokens } = this.#slid.held;
    const [right, sums] = [this.#slid.logits, this.#sums];
    this.#session.reset();
    const stopwatch = this.#watch.stopwatch();
    const logits = this.#session.prefill(Array.from(tokens, (token) => this.#ids[token]));
    const ms = stopwatch.read();
    this.#spent += ms;
    const { same, kl } = difference(right, logits);
    sums.times++;
    sums.same += same ? 1 : 0;
    sums.kl += kl;
    sums.bits += bitsOf(logits, id);
    sums.slid += bitsOf(right, id);
  }

  /** @param {number} stepMs  of a token that is read where it slides  @returns {Again | undefined} */
  result(stepMs) {
    const { times, same, kl, bits, slid } = this.#sums;
    const slower = this.#spent / times / stepMs;
    return times === 0 ? undefined
      : { times, slower, same: same / times, kl: kl / times, bits: bits / times, slid: slid / times };
  }

  dispose() { this.#session.dispose(); }
}

/** What it costs to foresee a token, in bits. @param {Float32Array} logits  @param {number} id */
function bitsOf(logits, id) {
  let [max, sum] = [-Infinity, 0];
  for (const each of logits) max = Math.max(max, each);
  for (const each of logits) sum += Math.exp(each - max);
  return (max - logits[id] + Math.log(sum)) / Math.LN2;
}
