// One worker and its model, shared by figures: loaded by the first who asks, kept while anybody is there.
import { losesModel } from './failure.js';
import { shippedFiles } from './shipped.js';
import { WorkerError } from '../worker/client.js';

/**
 * @import { Client, OnEvent } from '../worker/client.js'
 * @import { Answer, Fields } from '../worker/messages.js'
 * @import { Failure } from './failure.js'
 */

/** @typedef {OnEvent<'load'>} OnLoad */

export class SharedEngine {
  #fields;
  #onEnd;
  /** Those who wait for the model. @type {Set<OnLoad>} */
  #waiting = new Set();
  /** @type {Promise<Answer<'load'>> | undefined} */
  #loading;
  /** A loading that nobody wanted any more ends. @type {Promise<unknown> | undefined} */
  #stopping;
  #tenants = new Set();
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  /** The model is there. */
  isLoaded = false;
  /** Of the tenants the one whose run it holds. @type {object | undefined} */
  writer;

  /** @param {Client} client  @param {Fields<'load'>} fields  @param {() => void} onEnd */
  constructor(client, fields, onEnd) {
    this.client = client;
    this.#fields = fields;
    this.#onEnd = onEnd;
  }

  /** @param {object} tenant */
  enter(tenant) {
    clearTimeout(this.#timer);
    this.#tenants.add(tenant);
  }

  /**
   * The last one to leave ends the worker, unless somebody comes soon.
   * @param {object} tenant  @param {number} idleMs
   */
  exit(tenant, idleMs) {
    this.#tenants.delete(tenant);
    if (this.#tenants.size > 0) return;
    this.#timer = setTimeout(() => {
      this.client.dispose();
      this.#onEnd();
    }, idleMs);
  }

  /** Somebody wants the model. @param {OnLoad} listener */
  await(listener) {
    this.#waiting.add(listener);
  }

  /** Somebody does not want it any more: where nobody else does, loading stops. @param {OnLoad} listener */
  leave(listener) {
    if (!this.#waiting.delete(listener) || this.#waiting.size > 0 || this.isLoaded) return;
    this.#stopping = this.#loading?.catch(() => {});
    this.#loading = undefined;
    this.client.stop();
  }

  /** The model, loaded once for all. @param {OnLoad} listener */
  async load(listener) {
    this.#waiting.add(listener);
    const loading = this.#loading ??= this.#request();
    try {
      const answer = await loading;
      this.isLoaded = true;
      return answer;
    } catch (error) {
      if (this.#loading === loading) this.#forget();
      throw error;
    } finally {
      this.#waiting.delete(listener);
    }
  }

  async #request() {
    await this.#stopping;
    if (this.#waiting.size === 0) throw new WorkerError('aborted', 'Nobody waits for the model any more.');
    const fields = { ...shippedFiles(this.#fields.url), ...this.#fields };
    return this.client.request('load', fields, (event) => {
      for (const listener of this.#waiting) listener(event);
    });
  }

  /**
   * A failure may take the model with it: whoever comes next loads it again.
   * @template T @param {Promise<T>} request  @returns {Promise<T>}
   */
  async watch(request) {
    try {
      return await request;
    } catch (error) {
      if (losesModel(/** @type {Failure} */ (error))) this.#forget();
      throw error;
    }
  }

  #forget() {
    this.#loading = this.writer = undefined;
    this.isLoaded = false;
  }
}
