// The builds of the engine, and the fastest one that a JavaScript engine can run.
import { VARIANTS } from './abi.js';
import { KvcError } from './errors.js';

/** @typedef {(typeof VARIANTS)[number]} Variant  "relaxed", "simd" or "scalar" */

/** The file of each build. @type {Readonly<Record<Variant, string>>} */
export const MODULES = { relaxed: 'kvc-relaxed.wasm', simd: 'kvc.wasm', scalar: 'kvc-scalar.wasm' };

// i32x4.splat(1000) plus four products of -127 and 127 in each lane, by a relaxed dot: valid only where
// relaxed SIMD is known. V8 11.3 (Node 20, behind a flag) loses the 1000 in its first, quick compilation.
const DOT = [
  0x41, 0x81, 0x7f, 0xfd, 15, 0x41, 0xff, 0, 0xfd, 15, 0x41, 0xe8, 7, 0xfd, 17, 0xfd, 0x93, 2, 0xfd, 27, 0,
];
const DOT_RESULT = 1000 - 4 * 127 * 127;
const PROBES = { simd: probe([0x41, 0, 0xfd, 15, 0xfd, 27, 0]), relaxed: probe(DOT) };

/** Throws where there is no WebAssembly at all: not every browser has it, and some switch it off. */
export function needWebAssembly() {
  if (typeof WebAssembly === 'object') return;
  throw new KvcError('wasm_unsupported', 'WebAssembly is missing here, or switched off, as Lockdown Mode on '
    + 'Apple devices and the level "Safer" of Tor Browser do. Allow it here, or use another browser.');
}

/** A module with one function f: () -> i32. @param {number[]} body */
function probe(body) {
  return new Uint8Array([
    0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1, 5, 1, 0x60, 0, 1, 0x7f, 3, 2, 1, 0, 7, 5, 1, 1, 0x66, 0, 0,
    10, body.length + 4, 1, body.length + 2, 0, ...body, 0x0b,
  ]);
}

/** Whether relaxed SIMD is there and computes what every build must compute. */
function relaxedWorks() {
  if (!WebAssembly.validate(PROBES.relaxed)) return false;
  try {
    const { f } = new WebAssembly.Instance(new WebAssembly.Module(PROBES.relaxed)).exports;
    return /** @type {() => number} */ (f)() === DOT_RESULT;
  } catch {
    return false; // a page that forbids WebAssembly gets its error when the real module is compiled
  }
}

/** The fastest build that runs here. @returns {Variant} */
export function bestVariant() {
  needWebAssembly();
  if (relaxedWorks()) return 'relaxed';
  return WebAssembly.validate(PROBES.simd) ? 'simd' : 'scalar';
}
