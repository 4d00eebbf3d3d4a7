// What happens to a text before the model of a tokenizer sees it: its normalizer changes it, its
// pre-tokenizer cuts it into the words that no token crosses. A step that is not known is refused: without it
// the ids would be others.
import { spelt } from './alphabet.js';
import { charsmapOf } from './charsmap.js';
import { shown } from './json.js';
import { cut, patternAt, regexOf } from './pattern.js';
import { invalid, listAt, objectAt, unlike } from './tokenizer-values.js';

/**
 * @import { Json } from './tokenizer-values.js'
 *
 * @typedef {(text: string) => string} Normalizer
 * @typedef {(text: string, first: boolean) => string[]} Splitter  of a piece, which is the first of a text or
 *   not; what is taken out leaves an empty one
 */

// ---- normalizers --------------------------------------------------------------------------------

/** @type {Record<string, (step: Json, what: string) => Normalizer>} */
const NORMALIZERS = {
  NFC: () => (text) => text.normalize('NFC'),
  NFD: () => (text) => text.normalize('NFD'),
  NFKC: () => (text) => text.normalize('NFKC'),
  NFKD: () => (text) => text.normalize('NFKD'),
  Prepend: ({ prepend }, what) => {
    const before = textAt(prepend, `${what}.prepend`);
    return (text) => (text === '' ? text : before + text);
  },
  Replace: ({ pattern, content }, what) => {
    const regex = patternAt(pattern, `${what}.pattern`);
    const other = textAt(content, `${what}.content`);
    return (text) => text.replace(regex, () => other);
  },
  Precompiled: ({ precompiled_charsmap: map }, what) => charsmapOf(map, `${what}.precompiled_charsmap`),
};

/** @param {unknown} value  tokenizer.json's normalizer  @returns {Normalizer} */
export function normalizerOf(value) {
  const steps = stepsOf(value, 'normalizer', 'normalizers', NORMALIZERS);
  return (text) => steps.reduce((changed, step) => step(changed), text);
}

// ---- pre-tokenizers -----------------------------------------------------------------------------

// GPT-2's own rule for where merges stop, with \s as Unicode has it: JavaScript's differs in U+0085, U+FEFF.
const GPT2 = regexOf(
  String.raw`'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`, 'ByteLevel');
const SPACES = /\p{White_Space}+/gu;
const LOWER_BAR = /▁/gu;

/** @type {Record<string, (pieces: [string, boolean][]) => string[]>}  what becomes of pieces and matches */
const BEHAVIORS = {
  Isolated: (pieces) => pieces.map(([piece]) => piece),
  Removed: (pieces) => pieces.map(([piece, isMatch]) => (isMatch ? '' : piece)),
  MergedWithPrevious: (pieces) => merged(pieces, (all, last, piece) => (all[last] += piece)),
  MergedWithNext: (pieces) => merged(pieces.reverse(), (all, last, piece) => (all[last] = piece + all[last]))
    .reverse(),
};

/**
 * Each match becomes a part of the piece before it, unless that is a match itself.
 * @param {[string, boolean][]} pieces
 * @param {(all: string[], last: number, piece: string) => void} join
 */
function merged(pieces, join) {
  /** @type {string[]} */
  const all = [];
  let afterMatch = false;
  for (const [piece, isMatch] of pieces) {
    if (isMatch && !afterMatch && all.length > 0) join(all, all.length - 1, piece);
    else all.push(piece);
    afterMatch = isMatch;
  }
  return all;
}

/** @type {Record<string, (step: Json, what: string) => Splitter>} */
const SPLITTERS = {
  ByteLevel: ({ add_prefix_space: prefix, use_regex: usesRegex }, what) => {
    if (prefix !== false) throw unlike(`${what}.add_prefix_space`, prefix, 'false');
    return usesRegex === false ? (text) => [spelt(text)]
      : (text) => cut(text, GPT2).map(([piece]) => spelt(piece));
  },
  Split: ({ pattern, behavior, invert }, what) => {
    const regex = patternAt(pattern, `${what}.pattern`);
    const join = typeof behavior === 'string' && Object.hasOwn(BEHAVIORS, behavior) && BEHAVIORS[behavior];
    if (!join) throw unlike(`${what}.behavior`, behavior, Object.keys(BEHAVIORS).join(', '));
    if (invert !== true) return (text) => join(cut(text, regex));
    return (text) => join(cut(text, regex).map(([piece, isMatch]) => [piece, !isMatch]));
  },
  Digits: ({ individual_digits: one }) => {
    const digits = one === true ? /\p{N}/gu : /\p{N}+/gu;
    return (text) => cut(text, digits).map(([piece]) => piece);
  },
  WhitespaceSplit: () => (text) => BEHAVIORS.Removed(cut(text, SPACES)),
  Metaspace: (step, what) => {
    const scheme = prependScheme(step, what);
    const split = step.split !== false;
    return (text, first) => {
      const barred = text.replaceAll(' ', '▁');
      const begins = barred.startsWith('▁') || scheme === 'never' || (scheme === 'first' && !first);
      const whole = begins ? barred : `▁${barred}`;
      return split ? BEHAVIORS.MergedWithNext(cut(whole, LOWER_BAR)) : [whole];
    };
  },
};

/** When a Metaspace puts ▁ before a text. @param {Json} step  @param {string} what */
export function prependScheme(step, what) {
  const { replacement, prepend_scheme: scheme = 'always', add_prefix_space: adds } = step;
  if (replacement !== '▁') throw unlike(`${what}.replacement`, replacement, '"▁"');
  const known = ['always', 'first', 'never'].find((name) => name === scheme);
  if (known && (adds !== false || known === 'never')) return known;
  throw unlike(`${what}.prepend_scheme`, scheme, 'always, first or never, as its add_prefix_space says');
}

/** @param {unknown} value  tokenizer.json's pre_tokenizer  @returns {Splitter} */
export function splitterOf(value) {
  const steps = stepsOf(value, 'pre_tokenizer', 'pretokenizers', SPLITTERS);
  return (text, first) => {
    let pieces = [text];
    for (const step of steps) {
      pieces = pieces.flatMap((piece, i) => (piece === '' ? [piece] : step(piece, first && i === 0)));
    }
    return pieces.filter((piece) => piece !== '');
  };
}

// ---- both ---------------------------------------------------------------------------------------

/**
 * A step, or several in a Sequence, flattened.
 * @template T
 * @param {unknown} value  @param {string} what  names it  @param {string} key  of a Sequence's list
 * @param {Record<string, (step: Json, what: string) => T>} known
 * @returns {T[]}
 */
function stepsOf(value, what, key, known) {
  if (value === undefined || value === null) return [];
  const step = objectAt(value, what);
  const { type } = step;
  if (type === 'Sequence') {
    return listAt(step[key], `${what}.${key}`).flatMap((each) => stepsOf(each ?? 0, what, key, known));
  }
  if (typeof type === 'string' && Object.hasOwn(known, type)) return [known[type](step, what)];
  throw unlike(what, type, Object.keys(known).join(', '));
}

/** @param {unknown} value  @param {string} what  names it */
function textAt(value, what) {
  if (typeof value === 'string') return value;
  throw invalid(`tokenizer.json: ${what} is ${shown(value)}; it should be a text.`);
}
