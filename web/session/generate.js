// Generation: a prompt, then token by token, of one sample or of several at once. Beam search, which
// looks for the likeliest text instead of drawing one, is in beams.js.
import { searchBeams } from './beams.js';
import { KvcError, throwIfAborted } from '../engine/errors.js';
import { Pauses } from '../engine/pauses.js';
import { beamOptions, samplingArguments, seedOf } from './sampling.js';

/**
 * @typedef {import('./passes.js').Passes} Passes
 *
 * @typedef {object} Token
 * @property {number} id
 * @property {string} text       the characters it completes; never half of one, so '' at times
 * @property {number} position   in the timeline, counted from 0
 * @property {number} sequence   which sample it belongs to, 0 with one alone or with beams
 * @property {number} ms         time to sample it and to compute the logits after it, pauses left out; of n samples, its share
 *
 * @typedef {'length' | 'eos' | 'context_full'} FinishReason  maxTokens reached, or the capacity where none were given; the
 *   end-of-text token drawn; the capacity reached in a session whose whenFull is "stop"
 *
 * @typedef {object} Plan  of one generate(), checked
 * @property {ArrayLike<number>} ids     of the prompt
 * @property {number} n                  samples
 * @property {import('./sampling.js').BeamOptions | undefined} beams
 * @property {number} maxTokens          may be more than fit: then the one too many throws "context_full"
 * @property {'length' | 'context_full'} ending  of a run that gives out all of these
 * @property {number[]} sampling
 * @property {bigint} seed
 * @property {readonly number[]} ends    the end-of-text tokens
 * @property {AbortSignal | undefined} signal
 */

/**
 * @param {Passes} handle
 * @param {string | ArrayLike<number>} prompt
 * @param {import('./sampling.js').GenerateOptions} options
 * @returns {AsyncGenerator<Token, FinishReason, void>}
 */
export async function* generate(handle, prompt, options) {
  handle.refuseWhileRunning();
  const plan = planOf(handle, prompt, options);
  handle.running = true;
  try {
    throwIfAborted(plan.signal);
    if (options.useCache !== undefined) handle.useCache = Boolean(options.useCache);
    handle.grow(plan.beams?.numBeams ?? plan.n);
    const pauses = new Pauses(plan.signal);
    const reused = handle.beginSync(plan.ids);
    handle.prefillStats = { tokens: plan.ids.length, reused, ms: await handle.slices(pauses) };
    return yield* (plan.beams ? searchBeams(handle, plan, plan.beams, pauses) : drawSamples(handle, plan, pauses));
  } finally {
    handle.running = false;
    if (handle.usable) handle.call('kvc_wasm_session_cancel');
  }
}

/** @param {Passes} handle  @param {string | ArrayLike<number>} prompt  @param {import('./sampling.js').GenerateOptions} options  @returns {Plan} */
function planOf(handle, prompt, options) {
  const { generation } = handle.model;
  const { signal } = options;
  const beams = beamOptions(options);
  const sampling = samplingArguments(options, generation);
  const ids = promptIds(handle.model, prompt);
  const room = Math.max(0, handle.capacity - ids.length);
  const wanted = options.maxTokens ?? generation.maxNewTokens ?? Infinity;
  const cut = wanted > room && (handle.whenFull === 'stop' || options.maxTokens === undefined);
  return {
    ids, n: options.n ?? 1, beams, sampling, signal,
    seed: seedOf(options.seed),
    maxTokens: cut ? room : wanted,
    ending: cut && handle.whenFull === 'stop' ? 'context_full' : 'length',
    ends: generation.eosTokenIds,
  };
}

/** @param {import('./model.js').Model} model  @param {string | ArrayLike<number>} prompt */
function promptIds(model, prompt) {
  if (typeof prompt !== 'string') return prompt;
  const ids = model.encode(prompt);
  if (ids.length > 0) return ids;
  const { bosTokenId } = model.config;
  if (bosTokenId === null) throw new KvcError('invalid_argument', 'The prompt is empty, and this model has no token to begin with.');
  return [bosTokenId];
}

/**
 * Sample i lies in sequence i; one alone stays in the selected one.
 * @param {Passes} handle  @param {Plan} plan  @param {Pauses} pauses
 * @returns {AsyncGenerator<Token, FinishReason, void>}
 */
async function* drawSamples(handle, plan, pauses) {
  const { n, ids, maxTokens, ends } = plan;
  if (n > 1) handle.spread(n);
  const first = handle.selected;
  let live = Array.from({ length: n }, (_, i) => ({ sequence: first + i, text: handle.model.textStream() }));
  for (const [i, { sequence }] of live.entries()) handle.call('kvc_wasm_session_seed', sequence, BigInt.asUintN(64, plan.seed + BigInt(i)));
  let given = ids.length; // tokens of sample 0 that are out
  /** @type {FinishReason} */
  let reason = plan.ending;
  try {
    for (let t = 1; t <= maxTokens && live.length > 0; t++) {
      const start = performance.now();
      const drawn = [];
      for (const sample of live) {
        handle.select(sample.sequence);
        const id = handle.sample(plan.sampling);
        if (!ends.includes(id)) drawn.push({ ...sample, id });
        else if (sample.sequence === first) reason = 'eos';
      }
      const sampled = performance.now() - start;
      live = drawn;
      if (drawn.length === 0) break;
      const ms = (sampled + await handle.extend(drawn.map((x) => x.sequence), drawn.map((x) => x.id), pauses)) / drawn.length;
      for (const { sequence, text, id } of drawn) {
        if (sequence === first) given++;
        const piece = text.push(id) + (t === maxTokens ? text.flush() : '');
        yield { id, text: piece, position: ids.length + t - 1, sequence: sequence - first, ms };
        throwIfAborted(plan.signal);
      }
    }
    return reason;
  } finally {
    if (n > 1 && handle.usable) handle.adopt(0, given);
  }
}
