// Generation: a prompt, then token by token, of one sample or of several. Beam search, which looks for the
// likeliest text instead of drawing one, is in beams.js.
//
// The timeline becomes the prompt, reusing what the cache holds of its beginning, and then grows: the
// session holds the prompt and every token given out, whether the loop ran to its end, was left, or was
// aborted (within the prompt: what was reused of it).
//
// n samples take turns and share the prompt's part of the cache; sample i is that of a run of its own with
// the seed `seed + i`. Tokens say which sample they belong to; the session then holds sample 0.
//
// Errors: "context_full" when the prompt does not fit, or, unless whenFull is "stop", when the capacity is
// used up before a given maxTokens are there.
import { throwIfAborted } from '../engine/errors.js';
import { Pauses } from '../engine/pauses.js';
import { searchBeams } from './beams.js';
import { beginSync, checkIdle, extend, finishInSlices } from './passes.js';
import { planOf } from './plan.js';

/**
 * @import { NativeSession } from './native-session.js'
 * @import { FinishReason, Plan, Token } from './plan.js'
 * @import { GenerateOptions } from './sampling.js'
 */

/**
 * @param {NativeSession} native
 * @param {string | ArrayLike<number>} prompt
 * @param {GenerateOptions} options
 * @returns {AsyncGenerator<Token, FinishReason, void>}
 */
export async function* generate(native, prompt, options) {
  checkIdle(native);
  const plan = planOf(native, prompt, options);
  native.running = true;
  try {
    throwIfAborted(plan.signal);
    if (options.useCache !== undefined) native.useCache = Boolean(options.useCache);
    native.grow(plan.beams?.numBeams ?? plan.n);
    const pauses = new Pauses(plan.signal);
    const reused = beginSync(native, plan.ids);
    native.prefillStats = { tokens: plan.ids.length, reused, ms: await finishInSlices(native, pauses) };
    if (plan.beams) return yield* searchBeams(native, plan, plan.beams, pauses);
    return yield* drawSamples(native, plan, pauses);
  } finally {
    native.running = false;
    if (native.usable) native.cancel();
  }
}

/**
 * Sample i lies in sequence i; one alone stays in the selected one.
 * @param {NativeSession} native  @param {Plan} plan  @param {Pauses} pauses
 * @returns {AsyncGenerator<Token, FinishReason, void>}
 */
async function* drawSamples(native, plan, pauses) {
  const { n, ids, maxTokens, ends } = plan;
  if (n > 1) native.spread(n);
  const first = native.selected;
  native.prepareSampling(plan.sampling, first, Array.from({ length: n }, (_, i) => plan.seed + BigInt(i)));
  let live = Array.from({ length: n }, (_, i) => ({ sequence: first + i, text: native.model.textStream() }));
  let given = ids.length; // tokens of sample 0 that are out
  /** @type {FinishReason} */
  let reason = plan.ending;
  try {
    for (let t = 1; t <= maxTokens && live.length > 0; t++) {
      const start = performance.now();
      const drawn = [];
      for (const sample of live) {
        const id = native.sample(sample.sequence);
        if (!ends.includes(id)) drawn.push({ ...sample, id });
        else if (sample.sequence === first) reason = 'eos';
      }
      const sampled = performance.now() - start;
      live = drawn;
      if (drawn.length === 0) break;
      const computed = await extend(native, drawn.map((x) => x.sequence), drawn.map((x) => x.id), pauses);
      const ms = (sampled + computed) / drawn.length;
      for (const { sequence, text, id } of drawn) {
        if (sequence === first) given++;
        const piece = text.push(id) + (t === maxTokens ? text.flush() : '');
        yield { id, text: piece, position: ids.length + t - 1, sequence: sequence - first, ms };
        throwIfAborted(plan.signal);
      }
    }
    return reason;
  } finally {
    if (n > 1 && native.usable) native.adopt(0, given);
  }
}
