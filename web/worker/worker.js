// The engine in a worker: one model, one session, driven by messages. Its other side is client.js.
//
// REQUESTS (page -> worker) carry an id; events and one answer with the same id come back. One request
// is under way at a time; another one is refused with code "busy".
//
//   load      { url, variant, weights } url: absolute; variant: 'auto' | 'relaxed' | 'simd' | 'scalar'; weights: 'f32',
//                                       if absent, or 'int8'
//     events  progress  { file, loaded }         bytes of one file so far
//     answer  { config, generation, variant, memory }
//   generate  { prompt, sampling }      sampling: { maxTokens, temperature, topK, topP, minP,
//                                       repetitionPenalty, seed }, each optional
//     events  prefilled { tokens, reused, ms, cached }   the prompt has been read; reused: so many of its tokens
//                                                the cache held from the run before; cached: with the cache on
//             proving   { tokens }               a proof begins; the run waits for it
//             proof     { tokens, on, off, equal }
//             tokens    { tokens: WrittenToken[], memory }   at most one such event per frame
//     answer  { reason, position, memory }       reason: 'length' | 'eos' | 'context_full' | 'stopped'
//   prove     {}                        for the tokens of the last run, as it left them
//     answer  { tokens, on, off, run, equal }    hashes of the logits: through the cache, from
//                                                scratch, as the run left them
//   benchmark { contexts, runs, windowMs, patienceMs }   measures the loaded model and, loaded for the while from
//                                       the same files, the same with the other weights; options: Plan of measure.js
//     events  planned   { contexts }    those that the model has positions for
//             measuring { weights, context, done, total }   runs of all
//             measured  { row }         Figures of measure.js, and weights: 'f32' | 'int8'
//             loading   { weights }     once more
//             left_out  { weights, code, message }   that could not be loaded
//     answer  { reason }                'finished' | 'stopped'
//     error   outputs_differ            no figure is worth anything, nor are those already sent
//   status    {}                        (at any time)
//     answer  { loaded, busy, position, useCache }
//
// ANSWERS (worker -> page)  { type: 'answer', id, ... } or { type: 'error', id, code, message }
//
// ORDERS (page -> worker) have no id and no answer:
//   stop      {}                        ends the request under way: within one token or 8 ms, prefill included
//   setCache  { on }                    from the next token or 8 ms on; also the way the next run begins
//   setPace   { tokensPerSecond }       how fast tokens are wanted; 0: as fast as possible
//
// PACE. A cached token costs a fraction of a millisecond, so a run would be over before a reader could
// flip the switch. Each token is therefore computed when the display is due for it, never in advance.
// The `ms` of a token is its computing alone: speeds come from there, whatever the pace.
import { KvcError, loadModel } from '../index.js';
import { Outbox } from './outbox.js';
import { until } from '../engine/pauses.js';
import { computeTwice } from './proof.js';
import { benchmark } from './worker-benchmark.js';

const WARM_MS = 120; // of computing before the first run

/**
 * @typedef {import('../session/session.js').MemoryUsage} Memory
 * @typedef {object} WrittenToken
 * @property {number} id
 * @property {string} text
 * @property {number} position  in the timeline, from 0
 * @property {number} ms        of computing
 * @property {boolean} cached   computed with the cache on
 * @property {number} work      tokens that ran through the model to get it
 * @property {number} missing   of them, entries that the cache had missed while it was off
 * @typedef {import('./proof.js').Proof & { run?: string }} Proof
 */

/** @type {import('../session/model.js').Model | undefined} */
let model;
/** Where it came from. */
let address = '';
/** @type {import('../session/session.js').Session | undefined} the run */
let session;
/** @type {import('../session/session.js').Session | undefined} a second timeline, so that proofs leave the run alone */
let witness;
/** @type {AbortController | undefined} of the request under way */
let underWay;
/** The token ids of the last run and how many of them were its prompt. */
const timeline = { ids: /** @type {number[]} */ ([]), prompt: 0 };
let useCache = true;
let tokensPerSecond = 60;

/** @typedef {(type: string, fields: object) => void} Emit */
/** @type {Record<string, (fields: any, emit: Emit, signal: AbortSignal) => Promise<object>>} */
const requests = { load, generate, prove, benchmark: measure };
/** @type {Record<string, (fields: any) => void>} */
const orders = {
  stop: () => underWay?.abort(),
  setCache({ on }) {
    useCache = on;
    if (session) session.useCache = on;
  },
  setPace: (fields) => { tokensPerSecond = fields.tokensPerSecond; },
};

self.addEventListener('message', ({ data }) => {
  const { type, id, ...fields } = data;
  if (Object.hasOwn(orders, type)) orders[type](fields);
  else if (type === 'status') self.postMessage({ type: 'answer', id, ...status() });
  else serve(type, id, fields);
});

/** @param {string} type  @param {number} id  @param {object} fields */
async function serve(type, id, fields) {
  try {
    if (!Object.hasOwn(requests, type)) throw new KvcError('invalid_argument', `The worker knows no request "${type}".`);
    if (underWay) throw new KvcError('busy', 'The worker is still at work on another request. Stop it, or wait for it.');
    underWay = new AbortController();
    try {
      const answer = await requests[type](fields, (event, more) => self.postMessage({ type: event, id, ...more }), underWay.signal);
      self.postMessage({ type: 'answer', id, ...answer });
    } finally {
      underWay = undefined;
    }
  } catch (error) {
    self.postMessage({ type: 'error', id, ...described(error) });
  }
}

/** What an error says across the border. Anything but a KvcError is a fault in this program. @param {unknown} error */
function described(error) {
  if (error instanceof KvcError) return { code: error.code, message: error.message };
  console.error(error);
  return { code: 'internal', message: `Something went wrong inside the page: ${error instanceof Error ? error.message : String(error)}` };
}

function status() {
  return { loaded: model !== undefined, busy: underWay !== undefined, position: session?.position ?? 0, useCache };
}

// ---- load -------------------------------------------------------------------------------------

/** @param {{ url: string, variant: any, weights?: any }} fields  @param {Emit} emit  @param {AbortSignal} signal */
async function load({ url, variant, weights }, emit, signal) {
  unload();
  address = url;
  model = await loadModel(url, {
    variant,
    weights,
    signal,
    onProgress: ({ status: stage, file, loaded: bytes }) => { if (stage === 'progress') emit('progress', { file, loaded: bytes }); },
  });
  try {
    session = model.createSession({ useCache, whenFull: 'stop' });
    await warmUp(session, signal);
    return { config: model.config, generation: model.generation, variant: model.variant, memory: session.memoryUsage() };
  } catch (error) {
    unload(); // a model that cannot run is not kept
    throw error;
  }
}

function unload() {
  model?.dispose();
  model = session = witness = undefined;
  timeline.ids = [];
}

/**
 * Lets the engine run for a moment: browsers optimise code only once it has run, and the speeds shown
 * should not begin with those of unoptimised code.
 * @param {import('../session/session.js').Session} session  @param {AbortSignal} signal
 */
async function warmUp(session, signal) {
  const prompt = new Array(Math.min(16, Math.ceil(session.capacity / 2))).fill(0);
  const maxTokens = Math.min(16, session.capacity - prompt.length);
  for (const end = performance.now() + WARM_MS; performance.now() < end;) {
    const tokens = session.generate(prompt, { maxTokens, signal });
    while (!(await tokens.next()).done);
    session.reset(); // or the prompt would be reused and not read
  }
}

/** What a request after load works with. */
function loadedParts() {
  if (!model || !session) throw new KvcError('not_ready', 'No model is loaded yet.');
  return { model, session };
}

// ---- generate ---------------------------------------------------------------------------------

/** @param {{ prompt: string, sampling: object }} fields  @param {Emit} emit  @param {AbortSignal} signal */
async function generate({ prompt, sampling }, emit, signal) {
  const { model, session } = loadedParts();
  timeline.ids = promptIds(model, prompt);
  timeline.prompt = timeline.ids.length;
  try {
    const reason = await ending(write(session, { ...sampling, useCache, signal }, emit));
    return { reason, position: session.position, memory: session.memoryUsage() };
  } catch (error) {
    timeline.ids = []; // there is nothing to prove about a run that failed
    throw error;
  }
}

/** @param {import('../session/model.js').Model} model  @param {string} prompt */
function promptIds(model, prompt) {
  const ids = model.encode(prompt);
  // Without a prompt the story starts from the token that stood between two texts in training.
  return ids.length > 0 || model.config.bosTokenId === null ? ids : [model.config.bosTokenId];
}

/** How a run ended; a stop is no failure. @param {Promise<string>} run */
async function ending(run) {
  try {
    return await run;
  } catch (error) {
    if (error instanceof KvcError && error.code === 'aborted') return 'stopped';
    throw error;
  }
}

/**
 * @param {import('../session/session.js').Session} session
 * @param {import('../session/session.js').GenerateOptions & { signal: AbortSignal }} options
 * @param {Emit} emit
 */
async function write(session, options, emit) {
  const { signal } = options;
  const outbox = new Outbox(emit, session);
  const tokens = session.generate(timeline.ids.slice(), options);
  try {
    for (let due = performance.now(); ;) {
      const held = session.cachedTokens;
      const { value, done } = await tokens.next();
      if (done) return value;
      timeline.ids.push(value.id);
      if (value.position > timeline.prompt) {
        outbox.put({ ...value, ...workOf(session, value.position, held) });
      } else { // the first token: the prompt was read before it
        emit('prefilled', { ...session.prefillStats, cached: options.useCache });
        outbox.put({ ...value, ...workOf(session, value.position, options.useCache ? timeline.prompt : 0) });
        await provePrompt(emit, signal);
        due = performance.now();
      }
      due = Math.max(performance.now(), due + (tokensPerSecond > 0 ? 1000 / tokensPerSecond : 0));
      if (due > performance.now()) await until(due, signal); // else orders are heard in the pauses of generate() alone
    }
  } finally {
    outbox.send();
    await tokens.return('length'); // also when a proof was stopped: the session must not stay busy
  }
}

/**
 * How many tokens ran through the model for the one at `position`, if `held` were in the cache before.
 * @param {import('../session/session.js').Session} session  @param {number} position  @param {number} held
 */
function workOf(session, position, held) {
  // The cache holds the newest token just when it was computed with the cache on.
  const cached = session.cachedTokens === position + 1;
  return { cached, work: cached ? position + 1 - held : position + 1, missing: cached ? position - held : 0 };
}

// ---- proof ------------------------------------------------------------------------------------

/** @param {object} _fields  @param {Emit} _emit  @param {AbortSignal} signal */
async function prove(_fields, _emit, signal) {
  const { session } = loadedParts();
  if (timeline.ids.length === 0) throw new KvcError('not_ready', 'There is no run yet whose numbers could be compared.');
  const run = session.logitsHash;
  const proof = await computeTwice(secondSession(), timeline.ids, timeline.prompt, signal);
  return { ...proof, run, equal: proof.equal && run === proof.on };
}

/** @param {Emit} emit  @param {AbortSignal} signal */
async function provePrompt(emit, signal) {
  emit('proving', { tokens: timeline.prompt });
  emit('proof', await computeTwice(secondSession(), timeline.ids.slice(0, timeline.prompt), timeline.prompt, signal));
}

const secondSession = () => witness ??= loadedParts().model.createSession();

// ---- benchmark --------------------------------------------------------------------------------

/** @param {import('./worker-benchmark.js').Job} job  @param {Emit} emit  @param {AbortSignal} signal */
async function measure(job, emit, signal) {
  const { model } = loadedParts();
  return { reason: await ending(benchmark(model, address, job, emit, signal).then(() => 'finished')) };
}
