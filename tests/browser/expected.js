// What Node writes with the shipped model, which every engine and every build of the figure has to write too.
import { loadModel } from 'kvcache-wasm';

/** As it stands in the field. */
export const PROMPT = 'Once upon a time there was a king who had three daughters.';
export const SEED = 11;
export const TOKENS = 80;

/** The text, that of its first tokens, and the hash of the last logits. */
async function writtenHere() {
  const model = await loadModel('dist/models/stories', { variant: 'scalar' });
  const session = model.createSession();
  const texts = [];
  const tokens = session.generate(PROMPT, { maxTokens: TOKENS, seed: SEED });
  for await (const { text } of tokens) texts.push(text);
  const hash = session.logitsHash;
  model.dispose();
  return { text: texts.join(''), first: (count) => texts.slice(0, count).join(''), hash };
}

export const written = await writtenHere();
