// The tour's lessons about a run and its memory, in English. `seen` tells what a lesson's own runs have
// shown, `says` what has come of its experiment: both with the numbers that ../lessons/ gives them.
import { numbersIn } from '../../measure/numbers.js';

const { counted, measured, size } = numbersIn('en');
const tokens = (/** @type {number} */ count) => `${counted(count)} token${count === 1 ? '' : 's'}`;
const rows = (/** @type {number} */ count) => `${counted(count)} row${count === 1 ? '' : 's'}`;
const round = (/** @type {number} */ count) => counted(Math.round(count));

export const runs = {
  flip: {
    title: 'Flip it',
    question: 'A story is written without the cache, and the writing slows down. In the middle you switch '
      + 'the cache on. What changes?',
    answers: [
      'Only the speed.', 'The speed; and the story goes on differently.',
      'The speed; and the story gets a little worse.',
    ],
    ask: 'Start without the cache. When the writing crawls, flip the switch.',
    runs: ['Write without the cache'],
    seen: (/** @type {number} */ position, /** @type {number} */ off, /** @type {number} */ on) => (
      `At position ${counted(position)}: ${measured(off)} tokens per second without the cache, `
        + `${measured(on)} with it.`),
    why: 'K and V of a token are the same numbers, whether they were kept or computed again. So the cache '
      + 'decides how soon a token comes, never which one. The proof compares the model’s output numbers '
      + 'both ways, bit for bit.',
    task: 'Can you make the two ways write different stories? Type a beginning of your own, press '
      + 'Generate, flip the switch in the middle, and wait for the end.',
    says: {
      theirs: 'That was the lesson’s beginning. Type one of your own.',
      notFlipped: 'Only one of the two ways has written. Flip the switch while it runs.',
      unproved: 'The numbers are being compared.',
      different: (/** @type {number} */ count) => (
        `They differ, after ${tokens(count)}. This should not be: please report it.`),
      passed: (/** @type {number} */ count) => (
        `You cannot: after ${tokens(count)} of your own story, both ways give the same numbers, bit for `
          + 'bit.'),
    },
  },

  again: {
    title: 'What is computed again',
    question: 'Your text has 100 tokens, and the cache is off. For how many of them does one more step '
      + 'compute K and V?',
    answers: ['For the new one only.', 'For the new one and its neighbours.', 'For all of them.'],
    ask: 'Have 100 tokens written without the cache, and watch what each step computes.',
    runs: ['Write 100 tokens without the cache'],
    seen: (/** @type {number} */ cells, /** @type {number} */ length) => (
      `For a text of ${tokens(length)}, K and V of a token were computed ${counted(cells)} times; `
        + `${counted(length)} times would do. The other ${counted(cells - length)} were repeats.`),
    why: 'Without the cache, a step forgets K and V as soon as it has its token. The next step needs those '
      + 'of every token before it, and computes them all again: each row of the triangle is one step, and '
      + 'one cell longer than the row above.',
    task: 'Make it four times as much work. How many tokens do you have to write? Set “Tokens to write” '
      + 'under “Sampling”, leave the cache off, and come within a tenth.',
    says: {
      cached: 'Some of this was written with the cache. Leave the switch off.',
      other: (/** @type {number} */ count, /** @type {number} */ cells, /** @type {number} */ times) => (
        `${tokens(count)} written: K and V computed ${counted(cells)} times, ${measured(times)} times as `
          + 'often as in the lesson’s run. It should be 4 times.'),
      passed: (/** @type {number} */ count, /** @type {number} */ cells, /** @type {number} */ times) => (
        `${tokens(count)} written: K and V computed ${counted(cells)} times, ${measured(times)} times as `
          + 'often. Twice the text is four times the work.'),
    },
  },

  kept: {
    title: 'What is kept',
    question: 'In each layer, a token becomes a query Q, a key K and a value V. Q is compared with every '
      + 'K; that gives the attention, which says how much of each V is taken. What does the cache keep?',
    answers: ['Q, K and V.', 'K and V.', 'The attention.', 'What the last layer made of the token.'],
    ask: 'Have a few tokens written slowly, with the cache, and watch Q, K and V.',
    runs: ['Write 24 tokens slowly'],
    seen: (
      /** @type {number} */ count, /** @type {number} */ layers, /** @type {number} */ heads,
      /** @type {number} */ numbers,
    ) => (
      `The cache holds K and V of ${tokens(count)}: ${rows(count)} of ${counted(numbers)} numbers each, in `
        + `each of ${counted(layers)} layers and for each of ${counted(heads)} heads.`),
    why: 'A new token adds one row to K and one to V, at the bottom. Nothing grows wider, and the rows '
      + 'above stay as they are. Q is needed once, by its own token, and so is the attention it gives: '
      + 'the next token asks anew, with a Q of its own.',
    task: 'End a run so that the cache holds exactly 64 tokens. Mind your prompt: it has brought some of '
      + 'them.',
    says: {
      off: 'With the cache off, a run keeps nothing. Switch it on.',
      other: (/** @type {number} */ count) => `The cache holds ${tokens(count)}. It should be 64.`,
      passed: (/** @type {number} */ read, /** @type {number} */ written) => (
        `64 tokens: ${counted(read)} of the prompt and ${counted(written)} that were written. The cache `
          + 'makes no difference between them.'),
    },
  },

  free: {
    title: 'A cached step is not free',
    question: 'With the cache on, each step computes a single token. Does a step at position 900 cost the '
      + 'same as one at position 100?',
    answers: [
      'Yes: one token is one token.', 'No: it costs somewhat more.', 'No: it costs nine times as much.',
    ],
    ask: 'Have it write with the cache until the context is full.',
    runs: ['Write with the cache until it is full'],
    seen: (
      /** @type {number} */ early, /** @type {number} */ earlySpeed, /** @type {number} */ earlyWork,
      /** @type {number} */ late, /** @type {number} */ lateSpeed, /** @type {number} */ lateWork,
    ) => (
      `At position ${counted(early)}: ${measured(earlySpeed)} tokens per second and, counted, `
        + `${round(earlyWork)} multiply-adds a token. At position ${counted(late)}: `
        + `${measured(lateSpeed)} tokens per second and ${round(lateWork)}.`),
    why: 'The cache saves you from computing the past, not from reading it: the newest Q is compared with '
      + 'every row of K, and takes its share of every row of V. That part grows with each token. All the '
      + 'rest of the step is the same at every position.',
    task: 'Where does a step with the cache cost a tenth more multiply-adds than the very first? End a run '
      + 'there, within half a percentage point.',
    says: {
      off: 'This is about steps with the cache. Have all of the run written with it.',
      other: (/** @type {number} */ position, /** @type {number} */ percent) => (
        `At position ${counted(position)} a step costs ${measured(percent)} % more than the first. It `
          + 'should be 10 %.'),
      passed: (/** @type {number} */ position, /** @type {number} */ percent) => (
        `At position ${counted(position)} a step costs ${measured(percent)} % more. At twice the position `
          + 'it is about twice as much.'),
    },
  },

  memory: {
    title: 'What it costs',
    question: 'The cache keeps K and V of each token in memory. How much memory is that, beside the '
      + 'characters of the token?',
    answers: ['About as much.', 'Many times as much.', 'As much as the whole model.'],
    ask: 'Have 200 tokens written with the cache, and watch its memory fill.',
    runs: ['Write 200 tokens with the cache'],
    seen: (
      /** @type {number} */ letters, /** @type {number} */ bytes, /** @type {number} */ count,
      /** @type {number} */ total,
    ) => (
      `A token has ${measured(letters)} characters here, and takes ${counted(bytes)} bytes in the cache. `
        + `${tokens(count)} take ${size(total)}.`),
    why: 'Each token has its own K and V in every layer and for every head of keys and values. The cache '
      + 'grows with every token because all later ones will read it. Large models save in two ways: '
      + 'several heads of Q share one K and V (GQA), and numbers are kept in 16 or 8 bits. Try both in '
      + 'the calculator.',
    task: 'Write two different stories, one after the other and both with the cache, whose caches take '
      + 'exactly the same memory.',
    says: {
      off: 'Have all of it written with the cache.',
      first: (/** @type {number} */ bytes) => `The first takes ${size(bytes)}. Now another story.`,
      other: (/** @type {number} */ bytes, /** @type {number} */ earlier) => (
        `This one takes ${size(bytes)}, the one before it took ${size(earlier)}.`),
      same: (/** @type {number} */ bytes) => `Both take ${size(bytes)}, but it is the same story.`,
      passed: (/** @type {number} */ bytes) => (
        `Both take ${size(bytes)}: what counts is how many tokens there are, not what they say.`),
    },
  },
};
