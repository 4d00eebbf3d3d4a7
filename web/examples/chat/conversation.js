// A conversation with a model in a worker: what was said, what each turn has cost, and what may be done now.
// It knows no document.

/**
 * @import { Client } from '../../worker/client.js'
 * @import { Answer, Fields, Prefill, RequestEvent, Sampling } from '../../worker/messages.js'
 *
 * @typedef {object} Figures    of an answer
 * @property {Prefill} [prefill]   of the prompt, which is all of the conversation so far
 * @property {number} tokens    of the answer
 * @property {number} [perSecond]  of them, where they are enough for the clock
 * @property {Answer<'generate'>['reason']} [reason]  why it ended
 *
 * @typedef {object} Progress  of a load
 * @property {number} loaded    bytes
 * @property {number} total     of the weights, nearly all there is; 0 while nobody knows
 * @property {string} [stalled]  the file of which nothing comes
 *
 * @typedef {{ role: 'system' | 'user', content: string }} Said
 * @typedef {{ role: 'assistant', content: string, figures: Figures }} Answered
 * @typedef {Said | Answered} Turn
 * @typedef {'empty' | 'loading' | 'ready' | 'answering'} Phase
 * @typedef {Sampling & { system?: string }} Settings
 */

export class Conversation {
  /** @type {Phase} */
  phase = 'empty';
  /** @type {Turn[]} */
  turns = [];
  #client;
  #changed;

  /**
   * @param {Client} client
   * @param {(more?: string) => void} changed  anything of this has; more: what the last answer has got
   */
  constructor(client, changed) {
    this.#client = client;
    this.#changed = changed;
  }

  /**
   * A model takes the place of the one before, and a new conversation begins.
   * @param {Fields<'load'>} fields  @param {(progress: Progress) => void} tell
   */
  async load(fields, tell) {
    this.#become('loading');
    try {
      const { weights: _, capacity: __, ...source } = fields;
      tell({ loaded: 0, total: 0 });
      const { fileBytes } = await this.#client.request('weigh', source);
      this.turns = []; // from here on the model before is gone
      const loading = this.#client.request('load', fields, progressOf(fileBytes, tell));
      this.#client.order('setPace', { tokensPerSecond: 0 });
      const answer = await loading;
      this.#become('ready');
      return answer;
    } catch (error) {
      this.#become(await this.#isLoaded() ? 'ready' : 'empty');
      throw error;
    }
  }

  /** A load that was refused early leaves the model before where it was, and what was said to it. */
  async #isLoaded() {
    try {
      return (await this.#client.request('status')).loaded;
    } catch {
      return false; // the worker itself is gone
    }
  }

  /**
   * Says something and waits for the answer. Where there is none, nothing was said.
   * @param {string} content  @param {Settings} settings
   */
  async say(content, { system, ...sampling }) {
    const before = this.turns.length;
    const turns = this.#with(content, system);
    /** @type {Answered} */
    const answer = { role: 'assistant', content: '', figures: { tokens: 0 } };
    this.turns = [...turns, answer];
    this.#become('answering');
    try {
      const { reason } = await this.#client.request('generate',
        { prompt: turns.map(messageOf), sampling, proof: false }, this.#listener(answer));
      answer.figures.reason = reason;
      if (reason === 'stopped' && answer.figures.tokens === 0) this.turns.length = before;
    } catch (error) {
      this.turns.length = before;
      throw error;
    } finally {
      this.#become('ready');
    }
  }

  /** Ends what is under way; an answer keeps what is there of it. */
  stop() {
    this.#client.stop();
  }

  /** Forgets what was said. The session keeps its cache, of which the next prompt may reuse its beginning. */
  clear() {
    this.turns = [];
    this.#changed();
  }

  /** @param {boolean} on */
  setCache(on) {
    this.#client.order('setCache', { on });
  }

  /**
   * How long the prompt would be.
   * @param {string} content  @param {string} [system]
   */
  count(content, system) {
    return this.#client.request('count', { prompt: this.#with(content, system).map(messageOf) });
  }

  /**
   * What would have been said then. The instructions come first of all.
   * @param {string} content  @param {string} [system]  @returns {Turn[]}
   */
  #with(content, system) {
    const begins = this.turns.length === 0 && system;
    return [...begins ? [{ role: /** @type {const} */ ('system'), content: system }] : this.turns,
      { role: 'user', content }];
  }

  /** @param {Answered} answer  @returns {(event: RequestEvent<'generate'>) => void} */
  #listener(answer) {
    /** @type {Map<number, { tokens: number, ms: number }>} */
    const bursts = new Map(); // each is told with every token of it
    return (event) => {
      if (event.type === 'prefilled') {
        const { type: _, ...prefill } = event;
        answer.figures.prefill = prefill;
        this.#changed();
      }
      if (event.type !== 'tokens') return;
      for (const { burst } of event.tokens) if (burst) bursts.set(burst.first, burst);
      answer.figures.tokens += event.tokens.length;
      answer.figures.perSecond = speedOf([...bursts.values()]);
      const more = event.tokens.map(({ text }) => text).join('');
      answer.content += more;
      this.#changed(more);
    };
  }

  /** @param {Phase} phase */
  #become(phase) {
    this.phase = phase;
    this.#changed();
  }
}

/**
 * @param {number} total  @param {(progress: Progress) => void} tell
 * @returns {(event: RequestEvent<'load'>) => void}
 */
function progressOf(total, tell) {
  /** @type {Map<string, number>} */
  const files = new Map();
  return (event) => {
    if (event.type === 'progress') files.set(event.file, event.loaded);
    const loaded = [...files.values()].reduce((sum, bytes) => sum + bytes, 0);
    tell({ loaded, total, ...(event.type === 'stalled' && { stalled: event.file }) });
  };
}

/** As the worker takes it. @param {Turn} turn */
const messageOf = ({ role, content }) => ({ role, content });

/** @param {{ tokens: number, ms: number }[]} bursts */
function speedOf(bursts) {
  const [tokens, ms] = bursts.reduce(([n, sum], burst) => [n + burst.tokens, sum + burst.ms], [0, 0]);
  return ms > 0 ? (1000 * tokens) / ms : undefined;
}

/**
 * The address that somebody means: a folder, or a model of the Hugging Face Hub by its name or its page.
 * @param {string} given  @param {string} base  of relative ones
 */
export function addressOf(given, base) {
  const text = given.trim();
  const page = /^(?:https:\/\/huggingface\.co\/)?([\w-][\w.-]*\/[\w-][\w.-]*)\/?$/.exec(text);
  if (page) return `https://huggingface.co/${page[1]}/resolve/main/`;
  return new URL(text.endsWith('/') ? text : `${text}/`, base).href;
}
