// Right and wrong uses of the worker's contract. Nothing runs this file: messages.test.js gives it to tsc and
// expects an error on each line marked as wrong, with the words after the mark, and on no other line.
import { EngineClient } from '../../web/worker/client.js';

/**
 * @import { Client } from '../../web/worker/client.js'
 * @import { Serve } from '../../web/worker/context.js'
 */

const client = new EngineClient();
const load = { url: 'https://example.org/', variant: /** @type {const} */ ('auto') };

// ---- requests
client.request('load', load);
client.request('status');
client.request('statsu'); // wrong: '"statsu"' is not assignable
client.request('load'); // wrong: Expected 2-3 arguments
client.request('load', { ...load, weigths: 'f32' }); // wrong: 'weigths' does not exist
client.request('load', { ...load, weights: 'f16' }); // wrong: '"f16"' is not assignable
client.request('load', { ...load, variant: 'fast' }); // wrong: '"fast"' is not assignable
client.request('generate', { prompt: '', sampling: { topk: 3 } }); // wrong: 'topk' does not exist
client.request('generate', { prompt: '', written: [1, 2], more: 1, sampling: {} });
const asked = { prompt: [{ role: 'user', content: 'Hi' }], chat: { tools: [] }, sampling: { stop: 'x' } };
client.request('generate', { ...asked, proof: false });
client.request('generate', { prompt: [{ content: 'Hi' }], sampling: {} }); // wrong: 'role' is missing
client.request('generate', { prompt: '', sampling: { onLogits() {} } }); // wrong: 'onLogits' does not exist
client.request('generate', { prompt: '', written: 'abc', sampling: {} }); // wrong: 'string' is not assignable
client.request('prove', { tokens: 3 }); // wrong: not assignable to type 'never'
client.request('inspect');
client.request('inspect', { attention: { position: 3 } });
client.request('inspect', { attention: { layers: [1] } }); // wrong: Property 'position' is missing
client.request('inspect', { cross: { position: 3, heads: [0] } });
client.request('inspect', { cross: { heads: [0] } }); // wrong: Property 'position' is missing
client.request('inspect', { vectors: { layer: 1 } }); // wrong: 'layer' does not exist

// ---- answers
const { reason } = await client.request('generate', { prompt: '', sampling: {} });
export const full = reason === 'context_full';
export const filled = reason === 'full'; // wrong: have no overlap
export const { position, positon } = await client.request('status'); // wrong: 'positon' does not exist

export const { cache, attention } = await client.request('inspect', {});
attention.weights.length.toFixed(); // wrong: 'attention' is possibly 'undefined'
cache.page.length.toFixed(); // wrong: 'page' does not exist

// ---- events
client.request('generate', { prompt: '', sampling: {} }, (event) => {
  if (event.type === 'tokens') event.tokens[0].text.trim();
  if (event.type === 'cut') event.written[event.dropped].text.trim();
  if (event.type === 'cut') event.cut.toFixed(); // wrong: 'cut' does not exist
  if (event.type === 'tokens') event.tokens[0].txt.trim(); // wrong: 'txt' does not exist
  if (event.type === 'prefilled') event.memory.usedBytes.toFixed(); // wrong: 'memory' does not exist
  if (event.type === 'progress') return; // wrong: have no overlap
});

// ---- orders
client.order('setCrossCache', { on: true });
client.order('setCrossCache', { on: 1 }); // wrong: 'number' is not assignable
client.order('setCache', { on: true });
client.order('setCahce', { on: true }); // wrong: '"setCahce"' is not assignable
client.order('setCache', { no: true }); // wrong: 'no' does not exist
client.order('setPace', { tokensPerSecond: '5' }); // wrong: 'string' is not assignable

// ---- a page's stand-in for the client
/** @type {Client} */
export const mute = { request: () => new Promise(() => {}), order() {}, stop() {}, dispose() {} };
/** @type {Client} */
export const halting = { request: () => new Promise(() => {}), order() {}, dispose() {} }; // wrong: 'stop' is

// ---- the worker's side
/** @type {Serve<'generate'>} */
export async function generate(context, { prompt }, emit) {
  emit('proving', { tokens: prompt.length });
  emit('provign', { tokens: prompt.length }); // wrong: '"provign"' is not assignable
  emit('proving', { token: prompt.length }); // wrong: 'token' does not exist
  emit('measured', { tokens: 3 }); // wrong: '"measured"' is not assignable
  return { reason: 'length', position: 0, memory: context.loaded().session.memoryUsage() };
}

/** @type {Serve<'benchmark'>} */
export async function benchmark(_context, { runs, run }) { // wrong: 'run' does not exist
  return { reason: runs > run ? 'done' : 'stopped' }; // wrong: '"done" | "stopped"' is not assignable
}
