// The request "edit": what becomes of a changed prompt, beside the run: in the session for proofs.
import { invalid, isCount, optionsOf, shown } from '../../engine/arguments.js';
import { promptIds } from '../../session/plan.js';
import { compared } from '../edited.js';
import { refuseEncoder } from '../sourced.js';

/**
 * @import { Model } from '../../session/model.js'
 * @import { Serve } from '../context.js'
 */

/** @type {Serve<'edit'>} */
export async function edit(context, fields, _emit, signal) {
  const { model } = context.loaded();
  refuseEncoder(model, 'edit');
  const given = optionsOf('edit', fields, ['before', 'after', 'maxTokens']);
  const { maxTokens } = given;
  if (!isCount(maxTokens) || maxTokens < 1) throw invalid(`maxTokens is ${shown(maxTokens)}, not 1 or more.`);
  const [before, after] = [given.before, given.after].map((prompt) => {
    if (typeof prompt !== 'string') throw invalid('A prompt is a string.');
    return promptIds(model, prompt);
  });
  return context.turns.take(async () => {
    const job = { session: context.proofSession, before, after, maxTokens, signal };
    const prompts = { before: tokensOf(model, before), after: tokensOf(model, after) };
    return { ...prompts, ...await compared(context, job) };
  }, signal);
}

/** @param {Model} model  @param {number[]} ids */
function tokensOf(model, ids) {
  const stream = model.textStream();
  return ids.map((id) => ({ id, text: stream.push(id) }));
}
