// The state that the worker's requests share: one model, one run, and a session apart for proofs.
import { threadClock } from '../engine/clock.js';
import { paused } from '../engine/pauses.js';
import { KvcError } from '../index.js';
import { slides } from './slid.js';
import { Turns } from './turns.js';

/**
 * @import { Model } from '../session/model.js'
 * @import { Session } from '../session/session.js'
 * @import { Answer, Emit, Fields, RequestName, Sampling } from './messages.js'
 * @import { Origins } from './origins.js'
 * @import { Outbox } from './outbox.js'
 *
 * @typedef {object} WorkerRun
 * @property {number[]} ids       given out; none: nothing to prove
 * @property {string[]} texts     of each
 * @property {number} prompt      how many of them are the prompt
 * @property {number[]} [source]  with an encoder: the ids of the source; the prompt is what every text
 *   begins with
 * @property {Sampling} sampling
 * @property {string | number} [finishedBy]  the stop string that ended it, or the token
 */

/**
 * Serves one request; each has a file of its own in requests/. The fields are as the page sent them,
 * whatever their types say: fields that no function further down checks are checked there.
 * @template {RequestName} K
 * @typedef {(context: Context, fields: Fields<K>, emit: Emit<K>, signal: AbortSignal) =>
 *   Promise<Answer<K>>} Serve
 */

/** Options for a session beside this one. @param {Session} session */
export const roomOf = ({ capacity, sourceCapacity, whenFull, sinks }) => ({
  capacity, ...(sourceCapacity > 0 && { sourceCapacity }),
  ...(slides({ whenFull }) && { whenFull, sinks }),
});

/** @returns {WorkerRun} */
export const noRun = () => ({ ids: [], texts: [], prompt: 0, sampling: {} });

export class Context {
  clock = threadClock();
  /** Whether the thread is a worker's. @readonly */
  worker;
  /** @type {Model | undefined} */
  model;
  /** What it was loaded from. @type {Origins | undefined} */
  origins;
  /** The timeline of the run. @type {Session | undefined} */
  session;
  /** Of a token with the cache on, when it was last measured. */
  msPerToken = 1;
  /** The last one. */
  run = noRun();
  /** Of the run under way. @type {Outbox | undefined} */
  outbox;
  /** Measured work and looks inside take turns. */
  turns = new Turns();
  useCache = true;
  useCrossCache = true;
  tokensPerSecond = 60;
  /** @type {Session | undefined} */
  #proofSession;
  /** @type {Session | undefined} */
  #lens;

  /** @param {boolean} worker */
  constructor(worker) {
    this.worker = worker;
  }

  /**
   * Begins to measure computing, in milliseconds. On a thread that is shared with a page, its pauses are left
   * out; in a worker they are shorter than a coarse clock could tell.
   */
  stopwatch() {
    const { clock, worker } = this;
    const start = clock.edge();
    const before = paused();
    const pauses = () => (worker ? 0 : paused() - before);
    return { now: () => clock.now() - start - pauses(), read: () => clock.read() - start - pauses() };
  }

  /** The parts that every request but load needs. */
  loaded() {
    const { model, origins, session } = this;
    if (!model || !origins || !session) throw new KvcError('not_ready', 'No model is loaded yet.');
    return { model, origins, session };
  }

  /** A second timeline over the same weights, so that a proof leaves the run as it is. */
  get proofSession() {
    const { model, session } = this.loaded();
    return this.#proofSession ??= model.createSession(roomOf(session));
  }

  /**
   * A third one, which goes to any token of the run and looks at what the run does not keep: it reads on in
   * sequence 0, and goes back in sequence 1.
   */
  get lens() {
    const { model, session } = this.loaded();
    const { keyType, valueType } = session.kvCache;
    return this.#lens ??= model.createSession({ ...roomOf(session), keyType, valueType, sequences: 2 });
  }

  unload() {
    this.model?.dispose();
    this.model = this.origins = this.session = this.#proofSession = this.#lens = undefined;
    this.run = noRun();
  }
}
