// Runs of a model with an encoder: their prompt is a source, read apart, and their text begins with a token
// of its own. All others have no source, and begin with their prompt.
import { KvcError } from '../engine/errors.js';

/**
 * @import { Model } from '../session/model.js'
 * @import { Session } from '../session/session.js'
 * @import { GenerateOptions } from '../session/sampling.js'
 *
 * @typedef {{ source?: readonly number[] }} Sourced  a run, or what is needed of it
 */

/**
 * What a prompt is to a model, whose first token it has to know then.
 * @param {Model} model  @param {Session} session  @param {number[]} ids  of the prompt
 * @returns {{ source?: number[], begun: number[] }}
 */
export function beginningOf({ config, generation: { startTokenIds = [] } }, { sourceCapacity }, ids) {
  if (!config.encoder) return { begun: ids };
  if (startTokenIds.length === 0) {
    throw new KvcError('config_invalid', 'This model has no decoder_start_token_id to begin a text with.');
  }
  if (ids.length <= sourceCapacity) return { source: ids, begun: [...startTokenIds] };
  throw new KvcError('source_too_long',
    `The source has ${ids.length} tokens, and there is room for ${sourceCapacity}.`);
}

/**
 * generate() behind these ids of a run.
 * @param {Session} session  @param {Sourced} run  @param {readonly number[]} ids
 * @param {GenerateOptions} options
 */
export const writing = (session, { source }, ids, options) => (
  source ? session.generate(source, { ...options, target: ids }) : session.generate(ids, options));

/** Whether a session holds the source of a run. @param {Session} session  @param {Sourced} run */
export function holdsSource(session, { source }) {
  if (!source) return true;
  const held = session.source;
  return held.length === source.length && source.every((id, i) => id === held[i]);
}

/** @param {Model} model  @param {string} request  that needs a text without a source */
export function refuseEncoder({ config }, request) {
  if (!config.encoder) return;
  throw new KvcError('unsupported', `The request "${request}" is not there for a model with an encoder, `
    + 'which reads a source and writes a text of its own.');
}
