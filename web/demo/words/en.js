// All that the demo says, in English.
//
// How to add a language, here French:
//   1. Copy de.js and the other de- files to fr.js and so on, and translate what
//      stands in quotes. Keep the names on the left, and all that stands in ${...}. The en files say what is
//      meant. The engine's own messages are English: of the failures, a sentence goes before each.
//   2. Give numbersIn() and `lang` the tag of the language: numbers and days are written accordingly.
//   3. Add the language to DICTIONARIES in index.js, to the lists in the other files that import from a de-
//      file, and its sentence to shell.js.
//   4. Run `npx tsc -p . --noEmit` and `node --test tests/node/words.test.js`: they name what is missing, and
//      what is too long for its place.
//   5. Look at it: <html lang="fr">, 360 pixels wide, before a run, while it writes, and after it.
//
// An entry is a string, or a function that makes a sentence of plain values; which is said when, ../words.js
// decides. Say what the reader sees and may do, in short words: the place for them is narrow.
import { numbersIn } from '../../measure/numbers.js';
import { benchmark } from './en-benchmark.js';
import { figures, tokens } from './en-figures.js';

/**
 * @import { FailureCode } from '../failure.js'
 * @typedef {{ whole: boolean, above: boolean, min: number, max: number }} Allowed  numbers of a setting
 */

const format = numbersIn('en');
const { counted, measured, megabytes, plain } = format;

export const en = {
  lang: 'en',
  format,

  // ---- beside the figure ------------------------------------------------------------------------
  cache: { on: 'cache on', off: 'cache off' },
  tokensPerSecond: (/** @type {number} */ speed) => `${measured(speed)} tokens/s`,
  perSecond: (/** @type {number} */ speed, error = 0) => `${measured(speed, error)} /s`,
  milliseconds: (/** @type {number} */ ms, error = 0) => `${measured(ms, error)} ms`,
  lessThanMilliseconds: (/** @type {number} */ ms) => `less than ${measured(ms)} ms`,

  controls: {
    group: 'Controls',
    cache: 'KV cache',
    switch: { on: 'on', off: 'off' },
    keys: 'Ctrl+Enter in the prompt starts, Esc stops',
    generate: 'Generate',
    downloads: (/** @type {number} */ bytes) => megabytes(bytes),
    stop: 'Stop',
    compare: 'Compare on and off',
    /** bytes: of memory; 0 if it is not known */
    compareMeans: (/** @type {number} */ bytes) => (
      'A race: with the cache and without it, the same story is written at the same time, and the two texts '
        + 'are compared token by token. The second writer loads a copy of the model'
        + `${bytes > 0 ? `, about ${megabytes(bytes, 0)} of memory` : ''}`),
    locked: 'The switch is locked meanwhile.',
  },

  prompt: {
    group: 'Prompt',
    label: 'Begin a story',
    any: 'Begin a text', // for another model than the figure's own
    source: 'A source for it to read', // for one with an encoder
    examples: 'Example beginnings',
    count: (/** @type {number} */ used, /** @type {number} */ room) => `${tokens(used)} of ${counted(room)}`,
    tooMany: (/** @type {number} */ used, /** @type {number} */ room) => (
      `${tokens(used)} of ${counted(room)}: ${counted(used - room)} too many`),
  },

  status: {
    unloaded: 'Press Generate: the model is loaded first, once.',
    loadStopped: 'Loading was stopped.',
    gaveWay: 'Stopped: another figure has started.',
    starting: 'Starting.',
    loading: 'Loading the model.',
    loadingRival: 'Loading a second copy of the model.',
    /** total: 0 if it is not known */
    loadingBytes: (/** @type {number} */ bytes, /** @type {number} */ total) => (
      `Loading the model: ${megabytes(bytes)}${total > 0 ? ` of ${megabytes(total)}` : ''}.`),
    stalled: (/** @type {string} */ file) => `Nothing of ${file} has arrived for 10 seconds.`,
    progress: 'Loading the model',
    ready: 'The model is loaded.',
    prefilling: 'Prefill: reading your prompt.',
    reading: 'The encoder reads your source.',
    writing: {
      on: 'With the cache, only the new token is computed.',
      off: 'Without the cache, every token re-reads the whole text.',
    },
    racing: 'A race: both write the same story at full speed.',
    slowing: 'It is slowing down: every token re-reads the whole text.',
    failed: 'This did not work.',
    waiting: 'The figures below are computing: Generate waits until they have finished.',
    stopped: (/** @type {number} */ written) => `Stopped: ${tokens(written)} written.`,
    finished: (/** @type {number} */ written) => `Finished: ${tokens(written)} written.`,
    over: (/** @type {number} */ written) => `The story is over: ${tokens(written)} written.`,
    full: (/** @type {number} */ written) => `The context is full: ${tokens(written)} written.`,
    retry: 'Try again',
    code: 'Code: ',
  },

  /** What the reader may do next. */
  advice: {
    first: { on: 'It then writes with the cache on.', off: 'It then writes with the cache off.' },
    retry: 'Press Generate to try again.',
    ready: 'Press Generate, or flip the switch.',
    switchOn: 'Switch the cache on.',
    switchOff: 'Switch it off to compare.',
    again: 'Flip the switch to write it again.',
    onward: 'Go on below, or press Generate.',
  },

  /** The one number to remember, in large letters; what it means, in small ones. */
  payoff: {
    none: { large: 'How much faster?', small: 'It is measured here, on your machine.' },
    speed: (/** @type {'on' | 'off'} */ mode, /** @type {number} */ position) => (
      `with the cache ${mode}, at position ${counted(position)}.`),
    times: (/** @type {number} */ times) => `${measured(times)} times as fast`,
    /** on, off: milliseconds */
    raced: (/** @type {number} */ count, /** @type {number} */ on, /** @type {number} */ off) => (
      `${measured(on / 1000)} s instead of ${measured(off / 1000)} s for the same ${tokens(count)}.`),
    speeds: (/** @type {number} */ position, /** @type {number} */ on, /** @type {number} */ off) => (
      `at position ${counted(position)}: ${measured(on)} instead of ${measured(off)} tokens/s.`),
    same: 'Same text: proved equal.',
    different: 'Not the same: please report it.',
  },

  // ---- the story --------------------------------------------------------------------------------
  story: {
    group: 'Story',
    empty: 'The story appears here: your beginning in italics, the model’s words upright.',
    unmeasured: (/** @type {number} */ count) => (
      `Not measured, because this tab was hidden: ${tokens(count)}.`),
    /** time: as milliseconds or lessThanMilliseconds say it */
    caughtUp: (/** @type {number} */ count, /** @type {string} */ time) => (
      `Switched on again, the cache first took in the ${tokens(count)} it had missed: ${time}, not in the `
        + `chart.`),
  },

  /** With the cache and without it at the same time. */
  race: {
    group: 'The two stories',
    progress: { on: 'Written with the cache', off: 'Written without the cache' },
    lane: (/** @type {number} */ count, /** @type {number} */ ms) => (
      `${counted(count)} in ${measured(ms / 1000)} s`),
    ended: (/** @type {number} */ count, /** @type {number} */ ms) => (
      `${counted(count)} after ${measured(ms / 1000)} s`),
    differ: (/** @type {number} */ number) => (
      `The two texts differ from token ${counted(number)} on. This should not be: please report it.`),
    sameSoFar: (/** @type {number} */ count) => `Up to here, both wrote the same ${tokens(count)}.`,
    /** fewer: multiply-adds with the cache; times: as fast */
    fewer: (/** @type {number} */ fewer, /** @type {number} */ times) => (
      `For ${measured(fewer)} times fewer multiply-adds`
        + `${times < fewer ? ', each of which takes longer for one token alone' : ''}.`),
  },

  /** The run that is shown before the reader's first. */
  recorded: {
    /** day: as in 2026-11-25; machine: as in "laptop of 2024, 8 cores" */
    on: (/** @type {string} */ day, /** @type {string} */ machine) => (
      `Recorded ${format.day(day)}: ${machine}.`),
    run: 'Press Generate to run it here.',
    haste: (/** @type {string} */ browser, /** @type {number} */ times) => (
      `A recorded run in ${browser}${times > 1 ? `, shown ${counted(times)} times as fast as it was` : ''}.`),
    tag: '(recorded)',
    /** In place of those of the payoff. */
    payoff: {
      speed: (/** @type {'on' | 'off'} */ mode, /** @type {number} */ position) => (
        `recorded with the cache ${mode}, at position ${counted(position)}.`),
      speeds: (/** @type {number} */ _position, /** @type {number} */ on, /** @type {number} */ off) => (
        `recorded: ${measured(on)} instead of ${measured(off)} tokens/s.`),
    },
    skip: 'Skip',
    replay: 'Replay',
  },

  /** The model, and another one in its place. */
  model: {
    title: 'Model',
    inUse: (/** @type {string} */ name) => `${name}, in place of this page’s own`,
    /** besides: the name of another one, if there is one */
    own: (/** @type {string} */ name, /** @type {string} */ besides) => (
      `${name}, or ${besides && `${besides}, or `}one of yours`),
    absent: (/** @type {string} */ name, /** @type {string} */ absent) => (
      `${name}, because ${absent} is not in this build of one file`),
  },

  sampling: {
    title: 'Sampling',
    means: 'How the next token is drawn from the model’s probabilities. The same seed, prompt and '
      + 'settings always give the same story.',
    /** most: Infinity for as many as fit */
    summary: (/** @type {number} */ seed, /** @type {number} */ temperature, /** @type {number} */ most) => (
      `seed ${plain(seed)}, temperature ${plain(temperature)}, `
        + `${most === Infinity ? 'as many tokens as fit' : tokens(most)}`),
    fits: 'as many as fit',
    wrong: '(a setting needs your attention)',
    reset: 'Back to the model’s own settings',
    newSeed: 'New seed',
    allowed: (/** @type {Allowed} */ { whole, above, min, max }) => (
      `This must be a ${whole ? 'whole number' : 'number'} `
        + `${above ? `above ${plain(min)} and at most` : `from ${plain(min)} to`} ${plain(max)}.`),
    fields: {
      seed: { label: 'Seed', help: 'Where the random numbers start. Another seed, another story.' },
      maxTokens: {
        label: 'Tokens to write',
        help: 'Empty: as many as fit. A run also ends at the end of the story.',
      },
      temperature: {
        label: 'Temperature',
        help: 'Below 1: safer choices; above 1: wilder ones; 0: always the likeliest token.',
      },
      topK: { label: 'Top-k', help: 'Only the k likeliest tokens may be drawn. 0: off.' },
      topP: {
        label: 'Top-p',
        help: 'Only the likeliest tokens that together have this probability. 1: off.',
      },
      minP: {
        label: 'Min-p',
        help: 'Only tokens at least this likely, compared with the likeliest one. 0: off.',
      },
      repetitionPenalty: {
        label: 'Repetition penalty',
        help: 'Above 1: tokens that were already used become less likely. 1: off.',
      },
    },
  },

  ...figures,
  benchmark,

  /** What the demo itself refuses. */
  refusals: {
    promptTooLong: (/** @type {number} */ used, /** @type {number} */ room) => (
      `Your beginning is too long: it has ${tokens(used)}, and the model has room for ${counted(room)}. `
        + `Shorten it to ${Math.floor((100 * room) / used)} % of its length.`),
    setting: 'A sampling setting does not fit this model; it is marked below.',
    race: 'A race needs two background workers, and this page may have none. Write the story with the cache '
      + 'off, and once more with it on.',
    noAddress: (/** @type {string} */ address) => `“${address}” is not the address of a folder with a model.`,
  },
  offline: 'You seem to be offline.',

  /** A part of the figure that is fetched later. */
  later: {
    coming: 'This part of the figure is on its way.',
    /** Firefox asks only once for a module: there, trying again does not help. */
    failed: (/** @type {number} */ times) => (
      `This part of the figure did not arrive.${times > 1 ? ' Load the page again.' : ''}`),
  },

  /**
   * What a failure means, by its code, to stand before the engine's message, which is English: here nothing
   * has to.
   * @type {Partial<Record<FailureCode, string>>}
   */
  failures: {},
};

/** @typedef {typeof en} Dictionary */
