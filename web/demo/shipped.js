// The shipped storytellers. A bundler that has taken this script into one of its own finds files, but no
// folder: so the folder is that of the largest file, and where a bundler has put the others is told with each
// load. A build with everything inside has the first of them.
import { absolute } from '../engine/bundlers.js';
import { stories } from '../models/stories.js';
import { tales } from '../models/tales.js';
import { assets } from '../worker/assets.js';
import { SHIPPED } from './attributes.js';

/** @import { Shipped } from './attributes.js' */

/** Where theirs are. */
export const FILES = { stories, tales };

/** Those that this build has. */
export const shippedHere = () => (assets.inside ? SHIPPED.slice(0, 1) : SHIPPED);

/** The one that is meant, or the first where this build does not have it. @param {Shipped} name */
export const shippedFor = (name) => (shippedHere().includes(name) ? name : SHIPPED[0]);

/** The address that stands for it. @param {Shipped} name */
export const shippedModel = (name) => (
  assets.inside?.url ?? new URL('./', absolute(FILES[name]['model.safetensors'])).href);

/** Which of them has this address. @param {string | undefined} url */
export const shippedAt = (url) => shippedHere().find((name) => shippedModel(name) === url);

/**
 * What a load needs beside the address of a model, if it is one of these.
 * @param {string | undefined} url
 * @returns {{ files?: Record<string, string> }}
 */
export function shippedFiles(url) {
  const name = assets.inside ? undefined : shippedAt(url);
  if (!name) return {};
  const files = Object.entries(FILES[name]).map(([file, address]) => [file, absolute(address).href]);
  return { files: Object.fromEntries(files) };
}
