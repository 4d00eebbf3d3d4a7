// The request "prove": the last run computed again, with the cache and without it.
import { KvcError } from '../../index.js';
import { computeTwice } from '../proof.js';

/** @import { Serve } from '../context.js' */

/** @type {Serve<'prove'>} */
export async function prove(context, _fields, _emit, signal) {
  const { session } = context.loaded();
  const { run: last, run: { ids, prompt } } = context;
  if (ids.length === 0) throw new KvcError('not_ready', 'There is no run yet to compare the numbers of.');
  const run = session.logitsHash;
  const proof = await computeTwice(context.proofSession, last, ids, prompt, signal);
  return { ...proof, run, equal: proof.equal && run === proof.on };
}
