// How many tokens the prompt has: counted before a run, and as it is typed.
import { Refusal, losesModel } from './failure.js';

/**
 * @import { Client } from '../worker/client.js'
 * @import { Event } from './state.js'
 */

export class PromptCounter {
  #client;
  #prompt;
  #emit;
  #following = false;

  /** @param {Client} client  @param {() => string} prompt  now  @param {(event: Event) => void} emit */
  constructor(client, prompt, emit) {
    this.#client = client;
    this.#prompt = prompt;
    this.#emit = emit;
  }

  /**
   * A prompt without room is refused before the story that stands there is given up for it. Where the model
   * was lost meanwhile, nothing counts: the run has it loaded again.
   */
  async refuseTooLong() {
    const { tokens, room } = await this.#count().catch((error) => {
      if (losesModel(error)) return { tokens: 0, room: 0 };
      throw error;
    });
    if (tokens > room) throw new Refusal('context_full', { what: 'promptTooLong', tokens, room });
  }

  /** Counts the prompt as it is typed: one request at a time, until the newest text was counted. */
  async follow() {
    if (this.#following) return;
    this.#following = true;
    try {
      while ((await this.#count()).text !== this.#prompt());
    } catch { // the next run meets what is wrong as well, and says so
    }
    this.#following = false;
  }

  async #count() {
    const text = this.#prompt();
    const count = { text, ...await this.#client.request('count', { prompt: text }) };
    this.#emit({ type: 'counted', count });
    return count;
  }
}
