// npx kvcache-wasm generate PROMPT: a text into the terminal, with the cache on, off, or both ways.
import { text as textOf } from 'node:stream/consumers';
import { wholePages } from '../../cache/sizes.js';
import { KvcError } from '../../engine/errors.js';
import { SINKS } from '../../session/options.js';
import { promptIds } from '../../session/plan.js';
import { report, statusLine, tableOf, verdict } from '../figures.js';
import { MODEL_OPTIONS, modelOf } from '../model.js';
import { flagsOf, helpOf, parse } from '../options.js';
import { Refusal } from '../refusal.js';
import { SAMPLING_OPTIONS, samplingOf } from '../sampling.js';
import { Screen } from '../screen.js';
import { Stop } from '../stop.js';
import { proofOf, warmUp, write } from '../write.js';

/**
 * @import { ChatOptions, Message } from '../../session/chat.js'
 * @import { Model } from '../../session/model.js'
 * @import { SessionOptions } from '../../session/options.js'
 * @import { GenerateOptions } from '../../session/sampling.js'
 * @import { ModelOptions } from '../model.js'
 * @import { Table, Value } from '../options.js'
 * @import { Cache, Written } from '../write.js'
 *
 * @typedef {object} Own
 * @property {Cache | 'both'} [cache]
 * @property {'stop' | 'slide'} [whenFull]
 * @property {number} [sinks]
 * @property {boolean} [chat]
 * @property {string} [system]
 * @property {string} [template]
 * @property {boolean} [json]
 *
 * @typedef {object} Job
 * @property {Model} model
 * @property {string | Message[]} prompt
 * @property {number[]} [source]  its ids, where the model has an encoder
 * @property {GenerateOptions & { maxTokens: number }} options
 * @property {Pick<SessionOptions, 'capacity' | 'whenFull' | 'sinks'>} room
 * @property {Screen} [screen]  without one the text is for --json
 * @property {Stop} stop
 */

const MOST_TOKENS = 200; // if neither the caller nor the model's makers say

/** @type {Table} */
export const table = {
  cache: { value: 'MODE', choices: ['on', 'off', 'both'], help: 'both writes the text off and on, compares '
    + 'every bit of the\nlogits and says how fast each was; with an encoder the\ncache of the source goes '
    + 'off and on too' },
  ...MODEL_OPTIONS,
  ...SAMPLING_OPTIONS,
  'when-full': { value: 'MODE', choices: ['stop', 'slide'], help: "slide: past the model's context, "
    + 'without the oldest\ntokens but for the sinks; where positions are rotations' },
  sinks: { value: 'N', number: true, help: 'with --when-full slide: the first tokens, which stay' },
  chat: { help: "PROMPT is a message, put through the model's chat template" },
  system: { value: 'TEXT', help: 'with --chat: instructions that come first' },
  template: { value: 'TEXT', help: "with --chat: the name of one of the model's templates, or one itself" },
  json: { help: 'one JSON object on standard output, in place of the text' },
};

export const help = `npx kvcache-wasm generate PROMPT [--cache on|off|both] [--model DIR_OR_URL] ...
    Writes on from PROMPT, or from what comes through a pipe. The text goes to standard
    output, the speeds to standard error. To a model with an encoder PROMPT is the source,
    and what it writes from it is the text. --help behind it tells all options.`;

export const details = `${helpOf(table)}

Ctrl+C stops it: the text stays, the figures are of what was done. Exit codes: 0, written; 1, not possible;
2, called in a wrong way; 3, the cache has changed the text, so there are no figures; 130, stopped by Ctrl+C;
141, nobody reads any more; 143, terminated.`;

/** @param {string[]} args */
export async function run(args) {
  let isJson = flagsOf(args).includes('--json'); // where they cannot be read, too
  try {
    const { values, words } = parse('generate', args, table);
    isJson = Boolean(values.json);
    await generate(values, words, new Stop());
  } catch (error) {
    if (isJson && (error instanceof KvcError || error instanceof Refusal)) {
      const code = error instanceof KvcError ? error.code : 'invalid_argument';
      console.log(JSON.stringify({ error: { code, message: error.message } }));
    }
    throw error;
  }
}

/** @param {Record<string, Value>} values  @param {readonly string[]} words  @param {Stop} stop */
async function generate(values, words, stop) {
  const own = /** @type {Own} */ (values);
  const { cache = 'on', chat = false, json = false, system, template } = own;
  if (!chat && (system ?? template) !== undefined) {
    const stray = system === undefined ? 'template' : 'system';
    throw new Refusal(`--${stray} is for conversations: add --chat.`, 2);
  }
  const text = await promptFrom(words);
  const prompt = chat ? [...system === undefined ? [] : [{ role: 'system', content: system }],
    { role: 'user', content: text }] : text;
  const model = await modelOf(/** @type {ModelOptions} */ (values), stop);
  const screen = json ? undefined : new Screen(stop.signal);
  const maxTokens = Number(values.maxTokens ?? model.generation.maxNewTokens ?? MOST_TOKENS);
  const options = { ...samplingOf(values), maxTokens, ...chat && { chat: { template } } };
  await warmUp(model, stop.signal);
  const ids = await idsOf(model, prompt, options.chat);
  const source = model.config.encoder ? ids : undefined;
  const { startTokenIds = [] } = model.generation;
  const room = roomFor(model, own, (source ? startTokenIds : ids).length + maxTokens);
  const runs = await writeEach({ model, prompt, source, options, room, screen, stop },
    cache === 'both' ? ['off', 'on'] : [cache]);
  if (stop.isUnread) return;
  const proof = runs.length === 2 ? proofOf(runs[0], runs[1]) : undefined;
  if (json) return console.log(JSON.stringify({ prompt: text, ...report(runs, proof) }));
  console.error(`\n${tableOf(runs)}${proof ? `\n${verdict(runs, proof)}` : ''}`);
}

/**
 * Room for the text, and where it slides for a page beside the sinks at least. What is no number of tokens
 * generate() refuses.
 * @param {Model} model  @param {Own} own  @param {number} tokens  of the whole text
 */
function roomFor({ config: { nPositions } }, { whenFull, sinks }, tokens) {
  if (whenFull !== 'slide') return { capacity: Math.min(nPositions, Math.max(1, Math.ceil(tokens))), sinks };
  const least = wholePages(sinks ?? SINKS) + wholePages(1);
  return { capacity: Math.min(nPositions, Math.max(wholePages(tokens), least)), whenFull, sinks };
}

/** @param {readonly string[]} words */
async function promptFrom(words) {
  if (words.length > 1) {
    throw new Refusal('generate takes one prompt: put it in quotes, as in "Once upon a time".', 2);
  }
  if (words.length === 1) return words[0];
  const piped = process.stdin.isTTY ? '' : await textOf(process.stdin);
  if (piped === '') throw new Refusal('generate needs a prompt, as in generate "Once upon a time".', 2);
  return piped.replace(/\r?\n$/, ''); // which echo has put there
}

/** @param {Model} model  @param {string | Message[]} prompt  @param {ChatOptions | undefined} chat */
function idsOf(model, prompt, chat) {
  return typeof prompt === 'string' ? promptIds(model, prompt)
    : model.applyChatTemplate(prompt, { addGenerationPrompt: true, ...chat });
}

/**
 * One run after the other, until one is stopped. A pipe gets the text of the first alone.
 * @param {Job} job  @param {readonly Cache[]} ways
 */
async function writeEach(job, ways) {
  const { screen } = job;
  const runs = [];
  for (const [i, cache] of ways.entries()) {
    if (job.stop.signal.aborted) break;
    if (ways.length > 1) await screen?.aside(`${i > 0 ? '\n' : ''}cache ${cache}`);
    const isShown = i === 0 || screen?.isTerminal;
    runs.push(await writeOnce(isShown ? job : { ...job, screen: undefined }, cache));
  }
  return runs;
}

/** @param {Job} job  @param {Cache} cache  @returns {Promise<Written>} */
async function writeOnce({ model, prompt, source, options, room, screen, stop: { signal } }, cache) {
  const session = sessionFor(model, source, room, cache === 'on');
  let beginning = typeof prompt === 'string' ? prompt : ''; // not shown before it is accepted
  let tokens = 0;
  const show = async (/** @type {string} */ text) => {
    const [before, whole] = source ? [beginning, text] : ['', beginning + text];
    beginning = '';
    if (before) await screen?.aside(before);
    await screen?.text(whole);
  };
  try {
    screen?.status(() => `cache ${cache}: reading the ${source ? 'source' : 'prompt'}`);
    const given = source ?? prompt;
    const written = await write(session, given, { ...options, signal }, async ({ text }, speed) => {
      await show(text);
      tokens++;
      screen?.status(() => statusLine(cache, tokens, speed()));
    });
    await show('');
    return written;
  } finally {
    session.dispose();
    await screen?.close();
  }
}

/**
 * @param {Model} model  @param {number[] | undefined} source  @param {Job['room']} room
 * @param {boolean} isOn  the cache, and that of the source
 */
function sessionFor(model, source, room, isOn) {
  if (!source) return model.createSession({ ...room, useCache: isOn });
  const sourceCapacity = Math.min(model.config.nPositions, source.length);
  return model.createSession({ ...room, sourceCapacity, useCache: isOn, useCrossCache: isOn });
}
