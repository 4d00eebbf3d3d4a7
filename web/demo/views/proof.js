// Are the numbers the same with the cache and without it? The verdict, and the hashes behind it.
import { element, put, say } from '../parts/dom.js';
import { proofWords } from '../words.js';

/**
 * @import { View } from '../player.js'
 * @import { ProofState } from '../state.js'
 */

/** @type {View} */
export const proof = {
  name: 'proof',
  mount(root) {
    const verdict = element('strong');
    const rest = element('span');
    const hashes = element('p', { class: 'hashes', part: 'proof-hashes', hidden: true });
    const box = element('div', { class: 'proof', part: 'proof' },
      element('p', { part: 'proof-words' }, verdict, rest), hashes);
    root.append(box);
    return ({ proof: shown }) => {
      const equal = shown.stage === 'shown' ? shown.proof.equal : undefined;
      put(box, 'data-verdict', equal === undefined ? 'none' : equal ? 'equal' : 'different');
      const words = proofWords(shown);
      say(verdict, words.verdict);
      say(rest, words.rest);
      hashes.hidden = shown.stage !== 'shown';
      if (shown.stage === 'shown') say(hashes, hashWords(shown.proof));
    };
  },
};

/** @param {Extract<ProofState, { stage: 'shown' }>['proof']} proof */
const hashWords = ({ on, off, run }) => (
  `cache on   ${on}\ncache off  ${off}${run === undefined ? '' : `\nthis run   ${run}`}`);
