// npx kvcache-wasm chat: a conversation in the terminal, or with the lines that come through a pipe.
import { createInterface } from 'node:readline/promises';
import { KvcError } from '../../engine/errors.js';
import { statusLine, turnLine } from '../figures.js';
import { MODEL_OPTIONS, modelOf } from '../model.js';
import { helpOf, parse } from '../options.js';
import { Refusal } from '../refusal.js';
import { SAMPLING_OPTIONS, samplingOf } from '../sampling.js';
import { Screen } from '../screen.js';
import { Stop } from '../stop.js';
import { warmUp, write } from '../write.js';

/**
 * @import { Message } from '../../session/chat.js'
 * @import { GenerateOptions } from '../../session/sampling.js'
 * @import { Session } from '../../session/session.js'
 * @import { ModelOptions } from '../model.js'
 * @import { Table } from '../options.js'
 *
 * @typedef {{ cache?: 'on' | 'off', context?: number, cacheBytes?: number, system?: string,
 *   template?: string }} Own
 */

const MOST_TOKENS = 512; // of an answer, if neither the caller nor the model's makers say

/** @type {Table} */
export const table = {
  cache: { value: 'MODE', choices: ['on', 'off'], help: 'off computes all of it for each token' },
  ...MODEL_OPTIONS,
  ...SAMPLING_OPTIONS,
  context: { value: 'N', number: true, help: 'tokens that a conversation may have; without it as many '
    + 'as\nthe model can, in memory for those that there are' },
  'cache-bytes': { value: 'N', number: true, help: 'in place of it: bytes that the cache may take' },
  system: { value: 'TEXT', help: 'instructions that come first' },
  template: { value: 'TEXT', help: "the name of one of the model's templates, or one itself" },
};

export const help = `npx kvcache-wasm chat --model DIR_OR_URL [--cache on|off] ...
    A conversation with a model that has a chat template. Each answer says how much of the
    conversation was in the cache.`;

export const details = `${helpOf(table)}

Lines of yours: /cache on, /cache off, /clear begins anew, /bye (or Ctrl+D) ends. Ctrl+C stops an answer;
where nothing is being written it ends the command. Messages may come through a pipe, a line each: the answers
go to standard output and everything else to standard error. Exit codes as of generate.`;

/** @param {string[]} args */
export async function run(args) {
  const { values, words } = parse('chat', args, table);
  if (words.length > 0) throw new Refusal(`chat takes no "${words[0]}": it asks for your messages.`, 2);
  const { cache = 'on', context, cacheBytes, system, template } = /** @type {Own} */ (values);
  if (context !== undefined && cacheBytes !== undefined) {
    throw new Refusal('chat takes --context or --cache-bytes, not both.', 2);
  }
  if (context !== undefined && !(Number.isInteger(context) && context > 0)) {
    throw new Refusal(`--context is ${context}; it must be a whole number from 1 on.`, 2);
  }
  const stop = new Stop();
  const model = await modelOf(/** @type {ModelOptions} */ (values), stop);
  // What its template cannot do is said before anybody types.
  await model.applyChatTemplate([{ role: 'user', content: 'Hello' }], { template });
  await warmUp(model, stop.signal);
  const capacity = context === undefined ? 'grow' : Math.min(context, model.config.nPositions);
  const session = model.createSession({ capacity, cacheBytes, useCache: cache === 'on' });
  const maxTokens = Number(values.maxTokens ?? model.generation.maxNewTokens ?? MOST_TOKENS);
  const options = { ...samplingOf(values), maxTokens, chat: { template } };
  const chat = new Conversation(session, options, system, stop);
  for await (const said of messagesOf(stop)) {
    const line = said.trim();
    if (line === '/bye') break;
    await chat.take(line);
    if (stop.signal.aborted) break;
  }
}

/** What somebody types, or the lines of a pipe. @param {Stop} stop */
async function* messagesOf({ signal }) {
  const { stdin: input, stderr: output } = process;
  if (!input.isTTY) return yield* createInterface({ input, signal });
  /** @type {string[]} */
  let history = [];
  for (;;) {
    // A new one for each line: it has the keyboard only while somebody may type.
    const lines = createInterface({ input, output, history });
    const ended = new Promise((resolve) => { lines.once('close', resolve); });
    let isInterrupted = false;
    lines.once('SIGINT', () => {
      isInterrupted = true;
      lines.close();
    });
    lines.on('history', (entries) => { history = [...entries]; });
    const asked = lines.question('> ').catch(() => undefined); // Ctrl+D rejects it before that
    const line = await Promise.race([asked, ended.then(() => undefined)]);
    lines.close();
    if (line === undefined) {
      process.stderr.write('\n');
      if (isInterrupted) process.exitCode = 130;
      return;
    }
    yield line;
  }
}

class Conversation {
  #session;
  #options;
  #system;
  #stop;
  /** @type {Message[]} */
  #messages = [];

  /**
   * @param {Session} session  @param {GenerateOptions} options  @param {string | undefined} system
   * @param {Stop} stop
   */
  constructor(session, options, system, stop) {
    this.#session = session;
    this.#options = options;
    this.#system = system;
    this.#stop = stop;
    this.#clear();
  }

  #clear() {
    this.#messages = this.#system === undefined ? [] : [{ role: 'system', content: this.#system }];
  }

  /** A line: an order or a message. @param {string} line */
  async take(line) {
    const [, mode] = line.match(/^\/cache (on|off)$/) ?? [];
    if (line === '') return;
    if (line === '/clear') return this.#clear();
    if (mode) this.#session.useCache = mode === 'on';
    else if (line.startsWith('/')) console.error('There are /cache on, /cache off, /clear and /bye.');
    else await this.#answer(line);
  }

  /** @param {string} content */
  async #answer(content) {
    const said = [...this.#messages, { role: 'user', content }];
    const interrupt = new AbortController();
    const { signal } = interrupt;
    this.#stop.signal.addEventListener('abort', () => interrupt.abort(), { signal });
    const screen = new Screen(signal);
    this.#stop.onInterrupt = () => {
      if (!screen.isTerminal || signal.aborted) return false;
      interrupt.abort();
      return true;
    };
    const cache = this.#session.useCache ? 'on' : 'off';
    let tokens = 0;
    try {
      screen.status(() => `cache ${cache}: reading the conversation`);
      const options = { ...this.#options, signal };
      const written = await write(this.#session, said, options, async ({ text }, speed) => {
        await screen.text(text);
        tokens++;
        screen.status(() => statusLine(cache, tokens, speed()));
      });
      if (tokens > 0) this.#messages = [...said, { role: 'assistant', content: written.text }];
      await screen.close();
      if (!this.#stop.isUnread) console.error(turnLine(written));
    } catch (error) {
      await screen.close();
      if (!(error instanceof KvcError) || error.code !== 'context_full') throw error;
      console.error(`${error.message} /clear begins a new conversation.`); // the message was not said
    } finally {
      this.#stop.onInterrupt = () => false;
    }
  }
}
