// The engine behind the view "window": apart from the figure's own, loaded when a reader first asks for it.
import { absolute } from '../engine/bundlers.js';
import { WorkerError } from '../worker/client.js';
import { FILES, shippedModel } from './shipped.js';
import { POSITIONS, PROMPT, SINKS, TOKENS } from './window.js';

/**
 * @import { Fields } from '../worker/messages.js'
 * @import { Bits, Held, Losses, Proof } from '../worker/windowed.js'
 * @import { Aside } from './player.js'
 * @import { Sliding } from './places.js'
 */

/** A text that nobody sees. */
const WARM = { prompt: PROMPT, tokens: 600, capacity: 64, sinks: SINKS };

const { tales } = FILES;

async function talesConfig() {
  try {
    const answer = await fetch(absolute(tales['config.json']));
    if (!answer.ok) throw new Error(`HTTP status ${answer.status}`);
    return await answer.json();
  } catch (error) {
    throw new WorkerError('file_unreachable', `config.json: ${/** @type {Error} */ (error).message}.`);
  }
}

export class Windower {
  #client;
  #fields;
  #sizeOf;
  isLoaded = false;

  /** @param {Aside} aside */
  constructor({ client, fields, sizeOf }) {
    this.#client = client;
    this.#fields = fields;
    this.#sizeOf = sizeOf;
  }

  /** Bytes of the model's files; 0 if nobody knows. */
  size() { return this.#sizeOf(shippedModel('tales')); }

  /**
   * The model with more positions than it was trained on: its weights are the same.
   * @param {(bytes: number) => void} onProgress  bytes that have come
   */
  async load(onProgress) {
    const long = JSON.stringify({ ...await talesConfig(), max_position_embeddings: POSITIONS });
    const files = Object.entries(tales).map(([name, file]) => [name, absolute(file).href]);
    const fields = /** @type {Fields<'load'>} */ ({
      ...this.#fields, capacity: WARM.capacity, // without an address: with that, it is another figure's too
      files: { ...Object.fromEntries(files), 'config.json': new TextEncoder().encode(long) },
    });
    /** @type {Record<string, number>} */
    const come = {};
    await this.#client.request('load', fields, (event) => {
      if (event.type !== 'progress') return;
      come[event.file] = event.loaded;
      onProgress(Object.values(come).reduce((sum, bytes) => sum + bytes, 0));
    });
    this.isLoaded = true;
    const { reason } = await this.#client.request('window', WARM); // compiles what runs for the first time
    if (reason === 'stopped') throw new WorkerError('aborted', 'Stopped.');
  }

  /**
   * @param {Sliding} sliding
   * @param {(held: Held) => void} onHeld  @param {() => void} onProving
   * @returns {Promise<Proof | undefined>}  undefined: stopped
   */
  async write({ places, sinks }, onHeld, onProving) {
    const cache = { capacity: Number(places), sinks: sinks === 'on' ? SINKS : 0 };
    const job = { prompt: PROMPT, tokens: TOKENS, seed: 1, ...cache };
    const { proof } = await this.#client.request('window', job, (event) => {
      if (event.type === 'held') onHeld(event);
      else onProving();
    });
    return proof;
  }

  /**
   * @param {string} text  @param {number} capacity
   * @param {(way: keyof Bits, share: number) => void} onReading
   * @returns {Promise<Losses>}
   */
  losses(text, capacity, onReading) {
    return this.#client.request('losses', { text, capacity, sinks: SINKS }, ({ way, done, total }) => (
      onReading(way, done / total)));
  }

  stop() { this.#client.stop(); }

  dispose() { this.#client.dispose(); }
}
