// Generation: a prompt, then token by token.
import { KvcError, throwIfAborted } from './errors.js';
import { Pauses } from './pauses.js';
import { samplingArguments, seedOf } from './sampling.js';

/**
 * @typedef {import('./passes.js').Passes} Passes
 *
 * @typedef {object} Token
 * @property {number} id
 * @property {string} text       the characters it completes; never half of one, so '' at times
 * @property {number} position   in the timeline, counted from 0
 * @property {number} ms         time to sample it and to compute the logits after it, pauses left out
 *
 * @typedef {'length' | 'eos' | 'context_full'} FinishReason  maxTokens reached, or the capacity where none were given; the
 *   end-of-text token drawn; the capacity reached in a session whose whenFull is "stop"
 *
 * @typedef {object} Plan  of one generate(), checked
 * @property {ArrayLike<number>} ids     of the prompt
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
    const pauses = new Pauses(plan.signal);
    const reused = handle.beginSync(plan.ids);
    handle.prefillStats = { tokens: plan.ids.length, reused, ms: await handle.slices(pauses) };
    return yield* drawTokens(handle, plan, pauses);
  } finally {
    handle.running = false;
    if (handle.usable) handle.call('kvc_wasm_session_cancel');
  }
}

/** @param {Passes} handle  @param {string | ArrayLike<number>} prompt  @param {import('./sampling.js').GenerateOptions} options  @returns {Plan} */
function planOf(handle, prompt, options) {
  const { generation } = handle.model;
  const { signal } = options;
  const sampling = samplingArguments(options, generation);
  const ids = promptIds(handle.model, prompt);
  const room = Math.max(0, handle.capacity - ids.length);
  const wanted = options.maxTokens ?? generation.maxNewTokens ?? Infinity;
  const cut = wanted > room && (handle.whenFull === 'stop' || options.maxTokens === undefined);
  return {
    ids, sampling, signal,
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

/** @param {Passes} handle  @param {Plan} plan  @param {Pauses} pauses  @returns {AsyncGenerator<Token, FinishReason, void>} */
async function* drawTokens(handle, plan, pauses) {
  const text = handle.model.textStream();
  handle.call('kvc_wasm_session_seed', handle.selected, plan.seed);
  for (let t = 1; t <= plan.maxTokens; t++) {
    const start = performance.now();
    const id = handle.sample(plan.sampling);
    if (plan.ends.includes(id)) return 'eos';
    const sampled = performance.now() - start;
    handle.begin([id]);
    const ms = sampled + await handle.slices(pauses);
    const piece = text.push(id) + (t === plan.maxTokens ? text.flush() : '');
    yield { id, text: piece, position: handle.position - 1, ms };
    throwIfAborted(plan.signal);
  }
  return plan.ending;
}
