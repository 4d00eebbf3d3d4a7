// From letters to sounds: what a word may be, how its sounds are written, which letters each of them was
// taken from, and what that has cost with one cache, both or none. Pure.

/**
 * @import { Traced } from '../worker/traced.js'
 * @import { Attention, Head } from './lens.js'
 * @import { Caches } from './sounding.js'
 *
 * @typedef {NonNullable<Traced['looks']>} AllLooks
 * @typedef {{ self: boolean, cross: boolean }} Way  which caches are on
 * @typedef {{ way: Way, trace: Traced }} Tried  of one word
 *
 * @typedef {object} Problem  why something is no word for this model
 * @property {'empty' | 'words' | 'long' | 'letters'} what
 * @property {string} [letter]  that it does not know
 *
 * @typedef {object} Cost  of all steps
 * @property {number} steps
 * @property {number} ms
 * @property {number} macs
 * @property {number} read   times that keys and values of the source were read from the cross cache
 * @property {number} projected  times that they were computed
 * @property {number} rows   keys and values of the text that were computed, counted in tokens
 */

export const EXAMPLES = ['thought', 'yacht', 'psychology', 'antidisestablishmentarianism'];
export const LONGEST = 28; // letters
export const MOST_SOUNDS = 40;
export const BOTH = Object.freeze({ self: true, cross: true });

const STEP_MS = 240; // of a step in slow motion, at least about

/**
 * The letters that the model knows, or why there are none.
 * @param {string} text
 * @returns {{ word: string, problem?: undefined } | { word?: undefined, problem: Problem }}
 */
export function wordOf(text) {
  const word = text.trim().toLowerCase().normalize('NFD').replace(/\p{M}/gu, '').replace(/[’‘]/g, "'");
  if (word === '') return { problem: { what: 'empty' } };
  if (/\s/.test(word)) return { problem: { what: 'words' } };
  const [letter] = /[^a-z'.-]/u.exec(word) ?? [];
  if (letter) return { problem: { what: 'letters', letter } };
  return word.length > LONGEST ? { problem: { what: 'long' } } : { word };
}

// ---- how sounds are written -----------------------------------------------------------------------

/** General American. @type {Readonly<Record<string, string>>} */
const IPA = {
  AA: 'ɑ', AE: 'æ', AH: 'ʌ', AO: 'ɔ', AW: 'aʊ', AY: 'aɪ', EH: 'ɛ', ER: 'ɝ', EY: 'eɪ', IH: 'ɪ', IY: 'i',
  OW: 'oʊ', OY: 'ɔɪ', UH: 'ʊ', UW: 'u',
  B: 'b', CH: 'tʃ', D: 'd', DH: 'ð', F: 'f', G: 'ɡ', HH: 'h', JH: 'dʒ', K: 'k', L: 'l', M: 'm', N: 'n',
  NG: 'ŋ', P: 'p', R: 'ɹ', S: 's', SH: 'ʃ', T: 't', TH: 'θ', V: 'v', W: 'w', Y: 'j', Z: 'z', ZH: 'ʒ',
};
/** Without stress. @type {Readonly<Record<string, string>>} */
const WEAK = { AH: 'ə', ER: 'ɚ' };
const MARKS = ['', 'ˈ', 'ˌ'];
/** What English syllables begin with, beside single consonants. */
const ONSETS = new Set(`P L,P R,P Y,B L,B R,B Y,T R,T W,D R,D W,K L,K R,K W,K Y,G L,G R,G W,F L,F R,F Y,
  V Y,TH R,TH W,SH R,HH Y,HH W,M Y,S P,S T,S K,S M,S N,S L,S W,S F,S P L,S P R,S P Y,S T R,S K L,S K R,S K W,
  S K Y`.split(/,\s*/));

/** The stress of a vowel, 0, 1 or 2; undefined of a consonant. @param {string} sound  as AY1 */
const stressOf = (sound) => (/\d$/.test(sound) ? Number(sound.slice(-1)) : undefined);

/** One sound, without its stress. @param {string} sound  in ARPAbet */
export function ipaOf(sound) {
  const name = sound.replace(/\d$/, '');
  return (stressOf(sound) === 0 && WEAK[name]) || IPA[name] || sound;
}

/**
 * Sounds in a row, with a mark before each stressed syllable, as dictionaries have it; a single syllable
 * needs none.
 * @param {readonly string[]} sounds
 */
export function ipaWord(sounds) {
  const isLong = sounds.filter((sound) => stressOf(sound) !== undefined).length > 1;
  const marks = sounds.map(() => '');
  for (const [i, sound] of sounds.entries()) {
    const mark = MARKS[stressOf(sound) ?? 0];
    if (mark && isLong) marks[onsetOf(sounds, i)] = mark;
  }
  return sounds.map((sound, i) => marks[i] + ipaOf(sound)).join('');
}

/** Where the syllable of a vowel begins. @param {readonly string[]} sounds  @param {number} vowel */
function onsetOf(sounds, vowel) {
  let first = vowel;
  while (first > 0 && stressOf(sounds[first - 1]) === undefined) first--;
  if (first === 0) return 0; // a word's first consonants are all of its first syllable
  while (first < vowel && !isOnset(sounds.slice(first, vowel))) first++;
  return first;
}

/** @param {string[]} consonants */
const isOnset = (consonants) => (
  consonants.length === 1 ? consonants[0] !== 'NG' : ONSETS.has(consonants.join(' ')));

/** The sounds of a trace, in ARPAbet, without its end. @param {Traced} trace */
export const soundsOf = ({ steps }) => steps.filter(({ id }) => id !== null).map(({ text }) => text.trim());

// ---- where they were taken from -------------------------------------------------------------------

/**
 * How much a step looked at each letter.
 * @param {AllLooks} looks  @param {number} letters  with the mark of the end  @param {number} step
 * @param {Head} head
 * @returns {number[]}
 */
export function looksAt({ layers, heads, weights }, letters, step, head) {
  const first = ((step * layers + head.layer) * heads + head.head) * letters;
  return [...weights.subarray(first, first + letters)];
}

/**
 * A step's looks, as the lens has them of a text.
 * @param {AllLooks} looks  @param {number} letters  @param {number} step
 * @returns {Attention}
 */
export function attentionOf({ layers, heads, weights }, letters, step) {
  const size = layers * heads * letters;
  const all = (/** @type {number} */ n) => Array.from({ length: n }, (_, i) => i);
  return {
    position: letters - 1, layers: all(layers), heads: all(heads),
    weights: weights.subarray(step * size, (step + 1) * size),
  };
}

/**
 * The head to begin with: it looks at one letter at a time, and goes through them from left to right.
 * @param {Traced} trace  @returns {Head | undefined}
 */
export function tellingHead({ source, steps, looks }) {
  if (!looks) return undefined;
  const { layers, heads } = looks;
  const all = Array.from({ length: layers * heads }, (_, i) => (
    { layer: Math.floor(i / heads), head: i % heads }));
  const scores = all.map((head) => {
    const tops = steps.map((_, step) => topOf(looksAt(looks, source.length, step, head)));
    const ahead = tops.filter(({ letter }, i) => letter >= (tops[i - 1]?.letter ?? 0)).length;
    return tops.reduce((sum, { share }) => sum + share, 0) * ahead;
  });
  return all[scores.indexOf(Math.max(...scores))];
}

/** @param {readonly number[]} shares */
function topOf(shares) {
  const share = Math.max(...shares);
  return { letter: shares.indexOf(share), share };
}

/**
 * The letters that are looked at most, the most first.
 * @param {readonly number[]} shares  @param {number} least  of those that count
 */
export const strongest = (shares, least) => shares.map((share, letter) => ({ letter, share }))
  .filter(({ share }) => share >= least).sort((a, b) => b.share - a.share);

// ---- what it has cost -----------------------------------------------------------------------------

/** @param {Way} way  @returns {Caches} */
export const keyOf = ({ self, cross }) => (self ? (cross ? 'both' : 'self') : cross ? 'cross' : 'none');

/** @param {Caches} caches  @returns {Way} */
export const wayOf = (caches) => (
  { self: caches === 'both' || caches === 'self', cross: caches === 'both' || caches === 'cross' });

/** The trace that was made so. @param {readonly Tried[]} tried  @param {Way} way */
export const traceOf = (tried, way) => tried.find((each) => keyOf(each.way) === keyOf(way))?.trace;

/**
 * How often keys and values of the source were computed up to a step, from the engine's counters.
 * @param {Traced} trace  @param {Traced} cached  the same with the cross cache: it computes them once
 * @param {number} [end]  steps
 */
export const timesProjected = ({ reading, steps }, cached, end = steps.length) => Math.round(
  steps.slice(0, end).reduce((sum, { crossMacs }) => sum + crossMacs, reading.crossMacs)
    / cached.reading.crossMacs);

/**
 * How often keys and values of each token that was read were computed, up to a step.
 * @param {Traced} trace  @param {number} end  steps
 */
export const timesWritten = ({ steps }, end) => Array.from({ length: end }, (_, token) => (
  steps.slice(token, end).filter(({ rows }, i) => rows > i).length));

/** @param {Traced} trace  @param {Traced} cached  @param {number} [end]  steps  @returns {Cost} */
export function costOf(trace, cached, end = trace.steps.length) {
  const steps = trace.steps.slice(0, end);
  const sum = (/** @type {'ms' | 'macs' | 'rows'} */ name) => (
    steps.reduce((total, step) => total + step[name], 0));
  return {
    steps: end, ms: sum('ms'), macs: sum('macs'), rows: sum('rows'),
    projected: timesProjected(trace, cached, end),
    read: trace.reading.crossMacs > 0 ? end : 0,
  };
}

/** Every bit of the logits of every step. @param {Traced} a  @param {Traced} b */
export const isSame = (a, b) => (
  a.steps.length === b.steps.length && a.steps.every(({ hash, id }, i) => (
    hash === b.steps[i].hash && id === b.steps[i].id)));

// ---- in slow motion -------------------------------------------------------------------------------

/**
 * How many times slower a word is shown than it was computed, a round number: so that a step with both caches
 * can be followed. All ways of a word are shown equally slowly.
 * @param {Traced} cached
 */
export function slownessOf({ steps }) {
  const least = STEP_MS * steps.length / steps.reduce((sum, { ms }) => sum + ms, 0);
  const power = 10 ** Math.floor(Math.log10(least));
  return [1, 2, 3, 5, 10].map((digit) => digit * power).find((each) => each >= least * 0.8) ?? 10 * power;
}

/**
 * When, in slow motion, the source has been read, and each step done: milliseconds.
 * @param {Traced} trace  @param {number} slowness  @param {boolean} [isRead]  the source was read before
 */
export function momentsOf({ reading, steps }, slowness, isRead = false) {
  let at = isRead ? 0 : reading.ms * slowness;
  return { read: at, steps: steps.map(({ ms }) => (at += ms * slowness)) };
}
