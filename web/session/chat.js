// Conversations: a list of messages becomes one text, through the chat template of the model's makers, as
// transformers does it; that text holds all special tokens already.
import { checkChoice, checkSignal, invalid, optionsOf, shown } from '../engine/arguments.js';
import { KvcError, reasonOf, throwIfAborted } from '../engine/errors.js';
import { TEMPLATES } from '../files/opened.js';
import { failed, rendered } from './template.js';

/**
 * @import { AbortSignal } from '../engine/platform.js'
 *
 * @typedef {object} Message
 * @property {string} role      "system", "user", "assistant", or what else the template knows
 * @property {string | null | readonly Record<string, unknown>[]} [content]
 *
 * Whatever else the template reads of a message may be in it.
 * @typedef {Message & Record<string, unknown>} ChatMessage
 *
 * @typedef {object} ChatOptions
 * @property {boolean} [addGenerationPrompt]  ends with what an answer begins with, false by default
 * @property {boolean} [continueFinalMessage] leaves the last message open, to go on with; false by default
 * @property {string} [template]  the name of one of the model's, or a template of your own
 * @property {readonly Record<string, unknown>[]} [tools]      JSON schemas, for templates that take them
 * @property {readonly Record<string, unknown>[]} [documents]  the same
 * @property {Readonly<Record<string, unknown>>} [variables]  more for it: { enable_thinking: false }
 * @property {AbortSignal} [signal]
 *
 * @typedef {object} ChatSources  where a model's template comes from
 * @property {unknown} config     tokenizer_config.json, if there is one
 * @property {(file: string, signal?: AbortSignal) => Promise<string | undefined>} file  of a template, read
 *   then
 * @property {Readonly<Record<string, string>>} tokens  such as bos_token, where that file does not say
 *
 * @typedef {{ tools?: unknown, template?: string }} Choice
 */

/** @type {readonly (keyof ChatOptions)[]} */
export const CHAT_OPTIONS = ['addGenerationPrompt', 'continueFinalMessage', 'template', 'tools', 'documents',
  'variables', 'signal'];

export const TEMPLATE = 'chat_template.jinja';

/** Whether a file is one of a template. @param {string} file */
export const isTemplate = (file) => file === TEMPLATE || file.startsWith(TEMPLATES);

const TOKENS = ['bos_token', 'eos_token', 'unk_token', 'sep_token', 'pad_token', 'cls_token', 'mask_token'];
const MOST_MESSAGES = 10_000;
const OPEN = 'CONTINUE_FINAL_MESSAGE_TAG '; // transformers' own: a template may trim the blank
const ADVICE = 'Models for conversations, often called Instruct or Chat, have one.';

export class Chat {
  #sources;
  /** What was read. @type {Map<string, string | undefined>} */
  #files = new Map();

  /** @param {ChatSources} sources */
  constructor(sources) {
    this.#sources = sources;
  }

  /**
   * The conversation as text.
   * @param {readonly Message[]} messages  @param {ChatOptions} [given]
   */
  async render(messages, given) {
    const options = checkedOptions(given);
    const { tools, documents, variables, signal } = options;
    const values = plain({ messages, tools: tools ?? null, documents: documents ?? null, variables });
    checkMessages(values.messages);
    const { addGenerationPrompt = false, continueFinalMessage = false } = options;
    const last = continueFinalMessage ? openLast(values.messages) : undefined;
    const source = await this.#template(options, signal);
    throwIfAborted(signal);
    const text = await rendered(source, {
      messages: values.messages, tools: values.tools, documents: values.documents,
      add_generation_prompt: addGenerationPrompt, ...this.#tokens(), ...values.variables,
    });
    return last === undefined ? text : upTo(text, last);
  }

  /** @param {Choice} choice  @param {AbortSignal} [signal] */
  async #template({ template, tools }, signal) {
    if (template !== undefined && /\{[{%#]/.test(template)) return template;
    const wanted = template ?? (tools ? 'tool_use' : 'default');
    const further = isName(wanted) ? await this.#read(`${TEMPLATES}${wanted}.jinja`, signal) : undefined;
    if (further !== undefined) return further;
    const templates = templatesOf(await this.#own(signal));
    if (templates.size === 0) {
      throw new KvcError('chat_template_missing', 'This model has no chat template: neither its '
        + `tokenizer_config.json nor a chat_template.jinja beside it has one. ${ADVICE}`);
    }
    const name = template ?? (templates.has(wanted) ? wanted : 'default');
    const source = templates.get(name);
    if (source !== undefined) return source;
    throw new KvcError('chat_template_missing', `This model has no chat template named ${shown(name)}, but ${
      [...templates.keys()].map(shown).join(', ')}.`);
  }

  /** The file of its own wins. @param {AbortSignal} [signal]  @returns {Promise<unknown>} */
  async #own(signal) {
    return await this.#read(TEMPLATE, signal) ?? Object(this.#sources.config).chat_template;
  }

  /** @param {string} file  @param {AbortSignal | undefined} signal */
  async #read(file, signal) {
    if (!this.#files.has(file)) this.#files.set(file, await this.#sources.file(file, signal));
    return this.#files.get(file);
  }

  /** The special tokens that templates write, as tokenizer_config.json has them. */
  #tokens() {
    const config = /** @type {Record<string, unknown>} */ (Object(this.#sources.config));
    const named = TOKENS.flatMap((name) => {
      const token = name in config ? config[name] : this.#sources.tokens[name];
      const text = typeof token === 'string' ? token : Object(token).content;
      return typeof text === 'string' ? [[name, text]] : [];
    });
    return Object.fromEntries(named);
  }
}

/** Of a template in a file of its own. @param {string} name */
const isName = (name) => name !== 'default' && /^\w[\w.-]*$/.test(name);

/** By name; one alone is the default. @param {unknown} own  @returns {Map<string, string>} */
function templatesOf(own) {
  if (own === undefined || own === null) return new Map();
  if (typeof own === 'string') return new Map([['default', own]]);
  const entries = Array.isArray(own) ? own.map(Object)
    : Object.entries(own).map(([name, template]) => ({ name, template }));
  const isNamed = (/** @type {{ name?: unknown, template?: unknown }} */ { name, template }) => (
    typeof name === 'string' && typeof template === 'string');
  if (entries.length > 0 && entries.every(isNamed)) {
    return new Map(entries.map(({ name, template }) => [name, template]));
  }
  throw failed(`tokenizer_config.json: chat_template is ${shown(own)}; it must be a text, or a list of `
    + 'templates with their names.');
}

// ---- what callers give --------------------------------------------------------------------------

/** Whether a prompt is a conversation. @param {unknown} prompt  @returns {prompt is readonly Message[]} */
export function isConversation(prompt) {
  if (!Array.isArray(prompt)) return false;
  return typeof prompt[0] === 'object' && prompt[0] !== null;
}

/**
 * How generate() turns a conversation into a prompt: an answer begins, unless the last message goes on.
 * @param {ChatOptions | undefined} chat  @param {AbortSignal | undefined} signal
 * @returns {ChatOptions}
 */
export const promptOptions = (chat, signal) => (
  { addGenerationPrompt: !chat?.continueFinalMessage, ...chat, signal });

/** @param {ChatOptions | undefined} given */
function checkedOptions(given) {
  const options = optionsOf('applyChatTemplate()', given, CHAT_OPTIONS);
  const { addGenerationPrompt = false, continueFinalMessage = false, template, signal } = options;
  checkChoice('addGenerationPrompt', addGenerationPrompt, [true, false]);
  checkChoice('continueFinalMessage', continueFinalMessage, [true, false]);
  if (addGenerationPrompt && continueFinalMessage) {
    throw invalid('An answer begins or the last message goes on: leave out addGenerationPrompt, or '
      + 'continueFinalMessage.');
  }
  if (template !== undefined && typeof template !== 'string') {
    throw invalid(`template is ${shown(template)}; it must be the name of a template, or one itself.`);
  }
  checkSignal(signal);
  throwIfAborted(signal);
  return options;
}

/**
 * A copy of what JSON can hold, so that no code of the caller runs in the template.
 * @template T @param {T} given  @returns {T}
 */
function plain(given) {
  try {
    return JSON.parse(JSON.stringify(given));
  } catch (cause) {
    throw invalid(`A conversation is made of what JSON can hold: ${reasonOf(cause)}`);
  }
}

/** @param {unknown} messages */
function checkMessages(messages) {
  if (!Array.isArray(messages) || messages.length === 0 || messages.length > MOST_MESSAGES) {
    throw invalid(`A conversation is an array of 1 to ${MOST_MESSAGES} messages, { role, content }.`);
  }
  const stray = messages.findIndex((message) => typeof Object(message).role !== 'string');
  if (stray >= 0) throw invalid(`Message ${stray} of the conversation has no role, such as "user".`);
}

// ---- a last message to go on with ---------------------------------------------------------------

/** Marks its end; returns its text. @param {readonly Message[]} messages */
function openLast(messages) {
  const last = messages[messages.length - 1];
  const { content } = last;
  if (typeof content !== 'string') throw invalid('The last message, to be continued, has no text.');
  last.content = content + OPEN;
  return content;
}

/** @param {string} text  @param {string} last  the text of the last message */
function upTo(text, last) {
  const end = text.lastIndexOf(OPEN.trim());
  if (end < 0 || !text.includes(last.trim())) {
    throw failed('The chat template has left out the last message, which is to be continued.');
  }
  const whole = text.slice(0, end);
  return text.startsWith(OPEN, end) ? whole : whole.trimEnd();
}
