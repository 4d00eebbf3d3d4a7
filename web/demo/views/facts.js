// What there is to know about the prompt, the cache and the engine, and the pace of the display.
import { element, note, say, uniqueId } from '../parts/dom.js';
import { tokensInWords } from '../words.js';
import { counted, measured, megabytes } from '../../measure/numbers.js';

/**
 * @import { Config } from '../../config/config.js'
 * @import { MemoryUsage } from '../../session/inspect.js'
 * @import { Prefill } from '../../worker/messages.js'
 * @import { View } from '../player.js'
 * @import { State } from '../state.js'
 */

const PACES = [15, 30, 60, 0];
const NONE = '–';
const ENGINES = {
  relaxed: 'WebAssembly with relaxed SIMD',
  simd: 'WebAssembly with SIMD',
  scalar: 'WebAssembly without SIMD: slower',
};
const ENGINE = 'the build of the WebAssembly engine that this browser runs; all builds compute the very same '
  + 'numbers';

/** @typedef {[words: string, title: string]} Fact */

/** @type {View} */
export const facts = {
  name: 'facts',
  mount(root, { actions, signal }) {
    const [reuse, position, memory, engine] = ['reuse', 'position', 'memory', 'engine']
      .map((part) => element('dd', { part }, NONE));
    const id = uniqueId('pace');
    const pace = element('select', { id, part: 'pace' }, ...PACES.map((speed) => (
      element('option', { value: speed }, speed === 0 ? 'full speed' : `${speed} tokens/s`))));
    const computed = Object.assign(note(''), { part: 'pace-note' });
    root.append(element('dl', { class: 'facts' },
      fact('Prompt', reuse), fact('Position', position), fact('Cache memory', memory), fact('Engine', engine),
      fact(element('label', { for: id }, 'Display pace'), element('dd', {}, pace, ' ', computed))));
    pace.addEventListener('change', () => actions.setPace(Number(pace.value)), { signal });
    return (state) => {
      say(reuse, ...promptFact(state.run.prefill));
      if (state.model && state.memory) {
        const { config, variant } = state.model;
        say(position, ...positionFact(state.run.position, config));
        say(memory, ...memoryFact(state.memory, config));
        say(engine, ENGINES[variant], ENGINE);
      }
      if (Number(pace.value) !== state.pace) pace.value = String(state.pace);
      say(computed, paceWords(state));
    };
  },
};

/** @param {string | Node} term  @param {Node} description */
const fact = (term, description) => element('div', {}, element('dt', {}, term), description);

/** @param {Prefill | undefined} prefill  @returns {Fact} */
function promptFact(prefill) {
  if (!prefill) return [NONE, ''];
  const { tokens, reused, cached } = prefill;
  const words = tokensInWords(tokens);
  if (reused === 0) {
    return [`${words}, all computed`, cached ? 'the cache held nothing yet that this prompt begins with'
      : 'with the cache off, nothing that it holds is used'];
  }
  const same = `this prompt begins with the same ${tokensInWords(reused)} as the text before`;
  const rest = `only ${counted(tokens - reused)} had to run through the model`;
  return [`${words}, ${counted(reused)} reused from the cache`,
    `${same}: their keys and values were still in the cache, and ${rest}`];
}

/** @param {number} position  @param {Config} config  @returns {Fact} */
const positionFact = (position, { nPositions }) => [`${counted(position)} of ${counted(nPositions)}`,
  'tokens in the text so far, and the most that the model can take'];

/** @param {MemoryUsage} memory  @param {Config} config  @returns {Fact} */
function memoryFact({ usedBytes, cacheBytes, bytesPerToken, totalBytes }, { nLayer, nHead, headDim }) {
  const tokens = tokensInWords(usedBytes / bytesPerToken);
  const vectors = `2 (K and V) × ${nLayer} layers × ${nHead} heads × ${tokens}`;
  const used = `used: ${vectors} × ${headDim} numbers × 4 bytes = ${counted(usedBytes)} bytes`;
  const allocated = `allocated: the same for ${tokensInWords(cacheBytes / bytesPerToken)}`;
  const total = `with the scratch space, this session takes ${counted(totalBytes)} bytes`;
  const words = `${(usedBytes / 1e6).toFixed(2)} of ${megabytes(cacheBytes, 2)} used`;
  return [words, `${used}; ${allocated}; ${total}`];
}

/** A display that is slower than the engine, or faster, says so. @param {State} state */
function paceWords({ columns, run, pace }) {
  const { now } = columns[run.mode].meter;
  if (now === undefined) return '';
  return `${pace === 0 || now > pace ? 'computed at' : 'slowed by computing:'} ${measured(now)}`;
}
