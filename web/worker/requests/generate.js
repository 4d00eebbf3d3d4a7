// The request "generate": a prompt is read and proved, then tokens are written at the pace that is wanted.
import { until } from '../../engine/pauses.js';
import { KvcError } from '../../index.js';
import { promptIds } from '../../session/plan.js';
import { endingOf } from '../ending.js';
import { Outbox } from '../outbox.js';
import { computeTwice } from '../proof.js';

/**
 * @import { Session } from '../../session/session.js'
 * @import { Context, Serve } from '../context.js'
 * @import { Emit, Sampling } from '../messages.js'
 */

const SETTINGS = ['maxTokens', 'temperature', 'topK', 'topP', 'minP', 'repetitionPenalty', 'seed'];

/** @type {Serve<'generate'>} */
export async function generate(context, { prompt, sampling }, emit, signal) {
  const { model, session } = context.loaded();
  checkFields(prompt, sampling);
  const ids = promptIds(model, prompt);
  context.run = { ids, prompt: ids.length };
  try {
    const reason = await endingOf(write(context, session, sampling, emit, signal));
    return { reason, position: session.position, memory: session.memoryUsage() };
  } catch (error) {
    context.run = { ids: [], prompt: 0 }; // a run that failed has nothing to prove
    throw error;
  }
}

/** Values of settings are checked by the session. @param {unknown} prompt  @param {unknown} sampling */
function checkFields(prompt, sampling) {
  if (typeof prompt !== 'string') throw new KvcError('invalid_argument', 'A prompt is a string.');
  if (typeof sampling !== 'object' || sampling === null) {
    throw new KvcError('invalid_argument', 'The sampling settings are an object.');
  }
  const stray = Object.keys(sampling).find((name) => !SETTINGS.includes(name));
  if (stray) throw new KvcError('invalid_argument', `"${stray}" is none of ${SETTINGS.join(', ')}.`);
}

/**
 * @param {Context} context  @param {Session} session  @param {Sampling} sampling
 * @param {Emit<'generate'>} emit  @param {AbortSignal} signal
 */
async function write(context, session, sampling, emit, signal) {
  const { run, useCache } = context;
  const outbox = new Outbox(emit, session);
  const tokens = session.generate(run.ids.slice(), { ...sampling, useCache, signal });
  try {
    for (let due = performance.now(); ;) {
      const held = session.cachedTokens;
      const { value, done } = await tokens.next();
      if (done) return value;
      run.ids.push(value.id);
      if (value.position > run.prompt) {
        outbox.put({ ...value, ...workOf(session, value.position, held) });
      } else { // the first token: the prompt was read before it
        emit('prefilled', { ...session.prefillStats, cached: useCache });
        outbox.put({ ...value, ...workOf(session, value.position, useCache ? run.prompt : 0) });
        await provePrompt(context, emit, signal);
        due = performance.now();
      }
      const { tokensPerSecond } = context; // now: an order may have changed it
      due = Math.max(performance.now(), due + (tokensPerSecond > 0 ? 1000 / tokensPerSecond : 0));
      if (due > performance.now()) await until(due, signal); // else only generate()'s pauses hear orders
    }
  } finally {
    outbox.send();
    await tokens.return('length'); // also when a proof was stopped: the session must not stay busy
  }
}

/**
 * How many tokens ran through the model for the one at `position`, if the cache held `held` before.
 * @param {Session} session  @param {number} position  @param {number} held
 */
function workOf(session, position, held) {
  // The cache holds the newest token only if it was computed with the cache on.
  const cached = session.cachedTokens === position + 1;
  return { cached, work: cached ? position + 1 - held : position + 1, missing: cached ? position - held : 0 };
}

/** @param {Context} context  @param {Emit<'generate'>} emit  @param {AbortSignal} signal */
async function provePrompt({ run, proofSession }, emit, signal) {
  emit('proving', { tokens: run.prompt });
  emit('proof', await computeTwice(proofSession, run.ids.slice(0, run.prompt), run.prompt, signal));
}
