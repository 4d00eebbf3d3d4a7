// What the benchmark says, in English.
import { numbersIn } from '../../measure/numbers.js';

const { counted, measured } = numbersIn('en');

/**
 * @typedef {'f32' | 'int8'} Weights
 * @typedef {{ weights: Weights, context: number, types?: readonly string[] }} Step  types: of caches
 */

const bits = { f32: 'weights of 32 bits', int8: 'weights of 8 bits' };

export const benchmark = {
  stop: 'Stop',
  blocked: 'A story is being written: stop it, or wait until it has ended.',
  progress: 'Share of the benchmark that is done',

  // How far it is.
  idle: 'Nothing leaves your machine. A large model takes longer.',
  interrupted: 'Stopped before anything was measured.',
  loading: 'Getting ready.',
  running: 'Measuring.',
  step: (/** @type {Step} */ { weights, context, types }, /** @type {number} */ percent) => (
    types ? `Measuring caches of ${types.join(', ')}: ${percent} % done.`
      : `Measuring ${bits[weights]} after ${counted(context)} tokens: ${percent} % done.`),
  second: (/** @type {Weights} */ weights) => (
    `Half of it is done: loading the model once more, with ${bits[weights]}.`),
  failed: 'This did not work.',
  failedLate: 'This did not work to its end; what was finished is below.',
  stopped: 'Stopped: what was finished is below.',
  done: 'Measured.',
  /** Tokens per second after a context; uncached: absent if that takes too long. */
  found: (
    /** @type {number} */ context, /** @type {number} */ cached, /** @type {number | undefined} */ uncached,
    /** @type {number} */ patienceMs,
  ) => {
    const after = `After ${counted(context)} tokens, your machine writes`;
    const on = `${after} ${measured(cached)} tokens per second with the cache`;
    return uncached === undefined ? `${on}; without it, one token takes longer than ${patienceMs / 1000} s.`
      : `${on} and ${measured(uncached)} without it.`;
  },
};
