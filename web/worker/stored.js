// The run read once more, token by token, with caches that store less: what that costs, against one of f32.
import { checkChoice, optionsOf } from '../engine/arguments.js';
import { TYPE_NAMES } from '../cache/types.js';
import { Pauses } from '../engine/pauses.js';
import { difference } from '../measure/narrow.js';

/**
 * @import { Model } from '../session/model.js'
 * @import { SessionOptions } from '../session/options.js'
 * @import { NarrowType, SeenStored } from './seen.js'
 * @import { Sourced } from './sourced.js'
 */

const TYPES = /** @type {readonly NarrowType[]} */ (TYPE_NAMES.slice(1));

/**
 * @param {Model} model  @param {Sourced} run  @param {readonly number[]} ids  of it
 * @param {{ types?: readonly NarrowType[] }} wanted
 * @param {Partial<SessionOptions>} beside  what sessions need as that of the run has it
 * @returns {Promise<SeenStored[]>}
 */
export async function storedAs(model, { source }, ids, wanted, beside) {
  const { types = TYPES } = optionsOf('inspect stored', wanted, ['types']);
  for (const type of types) checkChoice('The type of a cache', type, TYPES);
  if (ids.length === 0) return [];
  const room = { capacity: ids.length, ...(source && { sourceCapacity: source.length }), ...beside };
  const exact = model.createSession(room);
  const others = types.map((type) => ({
    type, session: model.createSession({ ...room, keyType: type, valueType: type }),
    same: 0, error: 0,
  }));
  try {
    const pauses = new Pauses();
    if (source) for (const { session } of [{ session: exact }, ...others]) await session.setSource(source);
    for (const id of ids) {
      const logits = exact.decode(id);
      for (const other of others) {
        const { error, same } = difference(logits, other.session.decode(id), model.sampledIds);
        other.error = Math.max(other.error, error);
        if (same) other.same++;
      }
      if (pauses.due) await pauses.take();
    }
    return others.map(({ type, session, same, error }) => (
      { type, tokens: ids.length, same, error, usedBytes: session.memoryUsage().usedBytes }));
  } finally {
    for (const session of [exact, ...others.map((other) => other.session)]) session.dispose();
  }
}
