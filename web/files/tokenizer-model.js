// The model of a tokenizer: a piece of text -> ids. The library has the algorithms.
// @ts-expect-error: the library exports them, but its types lead nowhere in modules of Node's kind
import { BPE, Unigram } from '@huggingface/tokenizers';

/**
 * @import { BpeParts, Parts, UnigramParts } from './tokenizer-json.js'
 *
 * @typedef {{ _call: (pieces: string[]) => string[] }} Algorithm
 * @typedef {{ tokenize: (piece: string) => string[] }} UnigramAlgorithm
 */

/**
 * @param {Parts} parts
 * @returns {(piece: string) => number[]}
 */
export const modelOf = ({ vocab, model }) => (
  model.type === 'BPE' ? bpeOf(model, vocab) : unigramOf(model, vocab));

/** @param {BpeParts} parts  @param {Map<string, number>} vocab */
function bpeOf({ merges, ignoresMerges, byteFallback, unknown, fusesUnknown }, vocab) {
  const bpe = new BPE({
    type: 'BPE', vocab: {}, merges, ignore_merges: ignoresMerges, byte_fallback: byteFallback,
    unk_token: unknown?.token, fuse_unk: fusesUnknown,
  });
  bpe.tokens_to_ids = vocab; // which it would make from an object: half the time, and twice the memory
  bpe.unk_token_id = unknown ? vocab.get(unknown.token) : undefined; // as it would; none of a special one
  const idOf = (/** @type {string} */ token) => vocab.get(token) ?? unknown?.id;
  return (/** @type {string} */ piece) => (
    /** @type {number[]} */ (/** @type {Algorithm} */ (bpe)._call([piece]).map(idOf)));
}

/** @param {UnigramParts} parts  @param {Map<string, number>} vocab */
function unigramOf({ pieces, unknown }, vocab) {
  /** @type {UnigramAlgorithm} */
  const unigram = new Unigram({ type: 'Unigram', vocab: pieces, unk_id: unknown }, '');
  return (/** @type {string} */ piece) => {
    /** @type {number[]} */
    const ids = [];
    for (const token of unigram.tokenize(piece)) { // its _call() is quadratic, and no piece may be long
      const id = vocab.get(token) ?? unknown;
      if (id !== unknown || ids.at(-1) !== unknown) ids.push(id); // several in a row are one
    }
    return ids;
  };
}
