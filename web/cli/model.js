// The model that a command writes with: which one, and how it comes.
import { access } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { KvcError } from '../engine/errors.js';
import { numbersIn } from '../measure/numbers.js';
import { loadModel } from '../session/model.js';

/**
 * @import { ProgressEvent } from '../files/stream.js'
 * @import { Weights } from '../session/weights.js'
 * @import { Table } from './options.js'
 * @import { Stop } from './stop.js'
 *
 * @typedef {{ model?: string, weights?: Weights }} ModelOptions
 */

/** In the package, and where they are made. */
const FOLDERS = ['../../dist/models/', '../models/'].map((path) => new URL(path, import.meta.url));
const SHIPPED = ['stories', 'tales', 'sounds'];

const QUIET_MS = 500; // a load that takes longer says how far it is

/** @type {Table} */
export const MODEL_OPTIONS = {
  model: { value: 'DIR_OR_URL', help: 'a model in Hugging Face layout, or the name of a shipped\n'
    + 'one: stories (without --model), tales, or sounds, which\nsays how a word is pronounced' },
  weights: { value: 'KIND', choices: ['f32', 'int8'], help: 'how its weights are kept; int8 takes a quarter '
    + 'of\nthe memory' },
};

/** @param {ModelOptions} options  @param {Stop} stop */
export async function modelOf({ model = SHIPPED[0], weights }, { signal }) {
  const progress = new Progress();
  try {
    const onProgress = (/** @type {ProgressEvent} */ event) => progress.tell(event);
    const source = SHIPPED.includes(model) ? await shipped(model) : model;
    return await loadModel(source, { weights, signal, onProgress });
  } finally {
    progress.clear();
  }
}

/** @param {string} name */
async function shipped(name) {
  const folders = FOLDERS.map((all) => new URL(`${name}/`, all));
  for (const folder of folders) {
    const isThere = await access(new URL('config.json', folder)).then(() => true, () => false);
    if (isThere) return folder;
  }
  throw new KvcError('file_unreachable',
    `The shipped model is not in ${fileURLToPath(folders[0])}: install the package again.`);
}

/** A line on a terminal that goes when the model is there. */
class Progress {
  #start = performance.now();
  #isShown = false;

  /** @param {ProgressEvent} event */
  tell(event) {
    const { status, file, loaded, total } = event;
    const isNews = loaded !== undefined && performance.now() - this.#start >= QUIET_MS;
    if (!process.stderr.isTTY || !isNews) return;
    const { size } = numbersIn('en');
    const of = total ? ` of ${size(total)}` : '';
    const note = status === 'stalled' ? ', and nothing has come for 10 seconds' : '';
    const line = `${file}: ${loaded ? size(loaded) : '0 B'}${of}${note}`;
    process.stderr.write(`\r\x1b[K${line.slice(0, process.stderr.columns - 1)}`);
    this.#isShown = true;
  }

  clear() {
    if (this.#isShown) process.stderr.write('\r\x1b[K');
  }
}
