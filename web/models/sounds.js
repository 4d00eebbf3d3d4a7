// The model that says how words are pronounced, for loadModel(): where its files are. See stories.js.

/** @import { URL as Address } from '../engine/platform.js' */

export const sounds = {
  /** @returns {Address} */
  get 'config.json'() {
    return new URL('../models/sounds/config.json', import.meta.url);
  },
  /** @returns {Address} */
  get 'generation_config.json'() {
    return new URL('../models/sounds/generation_config.json', import.meta.url);
  },
  /** @returns {Address} */
  get 'tokenizer.json'() {
    return new URL('../models/sounds/tokenizer.json', import.meta.url);
  },
  /** @returns {Address} */
  get 'tokenizer_config.json'() {
    return new URL('../models/sounds/tokenizer_config.json', import.meta.url);
  },
  /** @returns {Address} */
  get 'model.safetensors'() {
    return new URL('../models/sounds/model.safetensors', import.meta.url);
  },
};
