// The page around the demo: the only module that looks anything up in the document.
import { modelUrl, variant } from './address.js';
import { mountDemo } from '../demo/demo.js';
import { en } from '../demo/words/en.js';
import { counted, megabytes } from '../measure/numbers.js';

/** @import { State } from '../demo/state.js' */

const PROMPT = 'Once upon a time there was a king who had three daughters.';

/** @param {string} id */
const byId = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

const { player } = mountDemo(byId('demo'), { model: modelUrl, variant: variant(), prompt: PROMPT });
byId('not-started').remove();
player.subscribe(({ model, memory }, { type }) => {
  if (type !== 'loaded' || !model || !memory) return;
  byId('memory-words').textContent = memoryWords(model, memory);
  byId('clock-words').textContent = en.clock(model.tick);
});

/**
 * The article's sentence about memory, with the facts of the loaded model.
 * @param {NonNullable<State['model']>} model  @param {NonNullable<State['memory']>} memory
 */
function memoryWords({ config: { nLayer, nHead, headDim, nPositions } }, { bytesPerToken, cacheBytes }) {
  const product = `2 × ${nLayer} layers × ${nHead} heads × ${headDim} numbers × 4 bytes`;
  return `Here it is ${product} = ${counted(bytesPerToken)} bytes for each token, `
    + `and ${megabytes(cacheBytes, 2)} for all ${counted(nPositions)} positions.`;
}
