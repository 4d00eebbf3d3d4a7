// Sessions whose tokens can leave the cache, one page after the other or by evict(): which models can have
// them, and how many tokens a timeline then has room for.
import { POLICY_NAMES } from '../cache/options.js';
import { PAGE } from '../engine/page.js';
import { areCounts, checkChoice, invalid, isCount, shown } from '../engine/arguments.js';
import { KvcError } from '../engine/errors.js';
import { saveState } from './state.js';

/**
 * @import { Policy } from '../cache/options.js'
 * @import { Config } from '../config/config.js'
 * @import { NativeSession } from './native-session.js'
 */

const MOST_TEXT = 2 ** 24; // tokens; each takes 12 bytes, beside the cache
const FIRST_TEXT = 4096;   // and so many more than the cache there is room for at first

/** Why tokens of a model cannot leave the cache; undefined if they can. @param {Readonly<Config>} config */
function against({ rotary, encoder, window }) {
  if (encoder?.buckets) return 'What the cache holds of a token of this model came from all before it';
  if (encoder) return 'The position of a token is part of every cached key and value of this model';
  if (!rotary) {
    return 'This model learned a vector for each position, and every cached key and value holds its part of '
      + 'it: a token cannot move to another position';
  }
  return window && 'Layers of this model have a window of their own, which passes by itself';
}

/**
 * @param {{ capacity: number, grows: boolean, sinks: unknown, evict: Policy, recent?: number }} given
 * @param {Readonly<Config>} config
 * @returns {{ capacity: number, most: number, sinks: number, policy: Policy, recent: number }}  the first
 *   three in whole pages
 */
export function slidingOptions({ capacity, grows, sinks, evict, recent }, config) {
  const reason = against(config);
  if (reason) {
    throw new KvcError('unsupported', `${reason}, so the oldest ones cannot be dropped. Choose "stop" or `
      + '"error", and when the session is full, give the part of the text that matters to sync() or '
      + 'generate().');
  }
  if (grows) throw invalid('A session that slides has a capacity, not "grow".');
  const slots = capacity - capacity % PAGE;
  const stay = isCount(sinks) ? Math.ceil(sinks / PAGE) * PAGE : NaN;
  if (!(stay <= slots - PAGE)) {
    throw invalid(`A session of capacity ${capacity} that slides cannot have ${shown(sinks)} sinks: in pages `
      + `of ${PAGE} tokens, one has to be left beside them.`);
  }
  checkChoice('evict', evict, POLICY_NAMES);
  const most = evict === 'oldest' ? 0 : slots - stay - PAGE;
  const newest = recent ?? Math.min(most, Math.floor(3 * (slots - stay) / 4));
  if (!isCount(newest) || newest > most) {
    throw invalid(`recent is ${shown(newest)}; with evict "${evict}" and ${stay} sinks in a session of `
      + `capacity ${slots} it must be a whole number from 0 to ${most}.`);
  }
  return { capacity: slots, most: slots, sinks: stay, policy: evict, recent: newest };
}

/** Tokens of a text that such a session begins with room for. @param {number} capacity */
export const textFor = (capacity) => capacity + FIRST_TEXT;

/** Tokens that the timeline can have. @param {NativeSession} native */
export const mostTokens = (native) => (
  native.mode === 'slide' ? MOST_TEXT : Math.min(native.most + goneOf(native), MOST_TEXT));

/**
 * Slots that a text of so many tokens takes once it was written.
 * @param {Pick<NativeSession, 'mode' | 'capacity'>} native  @param {number} tokens
 */
export const slotsOf = ({ mode, capacity }, tokens) => (
  mode === 'slide' ? tokens - PAGE * Math.max(0, Math.ceil((tokens - capacity) / PAGE)) : tokens);

/** Of a text, alone. @param {NativeSession} native */
export const mostAlone = ({ mode, most }) => (mode === 'slide' ? MOST_TEXT : most);

/** Tokens of the timeline that have left the cache. @param {NativeSession} native */
export function goneOf({ engine, pointer, cache, selected }) {
  const taken = engine.call('kvc_session_cached', pointer);
  return taken - engine.call('kvc_cache_length', cache, selected);
}

/**
 * Puts a session whose tokens can leave the cache in place of one whose cannot.
 * @param {NativeSession} native
 * @param {() => void} replace  its native.replace(); where that fails nothing changes
 */
export function letGo(native, replace) {
  const { mode } = native;
  native.mode = 'evict';
  try {
    replace();
  } catch (error) {
    native.mode = mode;
    throw error;
  }
}

/**
 * Takes n tokens out of the cache, from slot `first` on.
 * @param {NativeSession} native  @param {number} first  @param {number} n
 */
export function evict(native, first, n) {
  if (!areCounts(first, n)) throw invalid('evict() takes the first slot and how many to take out.');
  const reason = against(native.model.config); // of the engine's refusal
  const refused = {
    unsupported: `Tokens ${first} to ${first + n - 1} cannot be taken out of the middle. ${reason}. Give the `
      + 'new text to sync().',
    not_ready: 'The cache has not taken all tokens of the timeline, since it is or was off: append a token '
      + 'with the cache on first.',
    position_out_of_range: `The cache does not hold ${n} tokens from slot ${first} on.`,
  };
  if (!reason && native.mode === 'stop') {
    const { sequences, capacity, position } = native;
    const held = native.engine.call('kvc_session_cached', native.pointer);
    const code = held < position ? 'not_ready' : first + n > held && 'position_out_of_range';
    if (code) throw new KvcError(code, refused[code]);
    const replace = () => native.replace({ sequences, capacity, text: textFor(capacity) }, saveState(native));
    native.calls.operation(() => letGo(native, replace));
  }
  native.calls.check(refused, 'kvc_session_evict', native.pointer, first, n);
}

/** Room for a longer text than the cache holds, beside the timelines. @param {NativeSession} native */
export function reserveEmpty(native) {
  const { engine, selected, sequences } = native;
  const empty = Array.from({ length: sequences }, (_, i) => i).find((sequence) => {
    native.select(sequence);
    return native.position === 0 && engine.call('kvc_session_cached', native.pointer) === 0;
  });
  native.select(selected);
  if (empty === undefined) native.grow(sequences + 1);
}
