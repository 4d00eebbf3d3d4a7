// The second storyteller, a Llama, for loadModel(): where its files are. See stories.js.

/** @import { URL as Address } from '../engine/platform.js' */

export const tales = {
  /** @returns {Address} */
  get 'config.json'() {
    return new URL('../models/tales/config.json', import.meta.url);
  },
  /** @returns {Address} */
  get 'generation_config.json'() {
    return new URL('../models/tales/generation_config.json', import.meta.url);
  },
  /** @returns {Address} */
  get 'tokenizer.json'() {
    return new URL('../models/tales/tokenizer.json', import.meta.url);
  },
  /** @returns {Address} */
  get 'tokenizer_config.json'() {
    return new URL('../models/tales/tokenizer_config.json', import.meta.url);
  },
  /** @returns {Address} */
  get 'model.safetensors'() {
    return new URL('../models/tales/model.safetensors', import.meta.url);
  },
};
