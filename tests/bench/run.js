// One Node of the benchmark, started by runtimes.js: node run.js JOB. Prints one result a line.
import { runSuite } from './suite.js';

const job = JSON.parse(process.argv[2]);
// Asked for by name: runs behind flags where Node hides it.
if (job.builds.includes('relaxed')) await import('../relaxed.js');
const shipped = new URL('../../web/models/stories/', import.meta.url).href;
await runSuite(job, shipped, (result) => process.stdout.write(`${JSON.stringify(result)}\n`));
