// From the address or the bytes of a .wasm file to a compiled module.
import { invalid, isUrl, shown } from './arguments.js';
import { assets } from './assets.js';
import { bundlerAdvice } from './bundlers.js';
import { KvcError, reasonOf } from './errors.js';
import { isPath } from './node.js';
import { needWebAssembly } from './variants.js';

/**
 * @import { Response as AnyResponse, URL as AnyUrl, WasmModule, WasmSource } from './platform.js'
 * @import { Variant } from './variants.js'
 */

const PASS_IT = 'pass the address or the bytes of a .wasm file as the wasm option.';

/** @param {string} url */
const whereToPutIt = (url) => (
  `${bundlerAdvice(url) || 'Serve the .wasm files beside the scripts.'} Or ${PASS_IT}`);

/** Compiled modules by address: many models share one. @type {Map<string, Promise<WebAssembly.Module>>} */
const compiled = new Map();

/** @param {WasmSource} source  @returns {Promise<WasmModule>} */
export async function moduleOf(source) {
  needWebAssembly();
  if (source instanceof WebAssembly.Module) return source;
  if (typeof source !== 'string' && !isUrl(source)) {
    return compile(await bytesOf(source), 'the given bytes');
  }
  const url = await addressOf(source);
  let module = compiled.get(url);
  if (!module) {
    module = fetchBytes(url).then((bytes) => compile(bytes, url));
    compiled.set(url, module);
    module.catch(() => compiled.delete(url)); // the caller gets the error; the next one tries again
  }
  return module;
}

/** The module beside the scripts. @param {Variant} variant */
export function shippedModule(variant) {
  try {
    return assets[variant]();
  } catch (cause) {
    throw new KvcError('wasm_invalid', 'These scripts do not know their own address, as in a blob: module or '
      + `a bundle that is no ES module, so nothing can be found beside them: ${PASS_IT}`, { cause });
  }
}

/** @param {string | AnyUrl} source  an address, or a path where there is a disk */
async function addressOf(source) {
  try {
    if (typeof source === 'string' && isPath(source)) {
      return /** @type {URL} */ ((await assets.node('url')).pathToFileURL(source)).href;
    }
    return new URL(source, globalThis.document?.baseURI ?? globalThis.location?.href).href;
  } catch (cause) {
    throw new KvcError('invalid_argument', `wasm is ${shown(source)}, which is no address.`, { cause });
  }
}

/** @param {ArrayBuffer | ArrayBufferView | AnyResponse} source */
async function bytesOf(source) {
  if (source instanceof ArrayBuffer || ArrayBuffer.isView(source)) return source;
  if (typeof Response !== 'function' || !(source instanceof Response)) {
    throw invalid('The wasm option takes a URL, bytes, a Response or a WebAssembly.Module.');
  }
  try {
    return await source.arrayBuffer();
  } catch (cause) {
    throw new KvcError('wasm_invalid', `The Response could not be read: ${reasonOf(cause)}`, { cause });
  }
}

/** @param {string} url  @returns {Promise<ArrayBuffer | ArrayBufferView>} */
async function fetchBytes(url) {
  try {
    if (url.startsWith('file:')) {
      const { readFile } = await assets.node('fs/promises');
      return await readFile(new URL(url));
    }
    const response = await fetch(url, { credentials: 'same-origin' });
    if (!response.ok) throw new Error(`the server answered ${response.status} ${response.statusText}`.trim());
    return await response.arrayBuffer();
  } catch (cause) {
    throw new KvcError('wasm_invalid',
      `${url} could not be read: ${reasonOf(cause)}. ${whereToPutIt(url)}`, { cause });
  }
}

/** @param {ArrayBuffer | ArrayBufferView} bytes  @param {string} where */
async function compile(bytes, where) {
  const [buffer, at] = ArrayBuffer.isView(bytes) ? [bytes.buffer, bytes.byteOffset] : [bytes, 0];
  const head = bytes.byteLength < 4 ? [] : new Uint8Array(buffer, at, 4); // a detached buffer has 0
  if (String.fromCharCode(...head) !== '\0asm') {
    throw new KvcError('wasm_invalid', `${where} is not WebAssembly: perhaps the server answered a missing `
      + `file with a web page. ${whereToPutIt(where)}`);
  }
  try {
    return await WebAssembly.compile(/** @type {BufferSource} */ (bytes));
  } catch (cause) {
    const blocked = /unsafe-eval|Content Security Policy/i.test(reasonOf(cause));
    const message = blocked
      ? "The page's Content-Security-Policy forbids WebAssembly: add 'wasm-unsafe-eval' to its script-src."
      : `${where} cannot be compiled here: ${reasonOf(cause)}. Choose the variant "simd" or "scalar".`;
    throw new KvcError('wasm_unsupported', message, { cause });
  }
}
