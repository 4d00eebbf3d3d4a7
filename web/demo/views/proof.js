// Are the numbers the same with the cache and without it? The verdict, and the hashes behind it.
import { element, put, say } from '../parts/dom.js';
import { failurePlace } from '../parts/failure.js';
import { proofWords } from '../words.js';

/**
 * @import { View } from '../view.js'
 * @import { ProofState } from '../state.js'
 * @import { Dictionary } from '../words/en.js'
 */

/** @type {View} */
export const proof = {
  name: 'proof',
  mount(root, { words }) {
    const verdict = element('strong');
    const rest = element('span');
    const failure = failurePlace(words);
    const hashes = element('p', { class: 'hashes', part: 'proof-hashes', hidden: true });
    const box = element('div', { class: 'proof', part: 'proof' },
      element('p', { part: 'proof-words' }, verdict, rest, failure.node), hashes);
    root.append(box);
    return ({ proof: shown }) => {
      const equal = shown.stage === 'shown' ? shown.proof.equal : undefined;
      put(box, 'data-verdict', equal === undefined ? 'none' : equal ? 'equal' : 'different');
      const said = proofWords(words, shown);
      say(verdict, said.verdict);
      say(rest, said.rest);
      failure.show(shown.stage === 'failed' ? shown.failure : undefined);
      hashes.hidden = shown.stage !== 'shown';
      if (shown.stage === 'shown') say(hashes, hashWords(words, shown.proof));
    };
  },
};

/** @param {Dictionary} words  @param {Extract<ProofState, { stage: 'shown' }>['proof']} proof */
function hashWords({ cache, proof: { thisRun } }, { on, off, run }) {
  const lines = [[cache.on, on], [cache.off, off], ...(run === undefined ? [] : [[thisRun, run]])];
  const width = Math.max(...lines.map(([name]) => name.length));
  return lines.map(([name, hash]) => `${name.padEnd(width)}  ${hash}`).join('\n');
}
