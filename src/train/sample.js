// Writes stories with a model directory, 20 prompts x 3 seeds, nothing selected, as Markdown; with the
// engine, the settings and the prompts-as-typed of the page, which repeats each of them:
//
//   node src/train/sample.js [DIR] > build/train/samples.md
import { loadModel } from 'kvcache-wasm';

const PROMPTS = [
  'Once upon a time there was a king who had three daughters.',
  'Once upon a time',
  'Deep in the forest there lived',
  'The fisherman said to his wife,',
  '"Who are you?" asked the fox.',
  'There was once a king who',
  'In a little house by the sea',
  'The old witch looked at the child and said,',
  'The youngest brother opened the door, and',
  'The three children ran down to the river',
  'One winter evening, when the snow',
  'A poor woodcutter had two',
  'The princess would not',
  '"Mother," said the boy, "',
  'The cat sat by the fire and',
  'At midnight the clock',
  'The giant opened the door',
  'A mouse and a lion',
  'The young prince rode out',
  'Far away, beyond the mountains,',
];
const SEEDS = [1, 2, 3];

const model = await loadModel(process.argv[2] ?? new URL('../../web/models/stories/', import.meta.url));
const { temperature, topP, topK, minP, repetitionPenalty, maxNewTokens } = model.generation;
const session = model.createSession();
console.log(
  `At most ${maxNewTokens} tokens at temperature ${temperature}, top-p ${topP}, top-k ${topK || 'off'}, ` +
    `min-p ${minP || 'off'}, repetition penalty ${repetitionPenalty}; prompts in bold, then the seed.`,
);
for (const prompt of PROMPTS) {
  for (const seed of SEEDS) {
    const story = session.generate(prompt, { seed });
    let text = '';
    let step = await story.next();
    for (; !step.done; step = await story.next()) text += step.value.text;
    const lines =
      `**${prompt}** (${seed})${text.trimEnd()}${step.value === 'eos' ? ' (the end)' : ' ...'}`.split('\n');
    console.log(`\n${lines.map((line) => `> ${line}`).join('\n>\n')}`);
  }
}
model.dispose();
