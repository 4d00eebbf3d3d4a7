// The request "lab": the loaded model writes a story, and so does the same model in an engine with a bug.
// That second engine is loaded for this alone; the first one stays as it was.
import { loadModel } from '../../index.js';
import { experiment } from '../../lab/experiment.js';
import { labModuleOf } from '../origins.js';
import { refuseEncoder } from '../sourced.js';

/** @import { Serve } from '../context.js' */

/** @type {Serve<'lab'>} */
export async function lab(context, { wasm, ...given }, emit, signal) {
  const { model, origins } = context.loaded();
  refuseEncoder(model, 'lab');
  return context.turns.take(async () => {
    emit('loading', {});
    const module = await labModuleOf(origins, wasm);
    const [{ weights }, { maxMemory }] = [model, origins.build];
    // The same files again: the HTTP cache has them, also when the network is gone.
    const wrong = await loadModel(origins.source,
      { wasm: module, weights, maxMemory, cache: 'force-cache', signal });
    try {
      emit('writing', {});
      return await experiment(model, wrong, { ...given, signal });
    } finally {
      wrong.dispose();
    }
  }, signal);
}
