// The benchmark of one runtime: a Node of any version, or a page. It knows neither: files come through
// `resources`, results go to `tell` as they are there. Rates are tokens per second, runs in turns:
//   a step without the cache, a prefill, decoding, reading memory, multiplying and adding; and again
import { loadModel } from 'kvcache-wasm';
import { DECODED, benchmarkIds, measureOnce, spread, timePass } from '../../web/benchmark.js';
import { bestVariant } from '../../web/engine.js';
import { Limits } from './limits.js';
import { NOTHING, SHAPES, randomModel } from './shapes.js';

const WARM_UPS = 1;
const BUILDS = /** @type {const} */ (['scalar', 'simd', 'relaxed']);

/**
 * @typedef {object} Job
 * @property {string[]} models     of SHAPES, or 'shipped'
 * @property {string[]} builds     'best', or names
 * @property {string[]} weights    'f32', 'int8'
 * @property {number[]} contexts
 * @property {number} runs
 * @property {number} windowMs     of one figure, at least
 * @property {number} patienceMs   passes over a whole context that take longer are left out
 *
 * @typedef {object} Resources
 * @property {string} shipped      where the shipped model lies
 * @property {WebAssembly.Module} probe
 *
 * @typedef {import('../../web/benchmark.js').Spread} Spread
 *
 * @typedef {object} Row
 * @property {'row'} kind
 * @property {string} model
 * @property {string} build
 * @property {string} weights
 * @property {number} context
 * @property {string} hash               of the logits after the context and one token more
 * @property {Spread} decode
 * @property {Spread} [prefill]          absent: beyond the patience
 * @property {Spread} [uncached]
 * @property {Spread} read               bytes per second, of a buffer as large as the weights
 * @property {Spread} multiplyAdd        multiplications and additions per second
 * @property {number} weightBytes        read for one token decoded
 * @property {number} cacheBytes         read for one token decoded, in the middle of the window
 * @property {number} multiplyAdds       for one token decoded, in the middle of the window
 * @property {number} prefillMultiplyAdds  for one token of the prefill, on average
 *
 * @typedef {Row | { kind: 'note', text: string } | { kind: 'overhead', build: string, microseconds: Spread }} Result
 */

/** @param {Job} job  @param {Resources} resources  @param {(result: Result) => void} tell */
export async function runSuite(job, resources, tell) {
  const builds = buildsOf(job.builds, tell);
  for (const build of builds) tell({ kind: 'overhead', build, microseconds: await overhead(build, job) });
  for (const name of job.models) {
    const source = name === 'shipped' ? resources.shipped : randomModel(SHAPES[name]);
    for (const weights of job.weights) {
      for (const build of builds) await measureModel({ name, source, weights, build }, job, resources, tell);
    }
  }
}

/** @param {string[]} wanted  @param {(result: Result) => void} tell */
function buildsOf(wanted, tell) {
  const runs = BUILDS.slice(0, BUILDS.indexOf(bestVariant()) + 1);
  if (wanted.includes('best')) return runs.slice(-1);
  for (const build of wanted) {
    if (!runs.includes(/** @type {any} */ (build))) tell({ kind: 'note', text: `The ${build} build does not run here: its instructions are unknown.` });
  }
  return runs.filter((build) => wanted.includes(build));
}

/**
 * Microseconds that a generated token costs beside the kernels (sampling, binding, iteration), and what
 * a model of width 4 takes.
 * @param {import('../../web/engine.js').Variant} build  @param {Job} job
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
 * @param {{ name: string, source: string | Map<string, Blob>, weights: string, build: import('../../web/engine.js').Variant }} what
 * @param {Job} job  @param {Resources} resources  @param {(result: Result) => void} tell
 */
async function measureModel({ name, source, weights, build }, job, { probe }, tell) {
  const model = await loadModel(source, /** @type {any} */ ({ tokenizer: false, variant: build, weights }));
  try {
    if ((/** @type {any} */ (model).weights ?? 'f32') !== weights) {
      return tell({ kind: 'note', text: `${name}: there are no ${weights} weights in this version.` });
    }
    const contexts = job.contexts.filter((n) => n + DECODED <= model.config.nPositions);
    if (contexts.length === 0) return tell({ kind: 'note', text: `${name} has too few positions for these contexts.` });
    const limits = await Limits.create(probe, weightBytes(model));
    for (const context of contexts) {
      tell({ kind: 'note', text: `${name}, ${weights}, ${build} build, ${context} tokens` });
      tell({ kind: 'row', model: name, build, weights, context, ...await measureContext(model, context, job, limits) });
    }
  } finally {
    model.dispose();
  }
}

/**
 * @param {import('../../web/model.js').Model} model  @param {number} context  @param {Job} job  @param {Limits} limits
 */
async function measureContext(model, context, { runs, windowMs, patienceMs }, limits) {
  const ids = benchmarkIds(context + DECODED, model.config.vocabSize);
  const session = model.createSession({ capacity: ids.length });
  try {
    const some = Math.min(32, context);
    await timePass(session, ids.subarray(0, some), true); // the first calls are slow
    const passes = (await timePass(session, ids.subarray(0, some), true) * context) / some <= patienceMs;
    if (!passes) await timePass(session, ids.subarray(0, context), true);
    /** @type {Record<string, number[]>} */
    const rates = { decode: [], prefill: [], uncached: [], read: [], multiplyAdd: [] };
    const hashes = new Set();
    for (let run = -WARM_UPS; run < runs; run++) {
      const { hashes: [hash], cached: decode, prefill, uncached } = await measureOnce(session, [ids], context, { windowMs, passes });
      hashes.add(hash);
      if (run < 0) continue;
      const now = { decode, prefill, uncached, read: limits.read(windowMs), multiplyAdd: limits.multiplyAdd(windowMs) };
      for (const [name, rate] of Object.entries(now)) if (rate !== undefined) rates[name].push(rate);
    }
    if (hashes.size > 1) throw new Error(`No figures: the same tokens gave different logits (${[...hashes].join(', ')}).`);
    const { decode, read, multiplyAdd, prefill, uncached } = rates;
    return {
      hash: /** @type {string} */ ([...hashes][0]), decode: spread(decode), read: spread(read), multiplyAdd: spread(multiplyAdd),
      ...work(session, ids, context), ...(passes && { prefill: spread(prefill), uncached: spread(uncached) }),
    };
  } finally {
    session.dispose();
  }
}

/**
 * What one token decoded in the middle of the window, and a prefill, have the engine do; from its counters.
 * @param {import('../../web/session.js').Session} session  @param {Uint32Array} ids  @param {number} context
 */
function work(session, ids, context) {
  session.useCache = true;
  session.reset();
  const prefill = counted(session, () => session.prefill(ids.subarray(0, context)));
  session.prefill(ids.subarray(context, context + DECODED / 2));
  const { weightBytes, cacheBytesRead: cacheBytes, macs } = counted(session, () => session.decode(ids[context + DECODED / 2]));
  return { weightBytes, cacheBytes, multiplyAdds: macs, prefillMultiplyAdds: prefill.macs / context };
}

/** @param {import('../../web/session.js').Session} session  @param {() => void} pass */
function counted(session, pass) {
  session.clearCounts();
  pass();
  const { counts } = session;
  return { ...counts, macs: counts.projectionMacs + counts.attentionMacs + counts.headMacs };
}

/** Bytes of weights that a decoded token reads. @param {import('../../web/model.js').Model} model */
function weightBytes(model) {
  const session = model.createSession({ capacity: 1 });
  const counts = counted(session, () => session.decode(0));
  session.dispose();
  return counts.weightBytes;
}
