// The engines that are compared, in a page: ours and others, behind one interface. Each loads the same random
// model in its own format, and tells how fast it reads n tokens and then writes DECODED more, and which token
// it would have written first, which shows that all of them compute the same.
import { loadModel } from 'kvcache-wasm';
import { DECODED, decodeRate, passRate } from '../../../web/measure/benchmark.js';
import { SHAPES, randomModel } from '../shapes.js';
import { ggufModel } from './gguf.js';
import { onnxModel } from './onnx.js';

const WINDOW_MS = 200;

/**
 * @typedef {object} Result
 * @property {number} prefill  tokens per second
 * @property {number} decode   tokens per second
 * @property {number} next     the likeliest token after the context
 *
 * @typedef {object} Engine
 * @property {string} name
 * @property {(context: number, run: number) => Promise<Result>} measure
 * @property {() => Promise<void> | void} dispose
 */

/**
 * A text in which every byte is a token. It begins differently for each run and context, so that nothing can
 * be reused.
 * @param {number} context  in tokens  @param {number} run
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
  const model = await loadModel(randomModel(SHAPES[shape]), { tokenizer: false, weights });
  return {
    name: `kvcache-wasm, ${model.variant}`,
    async measure(context, run) {
      const ids = idsOf(context, run);
      const session = model.createSession({ capacity: ids.length });
      const before = ids.subarray(0, context);
      const prefill = await passRate(session, before, true, context, { windowMs: WINDOW_MS });
      const next = argmax(session.logits);
      const decode = await decodeRate(session, [ids], context, { windowMs: WINDOW_MS });
      session.dispose();
      return { prefill, decode, next };
    },
    dispose: () => model.dispose(),
  };
}

/**
 * llama.cpp in WebAssembly, by its own clock: the timings that its server code reports, sampler included.
 * @param {string} shape  @param {'f32' | 'int8'} weights  Q8_0 for int8  @param {number} threads
 * @returns {Promise<Engine>}
 */
export async function wllama(shape, weights, threads) {
  // @ts-ignore -- installed into the cache folder by peers.js
  const { Wllama } = await import('/peers/node_modules/@wllama/wllama/esm/index.js');
  const wasm = { default: '/peers/node_modules/@wllama/wllama/esm/wasm/wllama.wasm' };
  const engine = new Wllama(wasm, { suppressNativeLog: true });
  const { n_positions } = SHAPES[shape];
  const batch = { n_ctx: n_positions, n_batch: n_positions, n_ubatch: n_positions };
  const settings = { ...batch, n_threads: threads, n_gpu_layers: 0, n_parallel: 1 };
  await engine.loadModel([ggufModel(SHAPES[shape], weights === 'int8' ? 'q8_0' : 'f32')], settings);
  return {
    name: `wllama, ${engine.getNumThreads()} thread${engine.getNumThreads() > 1 ? 's' : ''}`,
    async measure(context, run) {
      const greedy = { temperature: 0, temp: 0, top_k: 1, ignore_eos: true };
      const { timings, choices: [{ text }] } = await engine.createCompletion({
        prompt: prompt(context, run), max_tokens: DECODED, ...greedy,
      });
      if (timings.prompt_n !== context || timings.predicted_n !== DECODED) {
        throw new Error(`wllama read ${timings.prompt_n} tokens and wrote ${timings.predicted_n} instead of `
          + `${context} and ${DECODED}.`);
      }
      const next = Number(/^token(\d+)/.exec(text)?.[1] ?? text.charCodeAt(0));
      return { prefill: timings.prompt_per_second, decode: timings.predicted_per_second, next };
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
  const session = await ort.InferenceSession.create(onnxModel(SHAPES[shape], weights),
    { executionProviders: ['wasm'], graphOptimizationLevel: 'all' });
  const caches = Array.from({ length: n_layer }, (_, i) => [`k.${i}`, `v.${i}`]).flat();
  const empty = () => new ort.Tensor('float32', new Float32Array(0), [1, n_head, 0, n_embd / n_head]);
  /** @param {ArrayLike<number>} list */
  const integers = (list) => new ort.Tensor('int64', BigInt64Array.from(list, BigInt), [1, list.length]);
  /** @param {Uint8Array} ids  @param {number} position  @param {any} before  outputs of the step before */
  const step = async (ids, position, before) => {
    /** @type {Record<string, unknown>} */
    const feeds = { ids: integers(ids), positions: integers(Array.from(ids, (_, i) => position + i)) };
    for (const name of caches) feeds[`past.${name}`] = before?.[`present.${name}`] ?? empty();
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
      const written = performance.now();
      return { prefill: (1e3 * context) / (read - start), decode: (1e3 * DECODED) / (written - read), next };
    },
    dispose: () => session.release(),
  };
}
