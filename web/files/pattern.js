// What tokenizer.json cuts texts at: strings, and regular expressions as Oniguruma reads them, which the
// library rewrites for JavaScript.
// @ts-expect-error: the library exports it, but its types lead nowhere in modules of Node's kind
import { SplitPreTokenizer } from '@huggingface/tokenizers';
import { reasonOf } from '../engine/errors.js';
import { shown } from './json.js';
import { invalid, objectAt } from './tokenizer-values.js';

const LONGEST = 2000;   // characters of a pattern
const MOST_REPEATS = 4; // without a limit, in one alternative: their number is the exponent of the time taken

/**
 * @param {unknown} value  { String } or { Regex }  @param {string} what  names it
 * @returns {RegExp}  global
 */
export function patternAt(value, what) {
  const { String: text, Regex: source } = objectAt(value, what);
  /** @param {unknown} pattern  @returns {pattern is string} */
  const fits = (pattern) => (
    typeof pattern === 'string' && pattern !== '' && pattern.length <= LONGEST);
  if (fits(text)) return new RegExp(escaped(text), 'gu');
  if (fits(source)) return regexOf(source, what);
  throw invalid(`tokenizer.json: ${what} is ${shown(value)}; it should be a text or a regular expression.`);
}

/** @param {string} text */
const escaped = (text) => text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');

/**
 * @param {string} source  Oniguruma's  @param {string} what  names it
 * @returns {RegExp}  global
 */
export function regexOf(source, what) {
  const bare = source.replace(/\\[^G]/gsu, 'x').replace(/\[\^?\]?[^\]]*\]/g, 'x');
  if (!isTame(bare)) {
    throw invalid(`tokenizer.json: ${what}, ${shown(source)}, could take forever on some texts: `
      + 'it repeats a group, or too much else.');
  }
  if (/[*+?]\+|\(\?>|\\G/.test(bare)) {
    throw invalid(`tokenizer.json: ${what}, ${shown(source)}, cannot be used: JavaScript has no possessive `
      + 'quantifiers, atomic groups or \\G.');
  }
  try {
    const { pattern } = new SplitPreTokenizer(
      { type: 'Split', pattern: { Regex: source }, behavior: 'Isolated', invert: false });
    pattern.test(''); // only now is it compiled
    return pattern;
  } catch (cause) {
    throw invalid(`tokenizer.json: ${what}, ${shown(source)}, cannot be used: ${reasonOf(cause)}`, cause);
  }
}

/**
 * Whether the time to match grows like a small power of the text's length: where a repeated group holds a
 * repetition, it doubles with every character.
 * @param {string} bare  an expression, with x for each class and escape
 */
function isTame(bare) {
  if (/\)[*+{]/.test(bare)) return false;
  return bare.split('|').every((branch) => (branch.match(/[*+]|\{\d*,\}/g) ?? []).length <= MOST_REPEATS);
}

/**
 * A text, cut at every match: [piece, whether it is one], in order, and none of them empty.
 * @param {string} text  @param {RegExp} pattern
 */
export function cut(text, pattern) {
  /** @type {[string, boolean][]} */
  const pieces = [];
  let end = 0;
  for (const { 0: match, index } of text.matchAll(pattern)) {
    if (match === '') continue;
    if (index > end) pieces.push([text.slice(end, index), false]);
    pieces.push([match, true]);
    end = index + match.length;
  }
  if (end < text.length) pieces.push([text.slice(end), false]);
  return pieces;
}
