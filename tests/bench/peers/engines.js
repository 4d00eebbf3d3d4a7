// The engines that are compared, in a page: ours and others, behind one interface. Each loads the same
// random model in its own format, and says how fast it reads n tokens and then writes DECODED more, and
// which token it would have written first: that shows that all of them compute the same.
import { loadModel } from 'kvcache-wasm';
import { DECODED, decodeRate, passRate } from '../../../web/measure/benchmark.js';
import { SHAPES, randomModel } from '../shapes.js';
import { ggufModel } from './gguf.js';
import { onnxModel } from './onnx.js';

const WINDOW_MS = 200;

/**
 * @typedef {{ prefill: number, decode: number, next: number }} Result  tokens per second; the likeliest token after the context
 * @typedef {{ name: string, measure(context: number, run: number): Promise<Result>, dispose(): Promise<void> | void }} Engine
 */

/**
 * A text of so many bytes, each of which is a token: another beginning for each run and context, so that
 * nothing can be reused. @param {number} context  @param {number} run
 */
const prompt = (context, run) => String.fromCharCode(33 + (context + run) % 89) + 'a'.repeat(context - 1);

/** Its tokens, and those to decode after it. @param {number} context  @param {number} run */
const idsOf = (context, run) => new TextEncoder().encode(prompt(context, run) + 'c'.repeat(DECODED));

/** @param {ArrayLike<number>} logits */
function argmax(logits) {
  let best = 0;
  for (let id = 1; id < logits.length; id++) if (logits[id] > logits[best]) best = id;
  return best;
}

/** @param {string} shape  @param {'f32' | 'int8'} weights  @returns {Promise<Engine>} */
export async function ours(shape, weights) {
  const model = await loadModel(randomModel(SHAPES[shape]), /** @type {any} */ ({ tokenizer: false, weights }));
  if ((/** @type {any} */ (model).weights ?? 'f32') !== weights) throw new Error(`There are no ${weights} weights in this version.`);
  return {
    name: `kvcache-wasm, ${model.variant}`,
    async measure(context, run) {
      const ids = idsOf(context, run);
      const session = model.createSession({ capacity: ids.length });
      const prefill = await passRate(session, ids.subarray(0, context), true, context, { windowMs: WINDOW_MS });
      const next = argmax(session.logits);
      const decode = await decodeRate(session, [ids], context, { windowMs: WINDOW_MS });
      session.dispose();
      return { prefill, decode, next };
    },
    dispose: () => model.dispose(),
  };
}

/**
 * llama.cpp in wasm. Its own clock: what its server code reports as timings, the sampler included.
 * @param {string} shape  @param {'f32' | 'int8'} weights  Q8_0 for int8  @param {number} threads  @returns {Promise<Engine>}
 */
export async function wllama(shape, weights, threads) {
  // @ts-ignore -- installed into the cache folder by peers.js
  const { Wllama } = await import('/peers/node_modules/@wllama/wllama/esm/index.js');
  const engine = new Wllama({ default: '/peers/node_modules/@wllama/wllama/esm/wasm/wllama.wasm' }, { suppressNativeLog: true });
  const { n_positions } = SHAPES[shape];
  await engine.loadModel([ggufModel(SHAPES[shape], weights === 'int8' ? 'q8_0' : 'f32')],
    { n_ctx: n_positions, n_batch: n_positions, n_ubatch: n_positions, n_threads: threads, n_gpu_layers: 0, n_parallel: 1 });
  return {
    name: `wllama, ${engine.getNumThreads()} thread${engine.getNumThreads() > 1 ? 's' : ''}`,
    async measure(context, run) {
      const { timings, choices: [{ text }] } = await engine.createCompletion({
        prompt: prompt(context, run), max_tokens: DECODED, temperature: 0, temp: 0, top_k: 1, ignore_eos: true,
      });
      if (timings.prompt_n !== context || timings.predicted_n !== DECODED) {
        throw new Error(`wllama read ${timings.prompt_n} tokens and wrote ${timings.predicted_n} instead of ${context} and ${DECODED}.`);
      }
      return { prefill: timings.prompt_per_second, decode: timings.predicted_per_second, next: Number(/^token(\d+)/.exec(text)?.[1] ?? text.charCodeAt(0)) };
    },
    dispose: () => engine.exit(),
  };
}

/**
 * onnxruntime-web, its WebAssembly back end.
 * @param {string} shape  @param {'f32' | 'int8'} weights  @param {number} threads  @returns {Promise<Engine>}
 */
export async function onnxruntime(shape, weights, threads) {
  // A module of its own for each number of threads, which cannot be changed later.
  // @ts-ignore -- installed into the cache folder by peers.js
  const ort = await import(`/peers/node_modules/onnxruntime-web/dist/ort.wasm.min.mjs?threads=${threads}`);
  ort.env.wasm.numThreads = threads;
  ort.env.wasm.wasmPaths = '/peers/node_modules/onnxruntime-web/dist/';
  const { n_layer, n_head, n_embd } = SHAPES[shape];
  const session = await ort.InferenceSession.create(onnxModel(SHAPES[shape], weights), { executionProviders: ['wasm'], graphOptimizationLevel: 'all' });
  const caches = Array.from({ length: n_layer }, (_, i) => [`k.${i}`, `v.${i}`]).flat();
  const step = async (/** @type {Uint8Array} */ ids, /** @type {number} */ position, /** @type {any} */ before) => {
    const integers = (/** @type {ArrayLike<number>} */ list) => new ort.Tensor('int64', BigInt64Array.from(list, BigInt), [1, list.length]);
    /** @type {Record<string, unknown>} */
    const feeds = { ids: integers(ids), positions: integers(Array.from(ids, (_, i) => position + i)) };
    for (const name of caches) feeds[`past.${name}`] = before?.[`present.${name}`] ?? new ort.Tensor('float32', new Float32Array(0), [1, n_head, 0, n_embd / n_head]);
    return session.run(feeds);
  };
  return {
    name: `onnxruntime-web, ${threads} thread${threads > 1 ? 's' : ''}`,
    async measure(context, run) {
      const ids = idsOf(context, run);
      const start = performance.now();
      let state = await step(ids.subarray(0, context), 0, undefined);
      const read = performance.now();
      const next = argmax(state.logits.data);
      for (let t = context; t < ids.length; t++) state = await step(ids.subarray(t, t + 1), t, state);
      return { prefill: (1e3 * context) / (read - start), decode: (1e3 * DECODED) / (performance.now() - read), next };
    },
    dispose: () => session.release(),
  };
}
