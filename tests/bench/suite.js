// The benchmark of one runtime: a Node of any version, or a page; it knows neither. Results go to `tell` as
// they arrive. The measuring itself is in web/measure.
import { loadModel } from 'kvcache-wasm';
import { spread } from '../../web/measure/benchmark.js';
import { bestVariant } from '../../web/engine/variants.js';
import { Limits } from '../../web/measure/limits.js';
import { WARM_UPS, fitting, measureContext, weightBytes } from '../../web/measure/measure.js';
import { LLAMAS, NOTHING, SHAPES, randomModel } from './shapes.js';

const BUILDS = /** @type {const} */ (['scalar', 'simd', 'relaxed']);

/**
 * @import { Spread } from '../../web/measure/benchmark.js'
 * @import { Variant } from '../../web/engine/variants.js'
 * @import { Figures } from '../../web/measure/measure.js'
 * @import { Session } from '../../web/session/session.js'
 *
 * @typedef {object} Job
 * @property {string[]} models     of SHAPES and LLAMAS, or 'shipped'
 * @property {string[]} builds     'best', or names
 * @property {string[]} weights    'f32', 'int8'
 * @property {number[]} contexts
 * @property {number} runs
 * @property {number} windowMs     of one figure, at least
 * @property {number} patienceMs   passes over a whole context that would take longer are left out
 *
 * @typedef {Figures & { kind: 'row', model: string, build: string, weights: string }} Row
 * @typedef {object} Overhead  of a token
 * @property {'overhead'} kind
 * @property {'generate' | 'sampling' | 'messages'} of  with a model of width 4; of the shipped model, besides
 *                                 the pass over it; on its way to the page
 * @property {string} build
 * @property {string} weights
 * @property {Spread} microseconds
 * @typedef {Row | { kind: 'note', text: string } | Overhead} Result
 * @typedef {(result: Result) => void} Tell
 */

/** @param {Job} job  @param {string} shipped  where that model lies  @param {Tell} tell */
export async function runSuite(job, shipped, tell) {
  const builds = buildsOf(job.builds, tell);
  for (const build of builds) {
    const generate = await overhead(build, job);
    tell({ kind: 'overhead', of: 'generate', build, weights: 'f32', microseconds: generate });
    if (!job.models.includes('shipped')) continue;
    const sampling = await samplingCost(build, shipped, job);
    tell({ kind: 'overhead', of: 'sampling', build, weights: 'int8', microseconds: sampling });
  }
  for (const name of job.models) {
    const source = name === 'shipped' ? shipped : randomModel(SHAPES[name] ?? LLAMAS[name]);
    for (const weights of job.weights) {
      for (const build of builds) await measureModel({ name, source, weights, build }, job, tell);
    }
  }
}

/** @param {string[]} wanted  @param {Tell} tell */
function buildsOf(wanted, tell) {
  const runs = BUILDS.slice(0, BUILDS.indexOf(bestVariant()) + 1);
  if (wanted.includes('best')) return runs.slice(-1);
  for (const build of wanted) {
    if (runs.some((name) => name === build)) continue;
    tell({ kind: 'note', text: `The ${build} build does not run here: its instructions are unknown.` });
  }
  return runs.filter((build) => wanted.includes(build));
}

/**
 * Microseconds of a generated token outside the kernels (sampling, binding, iteration), and in those of a
 * model of width 4.
 * @param {Variant} build  @param {Job} job
 */
async function overhead(build, { runs }) {
  const model = await loadModel(randomModel(NOTHING), { tokenizer: false, variant: build });
  const session = model.createSession();
  const costs = [];
  for (let run = -WARM_UPS; run < runs; run++) {
    const start = performance.now();
    let tokens = 0;
    for await (const _ of session.generate([0], { maxTokens: 1000, temperature: 0 })) tokens++;
    if (run >= 0) costs.push((1e3 * (performance.now() - start)) / tokens);
  }
  model.dispose();
  return spread(costs);
}

/**
 * Microseconds of a token of the shipped model in generate(), sampled as its makers suggest, beyond those of
 * append(): the sampler and the iteration.
 * @param {Variant} build  @param {string} shipped  @param {Job} job
 */
async function samplingCost(build, shipped, { runs }) {
  const model = await loadModel(shipped, { tokenizer: false, variant: build, weights: 'int8' });
  const session = model.createSession();
  const costs = [];
  for (let run = -WARM_UPS; run < runs; run++) {
    const ids = [0];
    const some = []; // a machine that slows down slows a few of these stretches, both ways
    for (let seed = 0; seed < 12; seed++) some.push(await stretchCost(session, ids, seed));
    if (run >= 0) costs.push(spread(some).median);
  }
  model.dispose();
  return spread(costs);
}

/** @param {Session} session  @param {number[]} ids  grows by about 32  @param {number} seed */
async function stretchCost(session, ids, seed) {
  const more = [];
  let start = performance.now();
  for await (const { id } of session.generate(ids, { maxTokens: 32, seed })) more.push(id);
  const generated = performance.now() - start - session.prefillStats.ms;
  session.truncate(ids.length);
  start = performance.now();
  for (const id of more) session.append([id]);
  const appended = performance.now() - start;
  ids.push(...more);
  return (1e3 * (generated - appended)) / Math.max(1, more.length);
}

/**
 * @param {{ name: string, source: string | Map<string, Blob>, weights: string, build: Variant }} what
 * @param {Job} job  @param {Tell} tell
 */
async function measureModel({ name, source, weights, build }, job, tell) {
  const kept = /** @type {'f32' | 'int8'} */ (weights);
  const model = await loadModel(source, { tokenizer: false, variant: build, weights: kept });
  try {
    const contexts = fitting(job.contexts, model);
    if (contexts.length === 0) {
      tell({ kind: 'note', text: `${name} has too few positions for these contexts.` });
      return;
    }
    const limits = await Limits.create({ variant: build }, weightBytes(model));
    for (const context of contexts) {
      tell({ kind: 'note', text: `${name}, ${weights}, ${build} build, ${context} tokens` });
      const figures = await measureContext(model, context, job, limits);
      tell({ kind: 'row', model: name, build, weights, ...figures });
    }
    limits.dispose();
  } finally {
    model.dispose();
  }
}
