// What there is to know about the prompt, the cache and the engine, and the pace of the display.
import { element, note, say, uniqueId } from '../parts/dom.js';
import { engineOf, roomOf } from '../recorded.js';

/**
 * @import { Config } from '../../config/config.js'
 * @import { MemoryUsage } from '../../session/inspect.js'
 * @import { Reading } from '../run.js'
 * @import { View } from '../view.js'
 * @import { State } from '../state.js'
 * @import { Dictionary } from '../words/en.js'
 */

const PACES = [15, 30, 60, 0];
const NONE = ''; // a number that does not exist yet
/** @typedef {[words: string, title: string]} Fact */

/** @type {View} */
export const facts = {
  name: 'facts',
  mount(root, { actions, signal, words }) {
    const { facts: said } = words;
    const [reuse, position, memory, engine] = ['reuse', 'position', 'memory', 'engine']
      .map((part) => element('dd', { part }, NONE));
    const id = uniqueId('pace');
    const optionOf = (/** @type {number} */ speed) => (
      element('option', { value: speed }, speed === 0 ? said.fullSpeed : said.paceOf(speed)));
    const pace = element('select', { id, part: 'pace' }, ...PACES.map(optionOf));
    const computed = Object.assign(note(''), { part: 'pace-note' });
    const read = element('span', {}, said.prompt);
    root.append(element('dl', { class: 'facts' },
      fact(read, reuse), fact(said.position, position), fact(said.memory, memory),
      fact(said.engine, engine),
      fact(element('label', { for: id }, said.pace), element('dd', {}, pace, ' ', computed))));
    pace.addEventListener('change', () => actions.setPace(Number(pace.value)), { signal });
    return (state) => {
      const { prefill } = state.run;
      say(read, prefill?.source ? said.source : said.prompt);
      say(reuse, ...promptFact(said, prefill, state.memory?.crossUsedBytes));
      const model = state.memory && engineOf(state);
      for (const each of [position, memory, engine]) if (!model) say(each, NONE, '');
      if (model && state.memory) {
        const { config, variant } = model;
        const room = roomOf(state);
        const [at, means] = room === Infinity ? [said.positionPast, said.positionPastMeans]
          : [said.positionOf, said.positionMeans];
        say(position, at(state.run.position, room === Infinity ? state.memory.slots : room), means);
        say(memory, ...memoryFact(said, state.memory, config));
        const build = said.engines[variant];
        say(engine, state.model?.worker === false ? said.onPage(build) : build, said.engineMeans);
      }
      const isOffered = [...pace.options].some(({ value }) => Number(value) === state.pace);
      if (!isOffered) pace.prepend(optionOf(state.pace)); // an author's
      if (Number(pace.value) !== state.pace) pace.value = String(state.pace);
      say(computed, paceWords(said, state));
    };
  },
};

/** @param {string | Node} term  @param {Node} description */
const fact = (term, description) => element('div', {}, element('dt', {}, term), description);

/**
 * @param {Dictionary['facts']} words  @param {Reading | undefined} prefill
 * @param {number} [crossBytes]  of K and V of the source, with an encoder
 * @returns {Fact}
 */
function promptFact(words, prefill, crossBytes = 0) {
  if (!prefill) return [NONE, ''];
  const { tokens, reused, cached, source, sourceKept } = prefill;
  if (source) return [words[sourceKept ? 'sourceKept' : 'sourceRead'](source), words.sourceMeans(crossBytes)];
  if (reused === 0) return [words.computed(tokens), cached ? words.computedOn : words.computedOff];
  return [words.reused(tokens, reused), words.reusedMeans(tokens, reused)];
}

/**
 * @param {Dictionary['facts']} words  @param {MemoryUsage} memory  @param {Config} config
 * @returns {Fact}
 */
export function memoryFact(words, memory, config) {
  const { nLayer: layers, nKvHead: heads, headDim: numbers } = config;
  const { usedBytes, freedBytes, cacheBytes, slots: room, totalBytes } = memory;
  const used = (usedBytes + freedBytes) / memory.bytesPerToken;
  const means = words.memoryMeans({ layers, heads, numbers, used, room, usedBytes, freedBytes, totalBytes });
  return [words.memoryUsed(usedBytes, cacheBytes), means];
}

/**
 * A display that is slower than the engine, or faster, says so.
 * @param {Dictionary['facts']} words  @param {State} state
 */
function paceWords(words, { columns, run, pace }) {
  const { now } = columns[run.mode].meter;
  if (now === undefined) return '';
  return pace === 0 || now > pace ? words.computedAt(now) : words.slowedTo(now);
}
