// All figures of a page share one worker and one model for each address, build and kind of weights: one
// download, one compilation. One figure computes at a time, or they would measure each other: the newest
// request wins, and the figure that computed before is told to give way.
import { SharedEngine } from './shared-engine.js';
import { LOOKS, WorkerError } from '../worker/client.js';

/**
 * @import { Client, Rest } from '../worker/client.js'
 * @import { Answer, Fields, OrderName, Orders, RequestName } from '../worker/messages.js'
 * @import { OnLoad } from './shared-engine.js'
 */

const IDLE_MS = 5000; // a worker that nobody uses any more lives on for this long

export class Pool {
  #connect;
  #idleMs;
  /** @type {Map<string, SharedEngine>} */
  #engines = new Map();
  /** Whose turn it is to compute. @type {Member | undefined} */
  #holder;
  /** Requests that compute. @type {Set<Promise<unknown>>} */
  #computing = new Set();
  /** What others computed has ended. @type {Promise<unknown> | undefined} */
  #quiet;

  /** @param {() => Client} connect  starts a worker  @param {number} [idleMs] */
  constructor(connect, idleMs = IDLE_MS) {
    this.#connect = connect;
    this.#idleMs = idleMs;
  }

  /**
   * A place for one figure.
   * @param {() => void} giveWay  another figure begins something: this one must stop what it does
   */
  join(giveWay) {
    return new Member(this, giveWay);
  }

  /** Is this model there already? @param {Fields<'load'>} fields */
  has(fields) {
    return this.#engines.get(keyOf(fields, 0))?.isLoaded ?? false;
  }

  /** @param {Tenant} tenant  @param {Fields<'load'>} fields */
  enter(tenant, fields) {
    const key = keyOf(fields, tenant.lane);
    let engine = this.#engines.get(key);
    if (!engine) {
      engine = new SharedEngine(this.#connect(), fields, () => this.#engines.delete(key));
      this.#engines.set(key, engine);
    }
    engine.enter(tenant);
    return engine;
  }

  /** @param {Tenant} tenant  @param {SharedEngine} [engine] */
  exit(tenant, engine) {
    engine?.exit(tenant, this.#idleMs);
    if (this.#holder?.client === tenant) this.#holder = undefined; // and has nothing to give way with
  }

  /** @param {Member} member */
  isTurnOf(member) {
    return this.#holder === member;
  }

  /** Makes it the turn of a member, once what others compute has stopped. @param {Member} member */
  async take(member) {
    if (this.#holder !== member) {
      const before = this.#holder;
      this.#holder = member;
      before?.giveWay();
      this.#quiet = Promise.allSettled([...this.#computing]);
    }
    await this.#quiet;
    if (this.#holder !== member) throw gaveWay();
  }

  /** @template T @param {Promise<T>} request */
  async compute(request) {
    this.#computing.add(request);
    try {
      return await request;
    } finally {
      this.#computing.delete(request);
    }
  }
}

/** Of models that are given by their files. @type {WeakMap<object, number>} */
const numbers = new WeakMap();
let lastNumber = 0;

/** @param {Fields<'load'>} fields  @param {number} lane */
function keyOf({ url, files, wasm, variant, maxMemory, weights = 'f32', keep = false, whenFull }, lane) {
  if (url === undefined && !numbers.has(files)) numbers.set(files, ++lastNumber);
  const model = url ?? numbers.get(files);
  const module = typeof wasm === 'string' && wasm;
  return JSON.stringify([lane, model, module, variant, maxMemory, weights, keep, whenFull]);
}

const gaveWay = () => new WorkerError('aborted', 'Another figure of this page has started.');

/** One figure in the pool. */
export class Member {
  #pool;

  /** @param {Pool} pool  @param {() => void} giveWay */
  constructor(pool, giveWay) {
    this.#pool = pool;
    this.giveWay = giveWay;
    this.client = new Tenant(pool, this, 0);
  }

  /** Whether a worker would load this; or else the page's own thread. @param {Fields<'load'>} fields */
  async hasWorker(fields) {
    return (await this.client.enter(fields).client.request('status')).worker;
  }

  /** A second client with a worker of its own, for what is written both ways at the same time. */
  rival() {
    return new Tenant(this.#pool, this, 1);
  }
}

/** A figure's client of a shared engine. @implements {Client} */
class Tenant {
  #pool;
  #member;
  /** @type {SharedEngine | undefined} */
  #engine;
  /** The last order of each name, for the next time that it computes. @type {Map<OrderName, () => void>} */
  #orders = new Map();
  #isComputing = false;
  #waiting = new AbortController();

  /** @param {Pool} pool  @param {Member} member  @param {number} lane  engines apart */
  constructor(pool, member, lane) {
    this.#pool = pool;
    this.#member = member;
    this.lane = lane;
  }

  /**
   * @template {RequestName} K
   * @param {K} type  @param {Rest<K>} rest
   * @returns {Promise<Answer<K>>}
   */
  async request(type, ...rest) {
    if (type === 'load') {
      const [fields, onEvent] = /** @type {Rest<'load'>} */ (/** @type {unknown} */ (rest));
      return /** @type {Answer<K>} */ (await this.#load(fields, onEvent));
    }
    const engine = this.#engine;
    if (!engine) throw new WorkerError('not_ready', 'No model is loaded yet.');
    if (type === 'inspect' && engine.writer !== this) {
      throw new WorkerError('not_ready', 'The engine holds no run of this figure.');
    }
    if (LOOKS.includes(type)) return engine.watch(engine.client.request(type, ...rest));
    // What was computed last is another figure's.
    if (type === 'prove' && !this.#pool.isTurnOf(this.#member)) throw gaveWay();
    const listener = () => {};
    await this.#unlessStopped(this.#pool.take(this.#member), listener);
    await this.#unlessStopped(engine.load(listener), listener); // it is there, unless it was lost
    if (type === 'generate') engine.writer = this;
    return this.#compute(engine, () => engine.client.request(type, ...rest));
  }

  /** The engine that loads this. @param {Fields<'load'>} fields */
  enter(fields) {
    const before = this.#engine;
    this.#engine = this.#pool.enter(this, fields);
    if (before !== this.#engine) this.#pool.exit(this, before);
    return this.#engine;
  }

  /** @param {Fields<'load'>} fields  @param {OnLoad} [onEvent] */
  async #load(fields, onEvent = () => {}) {
    const engine = this.enter(fields);
    engine.await(onEvent); // whoever gives way below leaves the download to this figure
    await this.#unlessStopped(this.#pool.take(this.#member), onEvent);
    return this.#unlessStopped(engine.load(onEvent), onEvent);
  }

  /**
   * @template T
   * @param {SharedEngine} engine  @param {() => Promise<T>} begin
   */
  async #compute(engine, begin) {
    for (const send of this.#orders.values()) send();
    this.#isComputing = true;
    try {
      return await this.#pool.compute(engine.watch(begin()));
    } finally {
      this.#isComputing = false;
    }
  }

  /**
   * @template {OrderName} K
   * @param {K} type  @param {Orders[K]} fields
   */
  order(type, fields) {
    const send = () => this.#engine?.client.order(type, fields);
    this.#orders.set(type, send);
    if (this.#isComputing) send();
  }

  stop() {
    if (this.#isComputing) this.#engine?.client.stop();
    else this.#waiting.abort();
  }

  dispose() {
    this.stop();
    this.#pool.exit(this, this.#engine);
    this.#engine = undefined;
  }

  /**
   * Settles as a promise does, or sooner when this figure is stopped.
   * @template T @param {Promise<T>} promise  @param {OnLoad} listener  of the loading that it waits for
   * @returns {Promise<T>}
   */
  async #unlessStopped(promise, listener) {
    const { signal } = this.#waiting = new AbortController();
    const stopped = new Promise((_, reject) => {
      signal.addEventListener('abort', () => reject(new WorkerError('aborted', 'Stopped while waiting.')));
    });
    try {
      return await Promise.race([promise, /** @type {Promise<never>} */ (stopped)]);
    } catch (error) {
      this.#engine?.leave(listener);
      throw error;
    }
  }
}
