// How a request ends that may be stopped halfway: a stop is one of its endings, not a failure.
import { KvcError } from '../index.js';

/** @template {string} R @param {Promise<R>} work  @returns {Promise<R | 'stopped'>} */
export async function endingOf(work) {
  try {
    return await work;
  } catch (error) {
    if (error instanceof KvcError && error.code === 'aborted') return 'stopped';
    throw error;
  }
}
