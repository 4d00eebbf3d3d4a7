// What stands beside the story, in English: chart, numbers, facts and proof.
import { numbersIn } from '../../measure/numbers.js';

/**
 * @typedef {'on' | 'off'} Mode
 * @typedef {number | undefined} Maybe
 * @typedef {'prompt' | 'text'} Part  the whole text
 *
 * @typedef {object} Memory  of the cache
 * @property {number} layers
 * @property {number} heads
 * @property {number} numbers   of a key or a value
 * @property {number} used      tokens
 * @property {number} room      tokens
 * @property {number} usedBytes
 * @property {number} freedBytes  given back by layers with a window
 * @property {number} totalBytes
 */

const { counted, measured, megabytes } = numbersIn('en');
export const tokens = (/** @type {number} */ count) => `${counted(count)} token${count === 1 ? '' : 's'}`;
const fastAs = (/** @type {number} */ on, /** @type {number} */ off) => (
  on >= off ? `${measured(on / off)} times as fast` : `${measured(off / on)} times slower`);
const OF = { prompt: 'the prompt', text: 'the whole text' };

export const figures = {
  // ---- the chart --------------------------------------------------------------------------------
  chart: {
    title: 'Tokens per second',
    scale: '(log)',
    clear: 'Clear the chart',
    axis: 'position in the text (tokens)',
    means: 'Chart of tokens per second against position.',
    counted: 'counted',
    countedMeans: 'Counted: the speeds if a token’s multiply-adds were all that takes time, scaled to fit '
      + 'the measured line (least squares).',
    empty: 'The line grows here with the text: how fast its tokens are computed, against their position.',
    around: (/** @type {number} */ position, /** @type {number} */ on, /** @type {number} */ off) => (
      `Around position ${counted(position)}: ${measured(on)} tokens/s with the cache, ${measured(off)} `
        + `without: ${fastAs(on, off)}.`),
    atFlip: (/** @type {number} */ position, /** @type {number} */ on, /** @type {number} */ off) => (
      `At the flip of the switch, at position ${counted(position)}: ${measured(on)} tokens/s with the cache, `
        + `${measured(off)} without: ${fastAs(on, off)}.`),
    last: (/** @type {Mode} */ mode, /** @type {number} */ speed, /** @type {number} */ position) => (
      `With the cache ${mode}, ${measured(speed)} tokens/s at position ${counted(position)}.`),
    /** In short; either speed may be absent. */
    point: (/** @type {number} */ position, /** @type {Maybe} */ on, /** @type {Maybe} */ off) => {
      const [cached, uncached] = [`${measured(on ?? 0)}/s on`, `${measured(off ?? 0)}/s off`];
      const said = [on !== undefined && cached, off !== undefined && uncached];
      return `At ${counted(position)}: ${said.filter(Boolean).join(', ')}`;
    },
  },

  /** Of a figure: a link to its state, a picture of it. */
  take: {
    copy: { link: 'Copy link to this state', tag: 'Copy this figure as a tag' },
    copied: {
      link: 'The link is on your clipboard.',
      tag: 'The tag is on your clipboard: paste it into a page.',
    },
    field: 'To copy by hand',
    noCopy: 'This browser does not let the page copy. It stands below, selected: copy it by hand.',
    download: (/** @type {string} */ kind) => `Download as ${kind}`,
    saved: (/** @type {string} */ file) => `Saved as ${file}.`,
    noPng: 'This page allows no PNG; an SVG can be had.',
  },

  table: {
    show: 'Show data table',
    group: 'Data of the chart',
    position: 'Position',
    caption: 'Tokens per second by position',
    captionEvery: (/** @type {number} */ step) => (
      `Tokens per second by position, one row for every ${counted(step)} tokens`),
    empty: 'No speeds measured yet',
    counted: (/** @type {string} */ mode) => `${mode}, counted`,
  },

  // ---- the numbers ------------------------------------------------------------------------------
  numbers: {
    caption: 'Measured speeds',
    lines: {
      prefill: { name: 'Prefill', means: 'reading the prompt' },
      now: { name: 'Decode', means: 'writing, now' },
      same: { name: 'Decode', means: 'at the same position' },
      ms: { name: 'Time per token', means: 'now' },
      work: { name: 'Work per token', means: 'tokens computed' },
    },
    readsSource: 'reading the source',
    reused: 'reused',
    reusedMeans: (/** @type {number} */ read) => `only ${tokens(read)} had to be read`,
    prefillMeans: (
      /** @type {number} */ read, /** @type {number} */ ms, /** @type {number} */ error,
      /** @type {number} */ passes,
    ) => `${tokens(read)} in ${measured(ms, error)} ms, all in one pass`
      + `${passes > 1 ? `, the mean of ${counted(passes)} times` : ''}`,
    nowMeans: (/** @type {readonly { tokens: number, ms: number }[]} */ bursts) => (
      'the middle of what was last computed in a row: '
        + bursts.map((burst) => `${tokens(burst.tokens)} in ${measured(burst.ms)} ms`).join(', ')),
    sameAround: (/** @type {number} */ position) => `around position ${counted(position)}`,
    sameAtFlip: (/** @type {number} */ position) => `at the flip of the switch, at position `
      + `${counted(position)}`,
    sameAt: (/** @type {number} */ position) => `at position ${counted(position)}`,
    msMeans: '1 divided by tokens per second, now',
    workMeans: {
      on: 'only the new token runs through the model',
      off: 'the whole text runs through the model again',
    },
  },

  facts: {
    prompt: 'Prompt',
    source: 'Source',
    sourceRead: (/** @type {number} */ count) => `${tokens(count)}, read once`,
    sourceKept: (/** @type {number} */ count) => `${tokens(count)}, still there`,
    sourceMeans: (/** @type {number} */ bytes) => (
      `the encoder has read it; its keys and values, ${counted(bytes)} bytes, lie in a cross cache, which `
        + 'every step reads'),
    computed: (/** @type {number} */ count) => `${tokens(count)}, all computed`,
    computedOn: 'the cache held nothing yet that this prompt begins with',
    computedOff: 'with the cache off, nothing that it holds is used',
    reused: (/** @type {number} */ count, /** @type {number} */ reused) => (
      `${tokens(count)}, ${counted(reused)} reused from the cache`),
    reusedMeans: (/** @type {number} */ count, /** @type {number} */ reused) => (
      `this prompt begins with the same ${tokens(reused)} as the text before: their keys and values were `
        + `still in the cache, and only ${counted(count - reused)} had to run through the model`),
    position: 'Position',
    positionOf: (/** @type {number} */ position, /** @type {number} */ most) => (
      `${counted(position)} of ${counted(most)}`),
    positionPast: (/** @type {number} */ position, /** @type {number} */ slots) => (
      `${counted(position)}; the cache has room for ${counted(slots)}`),
    positionPastMeans: 'tokens in the text so far; when the cache is full, its oldest page goes, but never '
      + 'the first, and the text goes on',
    positionMeans: 'tokens in the text so far, and the most that the model can take',
    memory: 'Cache memory',
    memoryUsed: (/** @type {number} */ used, /** @type {number} */ all) => (
      `${megabytes(used, 2).replace(' MB', '')} of ${megabytes(all, 2)} used`),
    memoryMeans: (/** @type {Memory} */ { layers, heads, numbers, used, room, usedBytes, freedBytes,
      totalBytes }) => (
      `used: 2 (K and V) × ${layers} layers × ${heads} heads × ${tokens(used)} × ${numbers} numbers × 4 `
        + `bytes${freedBytes > 0 ? ` - ${counted(freedBytes)} given back` : ''} `
        + `= ${counted(usedBytes)} bytes; allocated: room for ${tokens(room)}; with the scratch `
        + `space, this session takes ${counted(totalBytes)} bytes`),
    engine: 'Engine',
    engines: {
      relaxed: 'WebAssembly with relaxed SIMD',
      simd: 'WebAssembly with SIMD',
      scalar: 'WebAssembly without SIMD: slower',
    },
    onPage: (/** @type {string} */ build) => (
      `${build}; on the page’s own thread, because it allows no background worker: a little slower`),
    engineMeans: 'the build of the WebAssembly engine that this browser runs; all builds compute the very '
      + 'same numbers',
    pace: 'Display pace',
    paceOf: (/** @type {number} */ speed) => `${counted(speed)} tokens/s`,
    fullSpeed: 'full speed',
    computedAt: (/** @type {number} */ speed) => `computed at ${measured(speed)}`,
    slowedTo: (/** @type {number} */ speed) => `slowed by computing: ${measured(speed)}`,
  },

  // ---- the proof --------------------------------------------------------------------------------
  proof: {
    none: 'Same numbers with and without the cache? Each run is checked here.',
    awaited: 'With and without the cache, are the numbers the same? This is computed once the prompt is '
      + 'read.',
    comparingPrompt: 'Comparing the numbers after the prompt, with the cache and without.',
    comparingText: 'Comparing the numbers at the end, with the cache and without.',
    stopped: 'The comparison at the end was stopped.',
    failed: 'The comparison failed:',
    equal: 'Equal',
    different: 'Different',
    /** These follow the verdict. */
    equalRest: (/** @type {Part} */ of, /** @type {number} */ count) => (
      `: the model’s numbers after ${OF[of]} (${tokens(count)}), computed with the cache and without it, are `
        + 'the same to the last bit.'),
    differentRest: (/** @type {Part} */ of, /** @type {number} */ count) => (
      `: the model’s numbers after ${OF[of]} (${tokens(count)}), computed with the cache and without it. `
        + 'This should not be: please report it.'),
    thisRun: 'this run',
  },
};
