// The request "benchmark": the loaded model is measured, with every type of cache too, then the same model
// with the other kind of weights, and both are held against the limits of this machine.
import { KvcError, loadModel } from '../../index.js';
import { TYPE_NAMES } from '../../cache/types.js';
import { DECODED } from '../../measure/benchmark.js';
import { Limits } from '../../measure/limits.js';
import { WARM_UPS, fitting, measureContext, weightBytes } from '../../measure/measure.js';
import { measureCaches } from '../../measure/narrow.js';
import { endingOf } from '../ending.js';
import { refuseEncoder } from '../sourced.js';

/**
 * @import { Model } from '../../session/model.js'
 * @import { Serve } from '../context.js'
 * @import { BenchmarkJob, Emit } from '../messages.js'
 * @import { Build } from '../../engine/engine.js'
 * @import { Origins } from '../origins.js'
 */

/** @type {Serve<'benchmark'>} */
export async function benchmark(context, job, emit, signal) {
  const { model, origins } = context.loaded();
  refuseEncoder(model, 'benchmark');
  checkJob(job);
  const measured = context.turns.take(() => measureBoth(model, origins, job, emit, signal), signal);
  return { reason: await endingOf(measured) };
}

/** @param {BenchmarkJob} job */
function checkJob({ contexts, runs, windowMs, patienceMs }) {
  const areCounts = Array.isArray(contexts) && [...contexts, runs].every((n) => Number.isInteger(n) && n > 0);
  if (areCounts && windowMs > 0 && patienceMs >= 0) return;
  throw new KvcError('invalid_argument',
    'A benchmark takes contexts and runs, whole numbers from 1 on, and windowMs and patienceMs.');
}

/**
 * @param {Model} model  @param {Origins} origins  where it came from
 * @param {BenchmarkJob} job  @param {Emit<'benchmark'>} emit  @param {AbortSignal} signal
 * @returns {Promise<'finished'>}
 */
async function measureBoth(model, origins, job, emit, signal) {
  const contexts = contextsFor(model, job.contexts);
  const total = 2 * contexts.length * (WARM_UPS + job.runs) + 1 + job.runs; // the last ones of caches
  let done = 0;
  emit('planned', { contexts });
  /** @param {Model} measured  @param {Limits} limits */
  const measure = async (measured, limits) => {
    const { weights } = measured;
    for (const context of contexts) {
      emit('measuring', { weights, context, done, total });
      const onRun = () => emit('measuring', { weights, context, done: ++done, total });
      const figures = await measureContext(measured, context, job, limits, { signal, onRun });
      emit('measured', { row: { weights, ...figures } });
    }
  };
  const { wasm, maxMemory } = origins.build;
  const build = wasm === undefined ? { variant: model.variant, maxMemory } : origins.build;
  await withLimits(model, build, signal, measure);
  const context = Math.max(...contexts);
  const tell = () => emit('measuring', { weights: model.weights, context, types: TYPE_NAMES, done, total });
  tell();
  const onRun = () => {
    done++;
    tell();
  };
  emit('caches', { weights: model.weights, ...await measureCaches(model, context, job, { signal, onRun }) });
  const twin = await loadTwin(model, { ...origins, build }, emit, signal);
  if (!twin) return 'finished';
  try {
    await withLimits(twin, build, signal, measure);
  } finally {
    twin.dispose();
  }
  return 'finished';
}

/**
 * Does work that needs limits for a model of this size; they are freed afterwards.
 * @param {Model} model  @param {Build} build  of the engine, its own
 * @param {AbortSignal} signal
 * @param {(model: Model, limits: Limits) => Promise<void>} work
 */
async function withLimits(model, build, signal, work) {
  const limits = await Limits.create(build, weightBytes(model), signal);
  try {
    await work(model, limits);
  } finally {
    limits.dispose();
  }
}

/**
 * Those that fit the model; if none does, the longest possible.
 * @param {Model} model  @param {number[]} wanted
 */
function contextsFor(model, wanted) {
  const contexts = fitting(wanted, model);
  if (contexts.length > 0) return contexts;
  const { nPositions } = model.config;
  if (nPositions > DECODED) return [nPositions - DECODED];
  throw new KvcError('config_invalid',
    `A model of ${nPositions} positions is too short to be measured: ${DECODED + 1} are needed.`);
}

/**
 * The same model in int8 if it is in f32, and the other way round. If it cannot be loaded, the page is
 * told why, and there is none.
 * @param {Model} model  @param {Origins} origins  @param {Emit<'benchmark'>} emit
 * @param {AbortSignal} signal
 */
async function loadTwin(model, { source, build, keep }, emit, signal) {
  const weights = model.weights === 'f32' ? 'int8' : 'f32';
  emit('loading', { weights });
  try {
    // The same files again: the HTTP cache has them, also when the network is gone.
    return await loadModel(source, {
      ...build, weights, tokenizer: false, cache: 'force-cache', keep, signal,
    });
  } catch (error) {
    if (!(error instanceof KvcError) || error.code === 'aborted') throw error;
    emit('left_out', { weights, code: error.code, message: error.message });
    return undefined;
  }
}
