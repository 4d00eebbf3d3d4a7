// The values that the sampler takes: one table, for generation_config.json and for the options of generate().
// The engine counts in float32, so a number that becomes 0 there is 0.

/**
 * @typedef {'temperature' | 'topK' | 'topP' | 'minP' | 'repetitionPenalty'} SamplingName
 * @typedef {{ holds: (x: number) => boolean, range: string }} Range  `range` says the same in words
 */

const MOST = 1e6;

/** @type {Readonly<Record<SamplingName, Range>>} */
export const SAMPLING_RANGES = Object.freeze({
  temperature: { holds: (x) => x >= 0 && x <= MOST, range: 'from 0 (greedy) to 1e6' },
  topK: { holds: (x) => Number.isInteger(x) && x >= 0 && x < 2 ** 32, range: 'a whole number below 2^32' },
  topP: { holds: (x) => Math.fround(x) > 0 && x <= 1, range: 'above 0 and at most 1' },
  minP: { holds: (x) => x >= 0 && x <= 1, range: 'between 0 and 1' },
  // Below, a logit divided by it could become infinite.
  repetitionPenalty: { holds: (x) => x >= 1 / MOST && x <= MOST, range: 'from 1e-6 to 1e6' },
});

/**
 * What changes the logits before the sampler takes them, and when a text may end.
 * @typedef {'frequencyPenalty' | 'presencePenalty' | 'noRepeatNgramSize' | 'minTokens'} SettingName
 * @type {Readonly<Record<SettingName | 'logitBias', Range>>}
 */
export const SETTING_RANGES = Object.freeze({
  frequencyPenalty: { holds: (x) => Math.abs(x) <= MOST, range: 'from -1e6 to 1e6' },
  presencePenalty: { holds: (x) => Math.abs(x) <= MOST, range: 'from -1e6 to 1e6' },
  noRepeatNgramSize: { holds: isWhole, range: 'a whole number from 0 (off) on' },
  minTokens: { holds: isWhole, range: 'a whole number from 0 on' },
  logitBias: { holds: (x) => Math.abs(x) <= MOST || x === -Infinity,
    range: 'from -1e6 to 1e6, or -Infinity' },
});

/** @param {number} x */
function isWhole(x) {
  return Number.isInteger(x) && x >= 0 && x < 2 ** 31;
}
