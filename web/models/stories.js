// The shipped model, for loadModel(): where its files are. The addresses are literals, because bundlers find
// files by reading them, and hold here as well as in a bundle one folder deep.
export const stories = {
  'config.json': new URL('../models/stories/config.json', import.meta.url),
  'generation_config.json': new URL('../models/stories/generation_config.json', import.meta.url),
  'tokenizer.json': new URL('../models/stories/tokenizer.json', import.meta.url),
  'tokenizer_config.json': new URL('../models/stories/tokenizer_config.json', import.meta.url),
  'model.safetensors': new URL('../models/stories/model.safetensors', import.meta.url),
};
