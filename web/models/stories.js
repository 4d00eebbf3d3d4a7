// The shipped model, for loadModel(): where its files are. The addresses are literals, because bundlers find
// files by reading them, and hold here as well as in a bundle one folder deep. They are made when asked for:
// not every script knows its own address.

/** @import { URL as Address } from '../engine/platform.js' */

export const stories = {
  /** @returns {Address} */
  get 'config.json'() {
    return new URL('../models/stories/config.json', import.meta.url);
  },
  /** @returns {Address} */
  get 'generation_config.json'() {
    return new URL('../models/stories/generation_config.json', import.meta.url);
  },
  /** @returns {Address} */
  get 'tokenizer.json'() {
    return new URL('../models/stories/tokenizer.json', import.meta.url);
  },
  /** @returns {Address} */
  get 'tokenizer_config.json'() {
    return new URL('../models/stories/tokenizer_config.json', import.meta.url);
  },
  /** @returns {Address} */
  get 'model.safetensors'() {
    return new URL('../models/stories/model.safetensors', import.meta.url);
  },
};
