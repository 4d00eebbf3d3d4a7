// The request "count": how many tokens a prompt has, and how many there is room for.
import { idsOf } from '../prompt.js';

/**
 * @import { Context } from '../context.js'
 * @import { Answer, Fields } from '../messages.js'
 */

/** @param {Context} context  @param {Fields<'count'>} fields  @returns {Promise<Answer<'count'>>} */
export async function count(context, fields) {
  const { model, session: { capacity, sourceCapacity } } = context.loaded();
  const room = model.config.encoder ? sourceCapacity : capacity;
  if (fields.prompt === '') return { tokens: model.encode('').length, room };
  return { tokens: (await idsOf(model, fields)).length, room };
}
