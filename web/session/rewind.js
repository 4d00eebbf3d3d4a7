// Rewinding a session: not always possible where layers of the model have windows, which give back what lies
// before them, or where tokens have left the cache.
import { PAGE } from '../engine/page.js';
import { areCounts, optionsOf, shown } from '../engine/arguments.js';
import { KvcError } from '../engine/errors.js';
import { goneOf } from './sliding.js';

/**
 * @import { NativeSession } from './native-session.js'
 *
 * @typedef {object} RewindOptions
 * @property {boolean} [recompute]  where the windows have passed, empty the cache: the next pass computes
 *   again what it held; by default that is an error
 */

/**
 * To the first n tokens.
 * @param {NativeSession} native  @param {number} n  @param {RewindOptions} [options]
 */
export function rewind(native, n, options) {
  const { recompute } = optionsOf('truncate()', options, ['recompute']);
  const cannot = `The timeline of ${native.position} tokens cannot be cut to ${shown(n)}`;
  const position_out_of_range = `${cannot}.`;
  const messages = { position_out_of_range, window_passed: `${cannot}: ${windowPassed(native)}` };
  if (!areCounts(n)) throw new KvcError('position_out_of_range', position_out_of_range);
  const name = recompute ? 'kvc_session_rewind' : 'kvc_session_truncate';
  native.calls.check(messages, name, native.pointer, n);
}

/** @param {NativeSession} native */
function windowPassed(native) {
  const { engine, cache, selected, model, mode, capacity, policy } = native;
  const again = 'or, with { recompute: true }, to any number: the next pass then computes keys and values '
    + 'again.';
  if (mode !== 'stop') {
    const gone = goneOf(native);
    if (policy === 'attention') return `what its tokens looked at is counted. It can be cut to 0; ${again}`;
    const least = mode === 'slide' && gone > 0 ? `${capacity + gone - PAGE} tokens or more, or to ` : '';
    return `what the next token would see has left the cache. It can be cut to ${least}0; ${again}`;
  }
  const { size = 0 } = model.config.window ?? {};
  const least = engine.call('kvc_cache_freed', cache, selected) + size - 1;
  return 'layers with a window have given back what the next token would need. It can be cut to '
    + `${least} tokens or more, or to 0; ${again}`;
}
