// Every engine on one model, in turns: what slows the machine slows all of them.
import { spread } from '../../../web/measure/benchmark.js';
import { onnxruntime, ours, wllama } from './engines.js';

/**
 * @param {{ shape: string, weights: 'f32' | 'int8', contexts: number[], runs: number, threads: number }} job
 * @returns {Promise<{ engine: string, context: number, prefill: import('../../../web/measure/benchmark.js').Spread, decode: import('../../../web/measure/benchmark.js').Spread }[]>}
 */
export async function compare({ shape, weights, contexts, runs, threads }) {
  const engines = [await ours(shape, weights), await wllama(shape, weights, threads), await onnxruntime(shape, weights, threads)];
  const rows = [];
  for (const context of contexts) {
    const results = engines.map(() => /** @type {import('./engines.js').Result[]} */ ([]));
    for (let run = 0; run <= runs; run++) {
      for (const [i, engine] of engines.entries()) results[i].push(await engine.measure(context, run));
      if (weights === 'f32') refuseDifference(engines, results.map((own) => own[run].next)); // each rounds int8 in its own way
    }
    for (const [i, { name }] of engines.entries()) {
      const counted = results[i].slice(1); // the first is a warm-up
      rows.push({ engine: name, context, prefill: spread(counted.map((r) => r.prefill)), decode: spread(counted.map((r) => r.decode)) });
    }
  }
  for (const engine of engines) await engine.dispose();
  return rows;
}

/** @param {import('./engines.js').Engine[]} engines  @param {number[]} next */
function refuseDifference(engines, next) {
  const other = next.findIndex((id) => id !== next[0]);
  if (other !== -1) throw new Error(`No report: ${engines[0].name} goes on with token ${next[0]}, ${engines[other].name} with ${next[other]}.`);
}
