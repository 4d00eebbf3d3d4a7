// The request "generate": a prompt is read and proved, then tokens are written at the pace that is wanted; or
// a run goes on from any place, back to which it was taken, with the tokens that it had there or with others.
import { checkChoice, invalid, isCount, shown } from '../../engine/arguments.js';
import { KvcError } from '../../index.js';
import { drawing } from '../../session/plan.js';
import { checkCounts, seedOf } from '../../session/sampling.js';
import { noRun } from '../context.js';
import { textBehind } from '../drawn.js';
import { endingOf } from '../ending.js';
import { givenOut } from '../given.js';
import { Outbox } from '../outbox.js';
import { measuredPrefill } from '../prefill.js';
import { idsOf } from '../prompt.js';
import { computeTwice } from '../proof.js';
import { slides } from '../slid.js';
import { beginningOf, writing } from '../sourced.js';
import { Writer } from '../writer.js';

/**
 * @import { Model } from '../../session/model.js'
 * @import { FinishReason } from '../../session/plan.js'
 * @import { Session } from '../../session/session.js'
 * @import { Context, Serve } from '../context.js'
 * @import { Emit, Sampling } from '../messages.js'
 */

const SETTINGS = ['maxTokens', 'temperature', 'topK', 'topP', 'minP', 'repetitionPenalty', 'seed', 'stop',
  'stopTokens', 'minTokens', 'noRepeatNgramSize', 'frequencyPenalty', 'presencePenalty', 'logitBias',
  'logprobs'];

/** @type {Serve<'generate'>} */
export async function generate(context, fields, emit, signal) {
  const { written, more, sampling, proof = true, ...prompted } = fields;
  const { model, session } = context.loaded();
  checkSampling(model, sampling);
  checkWritten(model, written, sampling.maxTokens);
  if (more !== undefined && !isCount(more)) {
    throw invalid(`A run writes a whole number of tokens more, from 0 on; not ${shown(more)}.`);
  }
  checkChoice('proof', proof, [true, false]);
  const { source, begun } = beginningOf(model, session, await idsOf(model, prompted, signal));
  const run = { ...runOf(model, begun, written ?? [], sampling), ...(source && { source }) };
  if (run.ids.length > session.capacity && !slides(session)) {
    throw new KvcError('context_full',
      `The text has ${run.ids.length} tokens, and there is room for ${session.capacity}.`);
  }
  context.run = run; // nothing that was asked for is wrong
  try {
    const reason = await endingOf(written ? goOn(context, more, emit, signal)
      : write(context, { more, proof }, emit, signal));
    const given = givenOut(context);
    if (given < run.ids.length) { // stopped before all of it was read
      session.truncate(given, { recompute: true });
      for (const list of [run.ids, run.texts]) list.splice(Math.max(given, run.prompt));
    } else if (session.position > given) { // stopped with some ahead
      await writing(session, run, run.ids, { maxTokens: 0, useCache: context.useCache }).next();
    }
    const { position } = session;
    const ended = { reason, ...(reason !== 'stopped' && { finishedBy: context.run.finishedBy }) };
    return { ...ended, position, memory: session.memoryUsage(), hash: hashOf(session) };
  } catch (error) {
    context.run = noRun(); // a run that failed has nothing to prove
    throw error;
  }
}

/**
 * @param {Model} model  @param {number[]} begun  @param {readonly number[]} written
 * @param {Sampling} sampling
 */
function runOf(model, begun, written, sampling) {
  const stream = model.textStream();
  const ids = [...begun, ...written];
  const prompt = begun.length;
  const texts = [...begun.map((id) => stream.push(id)), ...textBehind(model, sampling, ids, prompt).texts];
  return { ids, texts, prompt, sampling };
}

/** Of the logits behind the last token, if they were computed. @param {Session} session */
function hashOf(session) {
  try {
    return session.logitsHash;
  } catch (error) {
    if (error instanceof KvcError && error.code === 'not_ready') return undefined;
    throw error;
  }
}

// ---- refusals -----------------------------------------------------------------------------------

/** @param {Model} model  @param {unknown} sampling */
function checkSampling(model, sampling) {
  if (typeof sampling !== 'object' || sampling === null) {
    throw invalid('The sampling settings are an object.');
  }
  if ('onLogits' in sampling) {
    throw invalid('onLogits is a function, and none crosses to a worker: give it to generate() of a session, '
      + 'or use logitBias.');
  }
  const stray = Object.keys(sampling).find((name) => !SETTINGS.includes(name));
  if (stray) throw invalid(`"${stray}" is none of ${SETTINGS.join(', ')}.`);
  const given = /** @type {Sampling} */ (sampling);
  checkCounts({ maxTokens: given.maxTokens });
  drawing(given, model);
  seedOf(given.seed);
}

/** @param {Model} model  @param {unknown} written  @param {number} [maxTokens] */
function checkWritten(model, written, maxTokens = Infinity) {
  if (written === undefined) return;
  if (!Array.isArray(written)) throw invalid(`The tokens written are a list of ids, not ${shown(written)}.`);
  const { vocabSize } = model.config;
  const stray = written.findIndex((id) => !isCount(id) || id >= vocabSize);
  if (stray >= 0) {
    throw new KvcError('token_out_of_range', `Of the ids written, ${shown(written[stray])}, at index `
      + `${stray}, is none; this model has ids 0 to ${vocabSize - 1}.`);
  }
  if (written.length > maxTokens) {
    throw invalid(`There are ${written.length} tokens already, and maxTokens, which counts them too, is `
      + `${maxTokens}.`);
  }
}

// ---- a run --------------------------------------------------------------------------------------

/**
 * From the prompt.
 * @param {Context} context  @param {{ more?: number, proof: boolean }} how  @param {Emit<'generate'>} emit
 * @param {AbortSignal} signal
 */
async function write(context, { more, proof }, emit, signal) {
  const { run } = context;
  await context.turns.take(async () => {
    emit('prefilled', await readPrompt(context, signal));
  }, signal);
  return sendAll(context, emit, (outbox) => new Writer(context, run.sampling, outbox.tell, async (token) => {
    outbox.put(token);
    if (proof && token.position === run.prompt) await provePrompt(context, emit, signal);
  }, signal, more).write());
}

/**
 * From a text that is given, of which the session keeps what it has.
 * @param {Context} context  @param {number | undefined} more  @param {Emit<'generate'>} emit
 * @param {AbortSignal} signal
 * @returns {Promise<FinishReason>}
 */
async function goOn(context, more, emit, signal) {
  const kept = await context.turns.take(async () => cutBack(context, emit), signal);
  const { ids, prompt, sampling } = context.run;
  if (more === 0 && kept === ids.length) { // only back
    return sampling.maxTokens === kept - prompt ? 'length' : 'stopped';
  }
  return sendAll(context, emit, (outbox) => new Writer(
    context, sampling, outbox.tell, async (token) => outbox.put(token), signal, more).write(kept));
}

/** Tokens whose K and V are in the cache. @param {Session} session */
const heldBy = ({ held }) => held.tokens.length;

/**
 * Lets the session go of what is not in the text; returns how many tokens stay.
 * @param {Context} context  @param {Emit<'generate'>} emit
 */
function cutBack(context, emit) {
  const { session } = context.loaded();
  const { useCache: cached, run: { ids, texts, prompt } } = context;
  const kept = givenOut(context);
  const [taken, held, { usedBytes }] = [session.cachedTokens, heldBy(session), session.memoryUsage()];
  session.truncate(kept, { recompute: true });
  const memory = session.memoryUsage();
  emit('cut', {
    written: ids.slice(prompt).map((id, i) => ({ id, text: texts[prompt + i] })),
    kept, taken, dropped: held - heldBy(session), droppedBytes: usedBytes - memory.usedBytes, cached, memory,
  });
  return kept;
}

/**
 * @template T
 * @param {Context} context  @param {Emit<'generate'>} emit  @param {(outbox: Outbox) => Promise<T>} write
 */
async function sendAll(context, emit, write) {
  const outbox = context.outbox = new Outbox(emit, context.loaded().session);
  try {
    return await write(outbox);
  } finally {
    outbox.send();
    context.outbox = undefined;
  }
}

/** @param {Context} context  @param {AbortSignal} signal */
function readPrompt(context, signal) {
  const { run, useCache } = context;
  return measuredPrefill(context, context.loaded().session, run, { useCache, signal });
}

/** @param {Context} context  @param {Emit<'generate'>} emit  @param {AbortSignal} signal */
async function provePrompt({ run, proofSession }, emit, signal) {
  emit('proving', { tokens: run.prompt });
  emit('proof', await computeTwice(proofSession, run, run.ids.slice(0, run.prompt), run.prompt, signal));
}
