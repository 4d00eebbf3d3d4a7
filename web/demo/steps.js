// The steps of a run: which tokens' K and V each pass through the model computed. The others it read. Pure.
import { modeOf } from './run.js';

/**
 * @import { Mode } from './curves.js'
 * @import { Run } from './run.js'
 *
 * @typedef {object} Step  one pass through the model: it computes K and V of the tokens from first to end - 1
 * @property {Mode} mode
 * @property {number} first
 * @property {number} end
 */

/**
 * Step 0 reads the prompt, step i writes token i; one after a flip also takes in what the cache had missed.
 * @param {Run} run  whose prompt was read
 * @param {number} first  of the steps that are wanted
 * @returns {Generator<Step>}
 */
export function* stepsFrom(run, first) {
  const { tokens, catchUps } = run;
  let next = 0;
  /** What the cache took in before a step, since the one before. @param {number} step */
  const missedAt = (step) => {
    const position = tokens.at(step - 1)?.position ?? -1;
    let missed = 0;
    for (let each = catchUps.at(next); each && each.position <= position; each = catchUps.at(++next)) {
      missed = Math.max(missed, each.tokens);
    }
    return missed;
  };
  missedAt(first - 1);
  for (let step = first; step <= tokens.length; step++) yield stepAt(run, step, missedAt(step));
}

/**
 * With the cache off again by then, the step computes what was missed anyway.
 * @param {Run} run  @param {number} step  @param {number} [missed]
 * @returns {Step}
 */
export function stepAt({ prefill, tokens }, step, missed = 0) {
  const token = tokens.at(step - 1);
  if (!token) {
    const { cached = false, reused = 0, tokens: end = 0 } = prefill ?? {};
    return { mode: modeOf(cached), first: reused, end };
  }
  const { position, work, cached } = token;
  return { mode: modeOf(cached), first: position + 1 - work - (cached ? missed : 0), end: position + 1 };
}
