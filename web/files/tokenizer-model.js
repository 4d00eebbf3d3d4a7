// The model of a tokenizer: a piece of text -> ids. The library has the algorithms. No text leads to a
// special token here, even where merges or the vocabulary would.
// @ts-expect-error: the library exports them, but its types lead nowhere in modules of Node's kind
import { BPE, Unigram } from '@huggingface/tokenizers';

/**
 * @import { BpeParts, Parts, UnigramParts } from './tokenizer-json.js'
 *
 * @typedef {{ _call: (pieces: string[]) => string[] }} Algorithm
 */

/**
 * @param {Parts} parts
 * @returns {(piece: string) => number[]}
 */
export function modelOf({ vocab, added, model }) {
  const special = new Set(added.filter((token) => token.special).map((token) => token.content));
  const plain = new Map([...vocab].filter(([token]) => !special.has(token)));
  return model.type === 'BPE' ? bpeOf(model, plain, vocab) : unigramOf(model, plain);
}

/**
 * @param {BpeParts} parts  @param {Map<string, number>} plain  tokens  @param {Map<string, number>} vocab
 */
function bpeOf({ merges, ignoresMerges, byteFallback, unknown, fusesUnknown }, plain, vocab) {
  /** @type {Algorithm} */
  const bpe = new BPE({
    type: 'BPE',
    vocab: Object.fromEntries(plain),
    merges: merges.filter(([left, right]) => [left, right, left + right].every((token) => plain.has(token))),
    ignore_merges: ignoresMerges,
    byte_fallback: byteFallback,
    unk_token: unknown ?? undefined,
    fuse_unk: fusesUnknown,
  });
  const idOf = (/** @type {string} */ token) => plain.get(token) ?? vocab.get(token);
  return (/** @type {string} */ piece) => /** @type {number[]} */ (bpe._call([piece]).map(idOf));
}

/** @param {UnigramParts} parts  @param {Map<string, number>} plain  tokens */
function unigramOf({ pieces, unknown }, plain) {
  /** @type {Algorithm} */
  const unigram = new Unigram({
    type: 'Unigram',
    vocab: pieces.map(([piece, score]) => [plain.has(piece) ? piece : '', score]),
    unk_id: unknown,
  }, '');
  return (/** @type {string} */ piece) => unigram._call([piece]).map((token) => plain.get(token) ?? unknown);
}
