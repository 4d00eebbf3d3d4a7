// The tour's lessons about prompts and limits, in English; as en-lessons.js.
import { numbersIn } from '../../measure/numbers.js';

const { counted, measured, size } = numbersIn('en');
const tokens = (/** @type {number} */ count) => `${counted(count)} token${count === 1 ? '' : 's'}`;

export const prompts = {
  phases: {
    title: 'Prefill and decode',
    question: 'A run first reads your prompt (prefill), then it writes token by token (decode). The cache '
      + 'is empty, and you switch it on: what gets faster?',
    answers: ['Reading and writing.', 'Only reading.', 'Only writing.'],
    ask: 'Have the same written twice: first without the cache, then with it.',
    runs: ['Write without the cache', 'Write the same with the cache'],
    seen: (
      /** @type {number} */ count, /** @type {number} */ readOff, /** @type {number} */ readOn,
      /** @type {number} */ reused, /** @type {number} */ writeOff, /** @type {number} */ writeOn,
    ) => (
      `Reading the prompt of ${tokens(count)}: ${measured(readOff)} ms without the cache, `
        + `${measured(readOn)} ms with `
        + `it${reused > 0 ? `, where ${counted(reused)} of them were still there from before` : ''}. `
        + `Writing a token: ${measured(writeOff)} ms without, ${measured(writeOn)} ms with it.`),
    why: 'All tokens of a prompt are known from the start. They go through the model together, once, and '
      + 'there is nothing from before that could be kept. Written tokens come one by one, and each needs '
      + 'K and V of all before it: that is what the cache is for. Small differences between the two '
      + 'readings are the machine’s.',
    task: 'With the cache on, make a run of which reading takes longer than writing. Write at least 10 '
      + 'tokens. What the cache still has is not read again: begin with another word.',
    says: {
      off: 'Have all of it written with the cache.',
      few: (/** @type {number} */ count) => `Only ${tokens(count)} written. Write at least 10.`,
      unmeasured: 'Not all of it could be measured. Once more, please.',
      other: (
        /** @type {number} */ read, /** @type {number} */ readMs, /** @type {number} */ written,
        /** @type {number} */ writeMs,
      ) => (
        `Reading ${tokens(read)} took ${measured(readMs)} ms, writing ${counted(written)} took `
          + `${measured(writeMs)} ms.`),
      passed: (
        /** @type {number} */ read, /** @type {number} */ readMs, /** @type {number} */ written,
        /** @type {number} */ writeMs,
      ) => (
        `Reading ${tokens(read)} took ${measured(readMs)} ms, writing ${counted(written)} took `
          + `${measured(writeMs)} ms. With long questions and short answers, most of the waiting is for `
          + 'prefill.'),
    },
  },

  prompts: {
    title: 'KV cache and prompt cache',
    question: 'A run is over, and K and V of its text are still in the cache. You change the last word of '
      + 'the prompt and press Generate. How much of the prompt has to be read?',
    answers: ['All of it.', 'From the changed word on.', 'Nothing: it is all in the cache.'],
    ask: 'Have it write after a prompt, then after the same one with another last word.',
    runs: ['Write after the prompt', 'Change the last word and write again'],
    seen: (/** @type {number} */ count, /** @type {number} */ reused, /** @type {number} */ read) => (
      `Of ${tokens(count)} of the prompt, ${counted(reused)} were still in the cache, and ${counted(read)} `
        + 'had to be read.'),
    why: 'Within a run, a KV cache saves work from one token to the next. A prompt cache is the same K and '
      + 'V, kept for the next request: what two texts have in common, token by token from the first one '
      + 'on, is taken over. Providers call these “cached tokens”: all up to the first one that differs.',
    task: 'Find a prompt of your own, other than the one before it, of which more than 20 tokens are taken '
      + 'over.',
    says: {
      off: 'With the cache off, nothing of it is used. Switch it on.',
      unchanged: 'The prompt before it was the same, or there was none. Change something, and write again.',
      other: (/** @type {number} */ count, /** @type {number} */ reused) => (
        `Of ${tokens(count)}, ${counted(reused)} were taken over. It should be more than 20.`),
      passed: (/** @type {number} */ count, /** @type {number} */ reused) => (
        `Of ${tokens(count)}, ${counted(reused)} were taken over: as far as it begins like the text before.`),
    },
  },

  early: {
    title: 'Change one early word',
    question: 'A long prompt is in the cache. You change its second word and nothing else. Of which tokens '
      + 'are K and V no longer right?',
    answers: ['Of this word.', 'Of this word and the next.', 'Of this word and all behind it.'],
    ask: 'Have it write after a prompt, then after the same one with another word at its beginning.',
    runs: ['Write about a king', 'Make him a dog and write again'],
    seen: (/** @type {number} */ count, /** @type {number} */ reused, /** @type {number} */ read) => (
      `One word was changed. Of ${tokens(count)} of the prompt, ${counted(reused)} were taken over and `
        + `${counted(read)} read again.`),
    why: 'From the second layer on, K and V of a token are made of what the token has read in those before '
      + 'it. The changed word is in all of them. Whoever keeps the old ones gets a model that still has '
      + 'the old word in mind.',
    task: 'Change a single word of the prompt so that at least 20 tokens have to be read again.',
    says: {
      off: 'With the cache off, all of it is read each time. Switch it on.',
      unchanged: 'The prompt is the same as before. Change one word of it.',
      many: 'More than one word is another one now. Change a single word, and write again.',
      few: (/** @type {number} */ read) => (
        `Only ${tokens(read)} had to be read again. Go further to the front.`),
      passed: (/** @type {number} */ read, /** @type {number} */ count) => (
        `For one word, ${counted(read)} of ${tokens(count)} were read again: all from the word on.`),
    },
  },

  limits: {
    title: 'Limit it, free it, break it',
    question: 'The cache holds K and V of 100 tokens. From now on, attention may read only the newest 50. '
      + 'How much memory does this free?',
    answers: ['Half of it.', 'None.', 'Nearly all of it.'],
    ask: 'Limit the reading to nothing: have it write slowly with the cache, switch the cache off in the '
      + 'middle, and press Stop a little later.',
    runs: ['Write slowly with the cache'],
    seen: (/** @type {number} */ held, /** @type {number} */ length, /** @type {number} */ bytes) => (
      `The text has ${tokens(length)}. Nothing reads the cache any more, and it still holds K and V of `
        + `${counted(held)}: ${size(bytes)}.`),
    why: 'Reading fewer rows takes less time. Memory is free only once rows are evicted, so that others '
      + 'can take their place. Here that happens when a prompt does not begin like the text before: '
      + 'whatever comes behind the first difference is dropped.',
    task: 'Now free it: with the cache on, make a run at whose end the cache holds 20 tokens at most.',
    says: {
      many: (/** @type {number} */ held) => `The cache holds ${tokens(held)}. At most 20 may be left.`,
      passed: (/** @type {number} */ held) => (
        `The cache holds ${tokens(held)}. K and V of all others are dropped, and their place is free.`),
    },
  },
};
