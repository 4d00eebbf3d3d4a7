// One Node of the benchmark, started by runtimes.js: node run.js JOB. Prints one result a line.
import { readFile } from 'node:fs/promises';
import '../relaxed.js';
import { runSuite } from './suite.js';

const probe = await WebAssembly.compile(await readFile(new URL('../../build/probe.wasm', import.meta.url)));
const shipped = new URL('../../web/models/stories/', import.meta.url).href;
await runSuite(JSON.parse(process.argv[2]), { probe, shipped }, (result) => process.stdout.write(`${JSON.stringify(result)}\n`));
