// The engine behind the view of sounds: apart from the figure's own, loaded when a reader first asks for it.
import { absolute } from '../engine/bundlers.js';
import { sounds } from '../models/sounds.js';
import { FIRST } from './sounding.js';
import { BOTH, MOST_SOUNDS } from './sounds.js';

/**
 * @import { Fields } from '../worker/messages.js'
 * @import { Aside } from './player.js'
 * @import { Way } from './sounds.js'
 */

const soundsModel = () => new URL('./', absolute(sounds['model.safetensors'])).href;

export class Sounder {
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
  size() { return this.#sizeOf(soundsModel()); }

  /** @param {(bytes: number) => void} onProgress  bytes that have come */
  async load(onProgress) {
    const files = Object.entries(sounds).map(([name, file]) => [name, absolute(file).href]);
    const fields = /** @type {Fields<'load'>} */ (
      { ...this.#fields, url: soundsModel(), files: Object.fromEntries(files) });
    /** @type {Record<string, number>} */
    const come = {};
    await this.#client.request('load', fields, (event) => {
      if (event.type !== 'progress') return;
      come[event.file] = event.loaded;
      onProgress(Object.values(come).reduce((sum, bytes) => sum + bytes, 0));
    });
    await this.trace(FIRST.word, BOTH); // what runs for the first time is compiled on the way
    this.isLoaded = true;
  }

  /** @param {string} word  @param {Way} way */
  trace(word, { self, cross }) {
    const caches = { useCache: self, useCrossCache: cross };
    return this.#client.request('trace', { source: word, maxTokens: MOST_SOUNDS, ...caches });
  }

  stop() { this.#client.stop(); }

  dispose() { this.#client.dispose(); }
}
