// One experiment of the lab: the same story by a right engine and by one with a bug, in the scenario that
// brings the bug out, compared token by token and logit by logit.
import { checkChoice, checkSignal, invalid, isCount, optionsOf, shown } from '../engine/arguments.js';
import { KvcError, throwIfAborted } from '../engine/errors.js';
import { Pauses } from '../engine/pauses.js';
import { Model, engineOf } from '../session/model.js';
import { promptIds } from '../session/plan.js';
import { DRAFT, SCENARIOS } from './scenarios.js';

/**
 * @import { ErrorCode } from '../engine/errors.js'
 * @import { AbortSignal } from '../engine/platform.js'
 * @import { GenerateOptions } from '../session/sampling.js'
 * @import { Session } from '../session/session.js'
 * @import { Job, Scenario, ScenarioName } from './scenarios.js'
 *
 * @typedef {object} Experiment
 * @property {number} bug               its number in the list; 0: none
 * @property {ScenarioName} scenario
 * @property {string} prompt
 * @property {string} [earlier]         another prompt, where the scenario needs one; by default the same with
 *   a token changed
 * @property {number} [tokens]          to be written, if they fit; 40 by default
 * @property {Pick<GenerateOptions, (typeof SAMPLING)[number]>} [sampling]
 * @property {AbortSignal} [signal]     rejects with code "aborted"
 *
 * @typedef {object} Outcome  places are counted from 0, which is after the prompt, and i after i tokens
 * @property {number} prompt            its tokens
 * @property {Written} right
 * @property {Written} wrong
 * @property {number[]} differences     at each place, the largest of two logits when the wrong engine reads
 *   what the right one has written; 0: all are the same, bit for bit; fewer where it fails on the way
 * @property {Parting} [parting]        absent where everything is the same
 * @property {number} [firstWrong]      the first token that is another one, or missing in one of the two
 *
 * @typedef {object} Written
 * @property {{ id: number, text: string }[]} tokens
 * @property {{ code: ErrorCode, message: string }} [error]  that ended it
 *
 * @typedef {object} Parting  the first place with other logits, or none
 * @property {number} place
 * @property {string | null} right      hash of the logits; null: there are none
 * @property {string | null} wrong
 *
 * @typedef {{ logits: Float32Array, hash: string }} Row
 */

const TOKENS = 40;

const SAMPLING = /** @type {const} */ (
  ['temperature', 'topK', 'topP', 'minP', 'repetitionPenalty', 'seed']);

/** @type {readonly (keyof Experiment)[]} */
const FIELDS = ['bug', 'scenario', 'prompt', 'earlier', 'tokens', 'sampling', 'signal'];

/**
 * Switches a bug on in a model that was loaded with labModule, for all that is computed from then on. Some
 * crash the engine: then the model has to be loaded again.
 * @param {Model} model  @param {number} bug  its number in the list; 0: none
 */
export function switchBug(model, bug) {
  if (!isCount(bug)) throw invalid(`A bug has a number from 0 on; ${shown(bug)} is none.`);
  checkModel('switchBug()', model);
  if (engineOf(model).callExtra('kvc_lab_set', bug)) return;
  throw new KvcError('unsupported', 'This model runs in a module without planted bugs: load it with '
    + '{ wasm: labModule }, of kvcache-wasm/lab.');
}

/**
 * An error of the right engine is thrown; one of the wrong engine is part of the outcome.
 * @param {Model} right  @param {Model} wrong  the same, loaded with labModule
 * @param {Experiment} given
 * @returns {Promise<Outcome>}
 */
export async function experiment(right, wrong, given) {
  const options = /** @type {Experiment} */ (optionsOf('experiment()', given, FIELDS));
  const { bug, scenario, prompt, earlier, tokens = TOKENS, signal } = options;
  const sampling = optionsOf('experiment() sampling', options.sampling, SAMPLING);
  checkChoice('scenario', scenario, /** @type {ScenarioName[]} */ (Object.keys(SCENARIOS)));
  checkSignal(signal);
  if (!isCount(tokens) || tokens < 1) throw invalid(`tokens is ${shown(tokens)}; it must be 1 or more.`);
  for (const model of [right, wrong]) checkModel('experiment()', model);
  const ids = idsOf(right, 'prompt', prompt);
  const other = earlier === undefined ? changed(ids, right.sampledIds) : idsOf(right, 'earlier', earlier);
  /** @type {Job} */
  const job = { ids, other, tokens, sampling, signal, decode: (id) => right.decode([id], { after: ids }) };
  switchBug(wrong, bug); // what is no lab's module is refused before anything is computed
  const first = await play(right, SCENARIOS[scenario], job);
  if (first.written.error) throw new KvcError(first.written.error.code, first.written.error.message);
  const second = await play(wrong, SCENARIOS[scenario], job);
  const reading = await play(wrong, SCENARIOS[scenario], { ...job, story: first.written.tokens });
  return { prompt: ids.length, ...compared(first, second), differences: await distances(first, reading) };
}

/** @param {string} what  takes it  @param {unknown} model */
function checkModel(what, model) {
  if (model instanceof Model) return;
  throw invalid(`${what} takes a model from loadModel(); this is ${shown(model)}.`);
}

/** @param {Model} model  @param {string} name  @param {unknown} text */
function idsOf(model, name, text) {
  if (typeof text === 'string') return promptIds(model, text);
  throw invalid(`${name} is ${shown(text)}; it must be a string.`);
}

/** Another token in the middle. @param {number[]} ids  @param {number} count  of all tokens */
const changed = (ids, count) => (
  ids.map((id, i) => (i === Math.floor(ids.length / 2) ? (id + 1) % count : id)));

/** @param {Model} model  @param {Scenario} scenario  @param {Job} job */
async function play(model, { options, play: steps }, job) {
  /** @type {Written} */
  const written = { tokens: [] };
  /** @type {Row[]} */
  const rows = [];
  const longest = Math.max(job.ids.length, job.other.length) + Math.max(job.tokens, DRAFT);
  const { capacity = 2 * longest, ...more } = options?.(job) ?? {}; // some bugs take more than there is
  /** @type {Session | undefined} */
  let session;
  try {
    session = model.createSession({ capacity: Math.min(model.config.nPositions, capacity), ...more });
    for await (const step of steps(session, job)) {
      if (step?.sequence) continue; // of the other text in the batch
      if (step) written.tokens.push({ id: step.id, text: step.text });
      rows.push({ logits: session.logits, hash: session.logitsHash });
    }
  } catch (error) {
    throwIfAborted(job.signal);
    if (!(error instanceof KvcError)) throw error;
    written.error = { code: error.code, message: error.message };
  } finally {
    session?.dispose();
  }
  return { written, rows };
}

/** @typedef {{ written: Written, rows: Row[] }} Played */

/** @param {Played} right  @param {Played} wrong  @returns {Omit<Outcome, 'prompt' | 'differences'>} */
function compared(right, wrong) {
  const place = firstOther(right.rows, wrong.rows, (row) => row?.hash);
  const hashAt = (/** @type {Played} */ { rows }) => rows[place]?.hash ?? null;
  const first = firstOther(right.written.tokens, wrong.written.tokens, (token) => token?.id);
  return {
    right: right.written, wrong: wrong.written,
    ...(place >= 0 && { parting: { place, right: hashAt(right), wrong: hashAt(wrong) } }),
    ...(first >= 0 && { firstWrong: first }),
  };
}

/** @param {Played} right  @param {Played} wrong */
async function distances(right, wrong) {
  const pauses = new Pauses(undefined); // the thread may be a page's
  const found = [];
  for (const [i, { logits }] of right.rows.slice(0, wrong.rows.length).entries()) {
    found.push(distance(logits, wrong.rows[i].logits));
    if (pauses.due) await pauses.take();
  }
  return found;
}

/** @param {Float32Array} a  @param {Float32Array} b */
const distance = (a, b) => a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i])), 0);

/**
 * The first place where two lists differ, also by their lengths; -1: nowhere.
 * @template T
 * @param {T[]} a  @param {T[]} b  @param {(item: T | undefined) => unknown} value
 */
function firstOther(a, b, value) {
  const length = Math.max(a.length, b.length);
  return Array.from({ length }, (_, i) => i).find((i) => value(a[i]) !== value(b[i])) ?? -1;
}
