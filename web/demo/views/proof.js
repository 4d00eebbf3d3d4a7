// Are the numbers the same with the cache and without it? The verdict, and the hashes behind it.
import { element, put, say } from '../parts/dom.js';
import { tokensInWords } from '../words.js';

/**
 * @import { View } from '../player.js'
 * @import { ProofState } from '../state.js'
 */

const AWAITED = 'With and without the cache, are the numbers the same? This is computed once the prompt is '
  + 'read.';
const OF = { prompt: 'the prompt', text: 'the whole text' };

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
      say(verdict, equal === undefined ? '' : equal ? 'Equal' : 'Different');
      say(rest, proofWords(shown));
      hashes.hidden = shown.stage !== 'shown';
      if (shown.stage === 'shown') say(hashes, hashWords(shown.proof));
    };
  },
};

/** What follows the verdict, or stands in its place. @param {ProofState} shown */
function proofWords(shown) {
  switch (shown.stage) {
    case 'none': return 'Same numbers with and without the cache? Each run is checked here.';
    case 'awaited': return AWAITED;
    case 'comparing prompt': return 'Comparing the numbers after the prompt, with the cache and without.';
    case 'comparing text': return 'Comparing the numbers at the end, with the cache and without.';
    case 'stopped': return 'The comparison at the end was stopped.';
    case 'failed': return `The comparison failed: ${shown.message}`;
    case 'shown': {
      const { tokens, equal } = shown.proof;
      const numbers = `the model’s numbers after ${OF[shown.of]} (${tokensInWords(tokens)})`;
      const verdict = equal ? ', are the same to the last bit.' : '. This should not be: please report it.';
      return `: ${numbers}, computed with the cache and without it${verdict}`;
    }
  }
}

/** @param {Extract<ProofState, { stage: 'shown' }>['proof']} proof */
const hashWords = ({ on, off, run }) => (
  `cache on   ${on}\ncache off  ${off}${run === undefined ? '' : `\nthis run   ${run}`}`);
