// What the lab says, in English.
import { numbersIn } from '../../measure/numbers.js';

const { counted, size } = numbersIn('en');

export const lab = {
  title: 'Break it',
  means: 'Real bugs of KV caches, each planted into the engine that writes here: the right engine and the '
    + 'broken one get the same prompt, seed and settings.',
  choose: 'The bug',
  go: 'Break it',
  again: 'Once more',
  stop: 'Stop',
  /** On the button, the first time. */
  downloads: (/** @type {number} */ bytes) => size(bytes),
  blocked: 'Something else is being computed: stop it, or wait until it has ended.',
  /** Of a model without a table of positions. */
  unfit: 'This bug is about a table of learned positions. The model that you have chosen has none: it turns '
    + 'its queries and keys by their positions.',
  encoder: 'The model that you have chosen reads a source with an encoder; these bugs are shown with models '
    + 'that go on with a prompt.',
  loading: 'Loading the engine with the bugs.',
  writing: 'Both engines write.',
  stopped: 'Stopped.',
  failed: 'This did not work.',
  empty: 'Choose a bug and press the button.',

  // ---- about a bug ------------------------------------------------------------------------------
  threads: 'Public thread:',
  line: 'The line, right and wrong',
  tests: 'Caught here by',
  showing: 'What brings it out:',

  // ---- what came of it --------------------------------------------------------------------------
  right: 'right',
  wrong: 'with the bug',
  firstWrong: 'first wrong token',
  missing: 'nothing more came',
  crashed: (/** @type {string} */ code) => `The engine gave up: ${code}.`,
  different: 'Not the same numbers',
  differentRest: (/** @type {number} */ position) => ` from token ${counted(position)} of the text on.`,
  same: 'The same numbers',
  sameRest: ' all along: with this prompt and these settings the bug does not show.',
  none: 'No logits',
  axis: 'position in the text',
  scale: 'Largest difference of two logits, the right story read by both',
  zero: '0',
  noLogits: (/** @type {number} */ position) => (
    `With the bug there are no logits for token ${counted(position)}, and nothing more can be written.`),
  /** position: of the first token whose logits are wrong; token: of the first wrong one */
  said: (/** @type {number} */ position, /** @type {number | undefined} */ token,
    /** @type {number} */ steps) => {
    const numbers = `The logits of token ${counted(position)} are the first that differ`;
    if (token === undefined) return `${numbers}; the ${counted(steps)} tokens are still the same.`;
    if (token === position) return `${numbers}, and the token is at once another one.`;
    return `${numbers}; the first other token is number ${counted(token)}.`;
  },
  table: {
    caption: 'Both stories, token by token, and the largest difference of two logits',
    position: 'Position', right: 'Right', wrong: 'With the bug', difference: 'Difference',
  },

  /** By scenario. */
  scenarios: {
    plain: 'nothing but reading the prompt and writing on.',
    chunks: 'the prompt is read in two parts.',
    rewind: 'twenty tokens are written behind the prompt and taken back before the story begins.',
    again: 'something is written, and then the same prompt comes once more.',
    edit: 'the cache holds a prompt about sons and Hans, which is then changed to daughters and Rose.',
    beams: 'two texts change places, in a cache of 16-bit numbers, as beams do.',
    fork: 'two texts go on from one beginning.',
    batch: 'two stories are written in one batch; the first is shown.',
    slide: 'after twenty tokens the cache is full, and its older half has to go. The right engine refuses to '
      + 'move what has learned positions, so the newer half is read again.',
  },

  /** By id: its name, and three sentences: how it happens, what it does, whom it bit. */
  bugs: {
    B1: {
      name: 'Always position 0',
      how: 'With a cache the model gets one token at a time, and code that numbers what it gets from 0 '
        + 'tells every new token that it is the first. The words come, but their order is lost. open_lm '
        + 'needed an extra offset for this when it got its cache.',
    },
    B3: {
      name: 'The beginning is not stored',
      how: 'To compute and to store are two steps, and for what begins the text the second is left out. '
        + 'Every later token looks at empty slots where the prompt should be. In TrenTorch the slot of the '
        + 'first token stayed zero, and its tests could not fail.',
    },
    B4: {
      name: 'A token that misses itself',
      how: 'A token looks at all before it and at itself; if the cache is read before the new token counts '
        + 'as stored, it misses its own key and value. The text stays fluent and is another one. '
        + 'TinyTorch, of the Harvard book on machine learning systems, left the current token out in this '
        + 'way.',
    },
    B7: {
      name: 'The prompt sees its future',
      how: 'A single new token needs no mask, so the mask is left out wherever there is a cache. But the '
        + 'prompt is read with a cache too, and then each of its tokens sees those after it. In TinyLLM '
        + 'the training loss was low, and what it wrote was garbage.',
    },
    B8: {
      name: 'A mask that forgets the past',
      how: 'When a prompt is read in parts, the mask has to begin after what is cached already. If it '
        + 'begins in the upper left corner, the second part hardly sees the first. It was in the reference '
        + 'that executorch tests against, and in hyprstream after each hit in its prefix cache.',
    },
    B9: {
      name: 'Wrong at the edge of a block',
      how: 'Kernels go through the cache in blocks, and a last block with a single token is easily lost. '
        + 'One token in sixteen goes wrong, and a short test never gets there. In tt-metal a mask leaks '
        + 'once 64 tokens are cached, the block of its kernel.',
    },
    B11: {
      name: 'Padding takes part',
      how: 'The texts of a batch differ in length, and the shorter ones are padded. Without a mask for it, '
        + 'each row looks at slots that hold nothing of its text. In exllamav2 batches came out weird: '
        + 'positions need an offset there, and every layer a mask.',
    },
    B14: {
      name: 'Sliding with learned positions',
      how: 'When the context is full, the oldest entries are dropped and the others move up. But their keys '
        + 'and values were computed with their old positions, which new tokens now take as well. The '
        + 'makers of MEDS_EIC_AR found every such slide invalid: the text has to be read again.',
    },
    B17: {
      name: 'Stale after an edit',
      how: 'The cache is kept because the new prompt looks like the old one, and nobody compares the '
        + 'tokens. Words that are gone live on in their keys and values, and the story tells of them. A '
        + 'recipe of Hugging Face for reusing a prompt kept an entry whose token had changed, and wrote '
        + 'other texts than without a cache.',
    },
    B18: {
      name: 'One token too many reused',
      how: 'Two prompts have a beginning in common, and it is counted one token too long. The first token '
        + 'that was changed is then taken from the old text. Seams are hard to see in words: llama.cpp’s '
        + 'server got the same text back as other tokens.',
    },
    B19: {
      name: 'All cached, nothing to say',
      how: 'The same prompt comes again, and all of it is in the cache. Nothing is left to compute, so '
        + 'there are no logits to draw a token from; the last token at least has to be read again. ax-llm '
        + 'met this when a user sent a prompt twice.',
    },
    B20b: {
      name: 'A rejected draft stays',
      how: 'Speculative decoding writes some tokens on trial and takes the rejected ones back. One too few, '
        + 'and the text goes on after a token that nobody sees. mlx-lm wrote corrupted texts where a cache '
        + 'could not be rewound and rejected tokens stayed in it.',
    },
    B21: {
      name: 'Stale keys behind the cursor',
      how: 'To rewind, code moves a cursor and leaves the old keys where they are. Whoever then reads whole '
        + 'pages, reads them too. In mlx-lm trimming a rotating cache left such keys in reach of the next '
        + 'tokens.',
    },
    B22a: {
      name: 'Beams move, the cache does not',
      how: 'Beam search swaps its texts at each step, and their caches have to follow. If one kind of cache '
        + 'is forgotten, here that of 16-bit numbers, a text goes on with the memory of another. In '
        + 'transformers the quantised part stayed where it was.',
    },
    B25: {
      name: 'Padding in the softmax',
      how: 'Vector code likes round lengths, so the sum of the softmax runs over some slots more. What lies '
        + 'there is nobody’s token, but it gets its share of the weight. llama.cpp clears its cache '
        + 'because padded keys may span old data.',
    },
  },
};
