// The request "count": how many tokens a prompt has, and how many there is room for.
import { KvcError } from '../../index.js';

/**
 * @import { Context } from '../context.js'
 * @import { Answer, Fields } from '../messages.js'
 */

/** @param {Context} context  @param {Fields<'count'>} fields  @returns {Answer<'count'>} */
export function count(context, { prompt }) {
  const { model, session } = context.loaded();
  if (typeof prompt !== 'string') throw new KvcError('invalid_argument', 'A prompt is a string.');
  return { tokens: model.encode(prompt).length, room: session.capacity };
}
