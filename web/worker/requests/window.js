// The requests "window" and "losses": a text that is longer than its cache, and what a window forgets. Both
// are beside the run, in sessions of their own.
import { invalid, isCount, optionsOf, shown } from '../../engine/arguments.js';
import { KvcError } from '../../index.js';
import { endingOf } from '../ending.js';
import { lossesOf, writeOn } from '../windowed.js';

/**
 * @import { Model } from '../../session/model.js'
 * @import { Serve } from '../context.js'
 */

/** @type {Serve<'window'>} */
export async function window(context, fields, emit, signal) {
  const { model } = context.loaded();
  const names = /** @type {const} */ (['prompt', 'tokens', 'seed', 'capacity', 'sinks']);
  const { prompt: text, tokens, seed, capacity, sinks } = optionsOf('window', fields, names);
  const prompt = idsOf(model, text);
  if (!isCount(tokens) || tokens <= prompt.length) {
    throw invalid(`window: tokens is ${shown(tokens)}, and the prompt has ${prompt.length}.`);
  }
  return context.turns.take(async () => {
    const session = model.createSession({ capacity, whenFull: 'slide', sinks });
    try {
      const job = { prompt, tokens, seed, signal };
      const written = writeOn(context, model, session, job, (held) => emit('held', held));
      /** @type {number[]} */
      let ids = [];
      const reason = await endingOf(written.then((all) => {
        ids = all;
        return /** @type {const} */ ('length');
      }));
      if (reason === 'stopped') return { reason };
      emit('proving', { tokens: ids.length });
      const read = (/** @type {boolean} */ useCache) => (
        session.generate(ids, { maxTokens: 0, useCache, signal }).next());
      await read(true);
      const on = session.logitsHash;
      session.reset();
      await read(false);
      return { reason, proof: { tokens: ids.length, on, off: session.logitsHash } };
    } finally {
      session.dispose();
    }
  }, signal);
}

/** @type {Serve<'losses'>} */
export async function losses(context, fields, emit, signal) {
  const { model } = context.loaded();
  const { text, capacity = 0, sinks = 0 } = optionsOf('losses', fields, ['text', 'capacity', 'sinks']);
  const ids = idsOf(model, text);
  const { nPositions } = model.config;
  if (ids.length > nPositions) {
    throw new KvcError('context_full', `The text has ${ids.length} tokens; the model takes ${nPositions}.`);
  }
  return context.turns.take(() => lossesOf(context, model, { ids, capacity, sinks, signal },
    (way, done, total) => emit('reading', { way, done, total })), signal);
}

/** A text from its beginning. @param {Model} model  @param {unknown} text */
function idsOf(model, text) {
  if (typeof text !== 'string') throw invalid(`A text is a string, not ${shown(text)}.`);
  const { bosTokenId } = model.config;
  return [...(bosTokenId === null ? [] : [bosTokenId]), ...model.encode(text)];
}
