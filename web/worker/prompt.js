// What a request gives as a prompt: a text, or a conversation.
import { invalid, shown } from '../engine/arguments.js';
import { isConversation, promptOptions } from '../session/chat.js';
import { promptIds } from '../session/plan.js';

/**
 * @import { Model } from '../session/model.js'
 * @import { Prompted } from './messages.js'
 */

/**
 * Its token ids.
 * @param {Model} model  @param {Prompted} prompted  @param {AbortSignal} [signal]
 * @returns {Promise<number[]>}
 */
export async function idsOf(model, { prompt, chat }, signal) {
  if (isConversation(prompt)) return model.applyChatTemplate(prompt, promptOptions(chat, signal));
  if (typeof prompt !== 'string') {
    throw invalid(`A prompt is a string, or a conversation: a list of messages. This is ${shown(prompt)}.`);
  }
  if (chat !== undefined) throw invalid('The options chat are for a prompt that is a conversation.');
  return promptIds(model, prompt);
}
