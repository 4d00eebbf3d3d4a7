// The cost of a token's way to a reader, beside its computing: through the worker and its messages, as
// the page gets it, as fast as it goes. Runs in a page only (messages.html) and needs no more than a client.
import { spread } from '../../web/measure/benchmark.js';

/**
 * @import { Client } from '../../web/worker/client.js'
 * @import { Weights } from '../../web/worker/messages.js'
 */

const WARM_UPS = 1;
const TOKENS = 900;

/**
 * Microseconds a token beside those of computing it.
 * @param {Client} client  @param {string} url  of a model  @param {Weights} weights  @param {number} runs
 */
export async function messageOverhead(client, url, weights, runs) {
  const { variant: build } = await client.request('load', { url, variant: 'auto', weights });
  client.order('setPace', { tokensPerSecond: 0 });
  const costs = [];
  for (let run = -WARM_UPS; run < runs; run++) {
    const cost = await costOfRun(client, run + WARM_UPS);
    if (run >= 0) costs.push(cost);
  }
  return { build, microseconds: spread(costs) };
}

/**
 * From the first message after the proof, after which the worker does nothing but write, to the last token.
 * What that message brought, bursts of a whole frame, was computed before it.
 * @param {Client} client  @param {number} seed
 */
async function costOfRun(client, seed) {
  let [from, to, ms, tokens] = [0, 0, 0, 0];
  let [isProved, before] = [false, 0];
  const sampling = { maxTokens: TOKENS, minTokens: TOKENS, seed }; // a text that ends early tells nothing
  await client.request('generate', { prompt: 'Once upon a time', sampling }, (event) => {
    if (event.type === 'proof') isProved = true;
    if (event.type !== 'tokens' || !isProved) return;
    to = performance.now();
    from ||= to;
    before ||= event.tokens.at(-1)?.burst?.first ?? 0;
    for (const { burst } of event.tokens) {
      if (!burst || burst.first <= before) continue; // computed before `from`
      ms += burst.ms / burst.tokens;
      tokens++;
    }
  });
  return (1e3 * (to - from - ms)) / tokens;
}
