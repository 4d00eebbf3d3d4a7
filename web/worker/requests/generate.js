// The request "generate": a prompt is read and proved, then tokens are written at the pace that is wanted.
import { KvcError } from '../../index.js';
import { promptIds } from '../../session/plan.js';
import { noRun } from '../context.js';
import { endingOf } from '../ending.js';
import { givenOut } from '../given.js';
import { Outbox } from '../outbox.js';
import { computeTwice } from '../proof.js';
import { Writer } from '../writer.js';

/**
 * @import { Context, Serve } from '../context.js'
 * @import { Emit, Prefill, Sampling } from '../messages.js'
 */

const SETTINGS = ['maxTokens', 'temperature', 'topK', 'topP', 'minP', 'repetitionPenalty', 'seed'];

/** @type {Serve<'generate'>} */
export async function generate(context, { prompt, sampling }, emit, signal) {
  const { model, session } = context.loaded();
  checkFields(prompt, sampling);
  const ids = promptIds(model, prompt);
  const stream = model.textStream();
  const run = context.run = { ids, texts: ids.map((id) => stream.push(id)), prompt: ids.length, sampling };
  try {
    const reason = await endingOf(write(context, sampling, emit, signal));
    const given = givenOut(context);
    if (given < run.ids.length) session.truncate(given); // stopped before the prompt was read
    else if (session.position > given) { // stopped with some ahead
      await session.generate(run.ids, { maxTokens: 0, useCache: context.useCache }).next();
    }
    return { reason, position: session.position, memory: session.memoryUsage() };
  } catch (error) {
    context.run = noRun(); // a run that failed has nothing to prove
    throw error;
  }
}

/** All values but maxTokens are checked by the session. @param {unknown} prompt  @param {unknown} sampling */
function checkFields(prompt, sampling) {
  if (typeof prompt !== 'string') throw new KvcError('invalid_argument', 'A prompt is a string.');
  if (typeof sampling !== 'object' || sampling === null) {
    throw new KvcError('invalid_argument', 'The sampling settings are an object.');
  }
  const stray = Object.keys(sampling).find((name) => !SETTINGS.includes(name));
  if (stray) throw new KvcError('invalid_argument', `"${stray}" is none of ${SETTINGS.join(', ')}.`);
  const { maxTokens = 0 } = /** @type {Sampling} */ (sampling);
  if (Number.isInteger(maxTokens) && maxTokens >= 0) return;
  throw new KvcError('invalid_argument', `maxTokens is ${maxTokens}; it must be a whole number from 0 on.`);
}

/**
 * @param {Context} context  @param {Sampling} sampling  @param {Emit<'generate'>} emit
 * @param {AbortSignal} signal
 */
async function write(context, sampling, emit, signal) {
  await context.turns.take(async () => {
    emit('prefilled', await readPrompt(context, sampling, signal));
  }, signal);
  const { run } = context;
  const outbox = context.outbox = new Outbox(emit, context.loaded().session);
  const writer = new Writer(context, sampling, emit, async (token) => {
    outbox.put(token);
    if (token.position === run.prompt) await provePrompt(context, emit, signal);
  }, signal);
  try {
    return await writer.write();
  } finally {
    outbox.send();
    context.outbox = undefined;
  }
}

/**
 * Reads the prompt, and once more and again until that has taken long enough to be measured.
 * @param {Context} context  @param {Sampling} sampling  @param {AbortSignal} signal
 * @returns {Promise<Prefill>}
 */
async function readPrompt(context, sampling, signal) {
  const { clock, run, useCache } = context;
  const { session } = context.loaded();
  const pass = () => session.generate(run.ids, { ...sampling, maxTokens: 0, useCache, signal }).next();
  const stopwatch = context.stopwatch();
  await pass();
  const { tokens, reused } = session.prefillStats;
  let passes = 1;
  for (; reused < tokens && stopwatch.now() < clock.span; passes++) {
    if (useCache) session.truncate(reused); // or it would be there
    await pass();
  }
  const ms = stopwatch.read();
  return { tokens, reused, cached: useCache, passes, ms: ms / passes, error: clock.tick / ms };
}

/** @param {Context} context  @param {Emit<'generate'>} emit  @param {AbortSignal} signal */
async function provePrompt({ run, proofSession }, emit, signal) {
  emit('proving', { tokens: run.prompt });
  emit('proof', await computeTwice(proofSession, run.ids.slice(0, run.prompt), run.prompt, signal));
}
