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
import { Sampler } from './sampler.js';
import { StopText } from './stop-text.js';

/**
 * @import { Pauses } from '../engine/pauses.js'
 * @import { NativeSession } from './native-session.js'
 * @import { FinishReason, Plan, Token } from './plan.js'
 * @import { LogProbs } from './sampler.js'
 *
 * @typedef {{ sequence: number, text: StopText }} Sample
 * @typedef {{ sample: Sample, next: { id: number } & LogProbs }} Drawn  and its next token
 */

/**
 * Sample i lies in sequence i; one alone stays in the selected one.
 * @param {NativeSession} native  @param {Plan} plan  @param {Pauses} pauses
 * @returns {AsyncGenerator<Token, FinishReason, void>}
 */
export async function* drawSamples(native, plan, pauses) {
  const { n, ids, room, maxTokens } = plan;
  if (n > 1) native.spread(n);
  const first = native.selected;
  const sampler = new Sampler(native, plan, first);
  let given = ids.length; // tokens of sample 0 that are out
  /** @type {FinishReason} */
  let reason = plan.ending;
  const end = (/** @type {Sample} */ { sequence }, /** @type {string | number} */ by) => {
    if (sequence !== first) return;
    reason = typeof by === 'number' && plan.eos.includes(by) ? 'eos' : 'stop';
    native.finishedBy = by;
  };
  /** Token t of each that goes on. @param {number} t  @param {Sample[]} live  @param {Drawn[]} drawn  out */
  const draw = (t, live, drawn) => {
    for (const sample of live) {
      const next = sampler.draw(sample.sequence, t === maxTokens ? plan.forced : undefined);
      if (plan.ends.includes(next.id)) end(sample, next.id);
      else drawn.push({ sample, next });
    }
  };
  const text = () => new StopText(native.model.textStream({ after: ids }), plan.stops, plan.minTokens);
  const samples = Array.from({ length: n }, (_, i) => ({ sequence: first + i, text: text() }));
  try {
    /** @type {Drawn[]} */
    let live = [];
    let start = performance.now();
    if (maxTokens > 0) draw(1, samples, live);
    let drawing = performance.now() - start;
    for (let t = 1; live.length > 0; t++) {
      const computed = await extend(native, live.map(({ sample }) => sample.sequence),
        live.map(({ next }) => next.id), pauses);
      const ms = (drawing + computed.ms) / live.length;
      start = performance.now();
      const pieces = live.map(({ sample: { text }, next: { id } }) => text.push(id));
      for (const { sample } of live) if (sample.text.found !== null) end(sample, sample.text.found);
      const open = live.map(({ sample }) => sample).filter(({ text }) => text.found === null);
      // Drawn before these are given out: so the last token of a text is known to be it.
      /** @type {Drawn[]} */
      const next = [];
      const drawn = settled(() => { if (t < maxTokens) draw(t + 1, open, next); });
      drawing = performance.now() - start;
      for (const [i, { sample, next: token }] of live.entries()) {
        const { sequence, text } = sample;
        if (sequence === first) given++;
        const goesOn = t !== room && next.some((drawn) => drawn.sample === sample);
        const piece = pieces[i] + (goesOn ? '' : text.flush());
        if (n > 1) native.select(sequence); // whoever takes the token may look at its logits
        yield { ...token, text: piece, position: ids.length + t - 1, sequence: sequence - first, ms };
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
