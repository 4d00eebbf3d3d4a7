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
    why: 'All tokens of a prompt are known from the start. They go through the model together, once: '
      + 'nothing is computed twice, so there is nothing to save. Written tokens come one by one, and each '
      + 'needs K and V of all before it: that is what the cache is for. Small differences between the two '
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
      + 'over from the run before.',
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
    question: 'A long prompt is in the cache. You change one word near its beginning and nothing else. Of '
      + 'which tokens are K and V no longer right?',
    answers: ['Of this word.', 'Of this word and the next.', 'Of this word and all behind it.'],
    ask: 'Have a prompt read and answered, then again with another word; and then, a mistake on purpose, '
      + 'with the old K and V of all behind that word.',
    runs: ['Make the king a princess'],
    seen: (
      /** @type {number} */ count, /** @type {number} */ read, /** @type {number} */ kept,
      /** @type {number} */ wrong,
    ) => (
      `For one word, ${counted(read)} of ${tokens(count)} had to be computed again. With the old K and V `
        + `of the ${counted(kept)} behind it, `
        + `${wrong > 0 ? `the answer is wrong from its token ${counted(wrong)} on`
          : 'the answer is the right one all the same, by luck'}.`),
    why: 'From the second layer on, K and V of a token are made of what the token has read in those before '
      + 'it. The changed word is in all of them. Whoever keeps the old ones gets a model that still has '
      + 'the old word in mind.',
    task: 'Do it to the model yourself: type a change of your own into the two prompts, with which the '
      + 'stale answer goes wrong. Both prompts must have the same number of tokens.',
    says: {
      untried: 'With this change it cannot be tried: the view says why.',
      lucky: (/** @type {number} */ distance) => (
        `The stale answer is the right one, by luck: its numbers are off by up to ${measured(distance)}. `
          + 'Change a word that matters more.'),
      passed: (/** @type {number} */ wrong, /** @type {number} */ old) => (
        `The stale answer goes wrong at its token ${counted(wrong)}; its first ${counted(old)} are those `
          + 'of the answer to the old prompt.'),
    },
  },

  limits: {
    title: 'Limit it, free it, break it',
    question: 'The cache holds K and V of 100 tokens. From now on, attention may read only the newest 50. '
      + 'How much memory does this free?',
    answers: ['Half of it.', 'None.', 'Nearly all of it.'],
    ask: 'Limit the reading to nothing: have it write slowly with the cache, switch the cache off in the '
      + 'middle, and press Stop a little later. Then have it write after another prompt, with the cache.',
    runs: ['Write slowly with the cache', 'Write after another prompt'],
    seen: (
      /** @type {number} */ held, /** @type {number} */ length, /** @type {number} */ bytes,
      /** @type {number} */ now,
    ) => (
      `The text had ${tokens(length)}. Nothing read the cache any more, and it still held K and V of `
        + `${counted(held)}: `
        + `${size(bytes)}.${now > 0 ? ` After the run that followed, it holds ${counted(now)}.` : ''}`),
    why: 'Reading fewer rows takes less time. Memory is free only once rows are evicted, so that others '
      + 'can take their place. Here that happens when a prompt does not begin like the text before: '
      + 'whatever stands behind the first difference is dropped.',
    task: 'Rows that are read, dropped or overwritten at the wrong moment make a wrong text. “Break it” '
      + 'has real bugs: find one with which the first 10 tokens still come out right.',
    says: {
      same: 'With this bug, here, all numbers are the right ones. Try another.',
      soon: (/** @type {number} */ count) => (
        `Only ${tokens(count)} came out right. Try another bug.`),
      passed: (/** @type {number} */ count) => (
        `${tokens(count)} came out right, and the cache was wrong all the same. A test with less text `
          + 'never finds it.'),
    },
  },
};
