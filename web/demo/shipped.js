// The shipped model. A bundler that has taken this script into one of its own finds files, but no folder: so
// the folder is that of the largest file, and where a bundler has put the others is told with each load.
import { absolute } from '../engine/bundlers.js';
import { stories } from '../models/stories.js';
import { assets } from '../worker/assets.js';

/** The address that stands for it. */
export const shippedModel = () => (
  assets.inside?.url ?? new URL('./', absolute(stories['model.safetensors'])).href);

/**
 * What a load needs beside the address of a model, if it is this one.
 * @param {string | undefined} url
 * @returns {{ files?: Record<string, string> }}
 */
export function shippedFiles(url) {
  if (assets.inside || url !== shippedModel()) return {};
  const files = Object.entries(stories).map(([name, file]) => [name, absolute(file).href]);
  return { files: Object.fromEntries(files) };
}
