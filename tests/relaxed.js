// Node before 22 hides relaxed SIMD behind a flag, and its quick first compiler (Liftoff) gets the
// relaxed dot wrong. With this import the relaxed build runs there too, and right.
import { setFlagsFromString } from 'node:v8';
import { bestVariant } from '../web/engine/variants.js';

if (bestVariant() !== 'relaxed') {
  setFlagsFromString('--experimental-wasm-relaxed-simd');
  setFlagsFromString('--no-liftoff');
}
