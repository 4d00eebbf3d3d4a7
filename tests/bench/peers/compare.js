// Every engine on one model, in turns: what slows the machine slows all of them.
import { spread } from '../../../web/measure/benchmark.js';
import { onnxruntime, ours, wllama } from './engines.js';

/**
 * @import { Spread } from '../../../web/measure/benchmark.js'
 * @import { Engine, Result } from './engines.js'
 *
 * @typedef {{ engine: string, context: number, prefill: Spread, decode: Spread }} Row
 */

/**
 * @param {{ shape: string, weights: 'f32' | 'int8', contexts: number[], runs: number, threads: number }} job
 * @returns {Promise<Row[]>}
 */
export async function compare({ shape, weights, contexts, runs, threads }) {
  const engines = [
    await ours(shape, weights),
    await wllama(shape, weights, threads),
    await onnxruntime(shape, weights, threads),
  ];
  const rows = [];
  for (const context of contexts) {
    const results = engines.map(() => /** @type {Result[]} */ ([]));
    for (let run = 0; run <= runs; run++) {
      for (const [i, engine] of engines.entries()) results[i].push(await engine.measure(context, run));
      // Each rounds int8 in its own way.
      if (weights === 'f32') refuseDifference(engines, results.map((own) => own[run].next));
    }
    for (const [i, { name }] of engines.entries()) {
      const counted = results[i].slice(1); // the first is a warm-up
      const prefill = spread(counted.map((result) => result.prefill));
      const decode = spread(counted.map((result) => result.decode));
      rows.push({ engine: name, context, prefill, decode });
    }
  }
  for (const engine of engines) await engine.dispose();
  return rows;
}

/** @param {Engine[]} engines  @param {number[]} next */
function refuseDifference(engines, next) {
  const other = next.findIndex((id) => id !== next[0]);
  if (other === -1) return;
  throw new Error(`No report: ${engines[0].name} goes on with token ${next[0]}, `
    + `${engines[other].name} with ${next[other]}.`);
}
