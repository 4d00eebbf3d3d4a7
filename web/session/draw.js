// Samples, drawn token by token from the logits: one, or several that take turns and share the prompt's part
// of the cache. Sample i is that of a run of its own with the seed `seed + i`.
//
// The timeline grows: the session holds the prompt and every token given out, however the run ends (aborted
// within the prompt: what was reused of it). Of several samples it then holds sample 0, and its other
// sequences are empty. While a token is given out, its sequence is the selected one.
//
// Errors: "context_full" with whenFull "error", when the capacity is used up before maxTokens are there.
import { throwIfAborted } from '../engine/errors.js';
import { extend, settled } from './passes.js';

/**
 * @import { Pauses } from '../engine/pauses.js'
 * @import { NativeSession } from './native-session.js'
 * @import { FinishReason, Plan, Token } from './plan.js'
 *
 * @typedef {{ sequence: number, text: { push: (id: number) => string, flush: () => string } }} Sample
 * @typedef {Sample & { id: number }} Drawn  and its next token
 */

/**
 * Sample i lies in sequence i; one alone stays in the selected one.
 * @param {NativeSession} native  @param {Plan} plan  @param {Pauses} pauses
 * @returns {AsyncGenerator<Token, FinishReason, void>}
 */
export async function* drawSamples(native, plan, pauses) {
  const { n, ids, room, maxTokens, ends } = plan;
  if (n > 1) native.spread(n);
  const first = native.selected;
  native.prepareSampling(plan.sampling, first, Array.from({ length: n }, (_, i) => plan.seed + BigInt(i)));
  let given = ids.length; // tokens of sample 0 that are out
  /** @type {FinishReason} */
  let reason = plan.ending;
  /** The next token of each one that goes on. @param {Sample[]} live  @param {Drawn[]} drawn  out */
  const draw = (live, drawn) => {
    for (const { sequence, text } of live) {
      const id = native.sample(sequence);
      if (!ends.includes(id)) drawn.push({ sequence, text, id });
      else if (sequence === first) reason = 'eos';
    }
  };
  const samples = Array.from({ length: n }, (_, i) => (
    { sequence: first + i, text: native.model.textStream() }));
  try {
    /** @type {Drawn[]} */
    let live = [];
    let start = performance.now();
    if (maxTokens > 0) draw(samples, live);
    let drawing = performance.now() - start;
    for (let t = 1; live.length > 0; t++) {
      const computed = await extend(native, live.map((x) => x.sequence), live.map((x) => x.id), pauses);
      const ms = (drawing + computed.ms) / live.length;
      start = performance.now();
      // Drawn before these are given out: so the last token of a text is known to be it.
      /** @type {Drawn[]} */
      const next = [];
      const drawn = settled(() => { if (t < maxTokens) draw(live, next); });
      drawing = performance.now() - start;
      for (const { sequence, text, id } of live) {
        if (sequence === first) given++;
        const goesOn = t !== room && next.some((x) => x.sequence === sequence);
        const piece = text.push(id) + (goesOn ? '' : text.flush());
        if (n > 1) native.select(sequence); // whoever takes the token may look at its logits
        yield { id, text: piece, position: ids.length + t - 1, sequence: sequence - first, ms };
        throwIfAborted(plan.signal);
      }
      computed.told();
      drawn();
      live = next;
    }
    return reason;
  } finally {
    if (n > 1 && native.usable) native.adopt(0, given);
  }
}
