// The request "trace": what a model with an encoder writes from a source, beside the run: in a session of its
// own, with the caches that are wanted.
import { checkChoice, invalid, isCount, optionsOf, shown } from '../../engine/arguments.js';
import { checkEncoder } from '../../session/source.js';
import { traced } from '../traced.js';

/** @import { Serve } from '../context.js' */

/** @type {Serve<'trace'>} */
export async function trace(context, fields, _emit, signal) {
  const { model } = context.loaded();
  checkEncoder(model, 'The request "trace"');
  const names = /** @type {const} */ (['source', 'maxTokens', 'useCache', 'useCrossCache']);
  const { source, maxTokens, useCache = true, useCrossCache = true } = optionsOf('trace', fields, names);
  if (typeof source !== 'string') throw invalid('The source of a trace is a string.');
  if (!isCount(maxTokens) || maxTokens < 1) throw invalid(`maxTokens is ${shown(maxTokens)}, not 1 or more.`);
  checkChoice('useCache', useCache, [true, false]);
  checkChoice('useCrossCache', useCrossCache, [true, false]);
  const ids = model.encode(source);
  return context.turns.take(() => (
    traced(context, { model, source: ids, maxTokens, useCache, useCrossCache, signal })), signal);
}
