// The proof that the cache that slides changes nothing: hashes of the logits, with it and without.
import { element, put, say } from './dom.js';

/**
 * @import { Proof } from '../../worker/windowed.js'
 * @import { WINDOW } from '../words/window.js'
 */

/** @param {(typeof WINDOW)[string]} said */
export function windowProof(said) {
  const [verdict, rest] = [element('strong'), element('span')];
  const node = element('p', { class: 'window-proof', part: 'window-proof', hidden: true }, verdict, rest);
  /** @param {Proof | undefined} proof */
  const show = (proof) => {
    node.hidden = !proof;
    if (!proof) return;
    const isEqual = proof.on === proof.off;
    put(node, 'data-verdict', isEqual ? 'equal' : 'different');
    say(verdict, isEqual ? said.equal : said.different);
    say(rest, isEqual ? said.equalRest(proof.tokens, proof.on) : said.differentRest);
  };
  return { node, show };
}
