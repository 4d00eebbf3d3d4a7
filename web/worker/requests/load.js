// The request "load": a model takes the place of the one before, and is warmed up.
import { checkChoice, invalid, isCount, shown } from '../../engine/arguments.js';
import { loadModel } from '../../index.js';
import { engineOf } from '../../session/model.js';
import { bytesAs } from '../../session/weights.js';
import { originsOf } from '../origins.js';
import { roomFor } from '../room.js';
import { slides } from '../slid.js';

/**
 * @import { Model } from '../../session/model.js'
 * @import { Session } from '../../session/session.js'
 * @import { Context, Serve } from '../context.js'
 */

const WARM_MS = 120; // of computing before the first run

/** @param {unknown} capacity */
function checkCapacity(capacity) {
  if (capacity === undefined || (isCount(capacity) && capacity >= 1)) return;
  throw invalid(`capacity is ${shown(capacity)}; it must be a whole number of at least 1.`);
}

/** @param {Model} model  @param {number} sourceCapacity  @param {Context} context */
const sourceOptions = ({ config }, sourceCapacity, { useCrossCache }) => (
  config.encoder ? { sourceCapacity, useCrossCache } : {});

/** @type {Serve<'load'>} */
export async function load(context, fields, emit, signal) {
  checkCapacity(fields.capacity);
  checkChoice('whenFull', fields.whenFull ?? 'stop', ['stop', 'slide']);
  const origins = await originsOf(fields);
  context.unload();
  const model = await loadModel(origins.source, {
    ...origins.build, weights: fields.weights, keep: fields.keep, signal,
    onProgress({ status, file = '', loaded = 0, reason }) {
      if (status === 'progress') emit('progress', { file, loaded });
      if (status === 'stalled') emit('stalled', { file });
      if (reason) emit('not_kept', { reason });
    },
  });
  context.origins = { ...origins, keep: fields.keep };
  context.model = model;
  try {
    const capacity = fields.capacity === undefined ? roomFor(model.config, model.memoryUsage())
      : Math.min(fields.capacity, model.config.nPositions);
    const { whenFull = 'stop', sinks } = fields;
    const session = context.session = model.createSession({
      capacity, useCache: context.useCache, whenFull, ...(sinks !== undefined && { sinks }),
      ...sourceOptions(model, capacity, context),
    });
    context.msPerToken = await warmUp(session, signal);
    const { config, generation, variant: chosen } = model;
    const { clock: { tick }, worker } = context;
    const memory = session.memoryUsage();
    const weightBytes = bytesAs(engineOf(model), config, model.weights);
    const sourceRoom = config.encoder && { sourceRoom: session.sourceCapacity };
    return {
      config, generation, variant: chosen, weightBytes, room: session.capacity, ...sourceRoom,
      ...(slides(session) && { sinks: session.sinks }), memory, tick, worker,
    };
  } catch (error) {
    context.unload(); // a model that cannot run is not kept
    throw error;
  }
}

/**
 * Lets the engine run for a moment: browsers optimise code only once it has run, and the first speeds
 * shown should not be those of unoptimised code. Returns the milliseconds of a token, roughly.
 * @param {Session} session  @param {AbortSignal} signal
 */
async function warmUp(session, signal) {
  const prompt = new Array(Math.min(16, Math.ceil(session.capacity / 2))).fill(0);
  const maxTokens = Math.min(16, session.capacity - prompt.length);
  const start = performance.now();
  let [ms, written] = [0, 0];
  for (; ms < WARM_MS; ms = performance.now() - start) {
    const tokens = session.generate(prompt, { maxTokens, useCache: true, signal });
    while (!(await tokens.next()).done) written++;
    session.reset(); // or the prompt would be reused and not read
  }
  return ms / Math.max(1, written);
}
