// What every module must be: `node check.js FILE LIMIT` prints its size, and fails when it imports more than
// its memory and the notice that it has grown, or takes more than LIMIT bytes of gzip.
import { readFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { gzipSync } from 'node:zlib';

setFlagsFromString('--wasm-staging'); // relaxed SIMD in Node 20
const [file, limit] = process.argv.slice(2);
const kb = (/** @type {number} */ bytes) => `${(bytes / 1024).toFixed(1)} KB`;
const bytes = readFileSync(file);
const gzip = gzipSync(bytes, { level: 9 }).length;
const imports = WebAssembly.Module.imports(new WebAssembly.Module(bytes))
  .map(({ module, name }) => `${module}.${name}`)
  .filter((name) => !['env.memory', 'env.emscripten_notify_memory_growth'].includes(name));
const name = file.replace(/\.part$/, '');
console.log(`  ${name.padEnd(28)} ${kb(bytes.length)}, ${kb(gzip)} gzip`);
if (imports.length) throw new Error(`${file} imports ${imports}: the engine must stand alone`);
if (gzip > Number(limit)) throw new Error(`${file} is over its budget of ${kb(Number(limit))} gzip`);
