// Where a load takes the model and the engine's module from: addresses, or files that the page sends along.
import { KvcError } from '../engine/errors.js';
import { MODULES, bestVariant } from '../engine/variants.js';
import { Packed } from '../files/packed.js';

/**
 * @import { Build } from '../engine/engine.js'
 * @import { WasmSource } from '../engine/platform.js'
 * @import { Files } from '../files/given.js'
 * @import { Fields, File, PackedFile } from './messages.js'
 *
 * @typedef {{ source: string | Files, build: Build, keep?: boolean }} Origins  keep: as of loadModel()
 */

const LAB_MODULE = 'kvc-lab.wasm';

/** @param {Fields<'weigh'>} fields  @returns {Promise<Origins>} */
export async function originsOf({ url, files, wasm, variant, maxMemory }) {
  const given = givenFiles(files ?? {});
  const source = given.has('config.json') || (url === undefined && files) ? given : url;
  if (typeof source !== 'string' && !(source instanceof Map)) {
    throw new KvcError('invalid_argument', 'A model needs a url, a string, or files with a config.json.');
  }
  if (wasm !== undefined) return { source, build: { wasm, variant, maxMemory } };
  const module = given.size > 0 ? given.get(MODULES[moduleFor(variant)]) : undefined;
  if (module === undefined) return { source, build: { variant, maxMemory } };
  const isAddress = typeof module === 'string';
  const bytes = isAddress ? module : await new Response(module.stream()).arrayBuffer();
  return { source, build: { wasm: bytes, maxMemory } };
}

/**
 * The module with planted bugs: in the folder of the others, if there is one, or what the page says.
 * @param {Origins} origins  @param {File} [given]
 * @returns {Promise<WasmSource>}
 */
export async function labModuleOf({ build: { wasm } }, given) {
  if (typeof wasm === 'string' && wasm.endsWith('/')) return new URL(LAB_MODULE, wasm).href;
  if (given === undefined) throw new KvcError('wasm_invalid', 'Nobody says where kvc-lab.wasm is.');
  const file = givenFile(given);
  return typeof file === 'string' ? file : new Response(file.stream()).arrayBuffer();
}

/** @param {Fields<'weigh'>['variant']} [variant] */
const moduleFor = (variant = 'auto') => (variant === 'auto' ? bestVariant() : variant);

/** @param {Record<string, File>} files */
function givenFiles(files) {
  if (typeof files !== 'object' || files === null) {
    throw new KvcError('invalid_argument', 'The files of a model are an object: bytes or addresses by name.');
  }
  return new Map(Object.entries(files).map(([name, file]) => [name, givenFile(file)]));
}

/** @param {File} file */
function givenFile(file) {
  if (file instanceof ArrayBuffer || ArrayBuffer.isView(file)) return new Blob([file]);
  const { gzip } = /** @type {Partial<PackedFile>} */ (Object(file));
  if (typeof gzip !== 'string') return /** @type {Exclude<File, BufferSource | PackedFile>} */ (file);
  return /** @type {Blob} */ (/** @type {unknown} */ (new Packed(gzip)));
}
