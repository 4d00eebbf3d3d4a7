// The worker's request "benchmark": the loaded model is measured, and the same model with the other kind of weights, both
// held against the limits of this machine. The messages are documented at the top of worker.js.
import { KvcError } from '../engine/errors.js';
import { loadModel } from '../index.js';
import { DECODED } from '../measure/benchmark.js';
import { Limits } from '../measure/limits.js';
import { WARM_UPS, fitting, measureContext, weightBytes } from '../measure/measure.js';

/**
 * @typedef {import('../session/model.js').Model} Model
 * @typedef {import('../measure/measure.js').Plan & { contexts: number[] }} Job
 * @typedef {import('../measure/measure.js').Figures & { weights: 'f32' | 'int8' }} Row
 * @typedef {(type: string, fields: object) => void} Emit
 */

/**
 * @param {Model} model  @param {string} url  where it came from
 * @param {Job} job  @param {Emit} emit  @param {AbortSignal} signal
 */
export async function benchmark(model, url, job, emit, signal) {
  refuseNonsense(job);
  const contexts = contextsFor(model, job.contexts);
  const total = 2 * contexts.length * (WARM_UPS + job.runs);
  let done = 0;
  emit('planned', { contexts });
  /** @param {Model} own  @param {Limits} limits */
  const measure = async (own, limits) => {
    for (const context of contexts) {
      const tell = () => emit('measuring', { weights: own.weights, context, done, total });
      const onRun = () => {
        done++;
        tell();
      };
      tell();
      emit('measured', { row: { weights: own.weights, ...await measureContext(own, context, job, limits, { signal, onRun }) } });
    }
  };
  await beside(model, signal, measure);
  const twin = await loadTwin(model, url, emit, signal);
  if (!twin) return;
  try {
    await beside(twin, signal, measure);
  } finally {
    twin.dispose();
  }
}

/**
 * With limits for a model's weights, which are let go of afterwards.
 * @param {Model} model  @param {AbortSignal} signal  @param {(model: Model, limits: Limits) => Promise<void>} work
 */
async function beside(model, signal, work) {
  const limits = await Limits.create(model.variant, weightBytes(model), signal);
  try {
    await work(model, limits);
  } finally {
    limits.dispose();
  }
}

/** @param {Job} job */
function refuseNonsense({ contexts, runs, windowMs, patienceMs }) {
  const whole = (/** @type {unknown} */ n) => Number.isInteger(n) && /** @type {number} */ (n) > 0;
  if (Array.isArray(contexts) && [...contexts, runs].every(whole) && windowMs > 0 && patienceMs >= 0) return;
  throw new KvcError('invalid_argument', 'A benchmark takes contexts and runs, whole numbers from 1 on, and windowMs and patienceMs.');
}

/** Those that fit the model; if none does, the longest possible. @param {Model} model  @param {number[]} wanted */
function contextsFor(model, wanted) {
  const contexts = fitting(wanted, model);
  if (contexts.length > 0) return contexts;
  const { nPositions } = model.config;
  if (nPositions > DECODED) return [nPositions - DECODED];
  throw new KvcError('config_invalid', `A model of ${nPositions} positions is too short to be measured: ${DECODED + 1} are needed.`);
}

/**
 * The same model, in int8 if it is in f32, and the other way round; undefined, and a word about it, if it cannot be loaded.
 * @param {Model} model  @param {string} url  @param {Emit} emit  @param {AbortSignal} signal
 */
async function loadTwin(model, url, emit, signal) {
  const weights = model.weights === 'f32' ? 'int8' : 'f32';
  emit('loading', { weights });
  try {
    return await loadModel(url, { weights, variant: model.variant, tokenizer: false, signal });
  } catch (error) {
    if (!(error instanceof KvcError) || error.code === 'aborted') throw error;
    emit('left_out', { weights, code: error.code, message: error.message });
    return undefined;
  }
}
