// The race: the same story written with the cache and without it, at the same time, on one clock. Each lane
// is a run like any other; what they measure goes into the same curves.
import { beginRun } from './curves.js';
import { roomOf } from './recorded.js';
import { newRun } from './run.js';
import { multiplyAdds, parameterCount } from '../measure/analysis.js';
import { sparedBy } from './sliding.js';

/**
 * @import { Config } from '../config/config.js'
 * @import { Answer, RequestEvent } from '../worker/messages.js'
 * @import { Mode } from './curves.js'
 * @import { Run } from './run.js'
 * @import { Slide } from './sliding.js'
 * @import { FlowEvent, State } from './state.js'
 */

/**
 * @typedef {object} Lane
 * @property {Run} run
 * @property {number} [ms]       from the start to its end
 *
 * @typedef {object} Race
 * @property {Lanes} [lanes]  absent until it has begun
 * @property {number} ms         since the start
 * @property {number} same       tokens that both have written and that are the same
 * @property {number} [parting]  the first one that is not
 *
 * What happens in a lane: what the worker says of its run, up to the answer.
 * @typedef {RequestEvent<'generate'> | { type: 'run ended' } & Answer<'generate'>} LaneEvent
 *
 * @typedef {{ type: 'race begun' }
 *   | { type: 'lane', mode: Mode, event: LaneEvent, ms: number }
 *   | { type: 'race ticked', ms: number }} RaceEvent  ms: since the start
 */

/** @returns {Race} */
export const newRace = () => ({ ms: 0, same: 0 });

/** Both start. @param {State} state  @returns {State} */
export function beginRace(state) {
  const { prompt, sampling, run, curves } = state;
  const begun = {
    ...newRun(run.number + 1, prompt, sampling.values.maxTokens), sampling: sampling.values,
  };
  const lanes = { on: { run: begun }, off: { run: { ...begun, mode: /** @type {Mode} */ ('off') } } };
  return {
    ...state, status: 'prefilling', proof: { stage: 'awaited' }, curves: beginRun(curves), run: begun,
    race: { ...newRace(), lanes },
  };
}

/** @param {State} state  @param {number} ms  @returns {State} */
export const tickRace = (state, ms) => (state.race ? { ...state, race: { ...state.race, ms } } : state);

/**
 * A lane goes on. Story, memory and proof of the demo are those of the lane with the cache.
 * @param {State} state  @param {Extract<RaceEvent, { type: 'lane' }>} event
 * @param {(state: State, event: FlowEvent) => State} reduceFlow
 * @returns {State}
 */
export function raced(state, { mode, event, ms }, reduceFlow) {
  const { race } = state;
  if (!race?.lanes) return state;
  const next = reduceFlow({ ...state, run: race.lanes[mode].run }, event);
  const lane = next.run.reason === undefined ? { run: next.run } : { run: next.run, ms };
  const lanes = { ...race.lanes, [mode]: lane };
  const { memory, proof } = mode === 'on' ? next : state;
  const now = { ...race, lanes, ms, ...compared(race, lanes) };
  return { ...next, run: lanes.on.run, memory, proof, race: now };
}

/**
 * How far the two texts are the same, going on from where they were compared.
 * @param {Race} race  @param {Lanes} lanes
 */
function compared({ same, parting }, { on: { run: on }, off: { run: off } }) {
  if (parting !== undefined) return { same, parting };
  const most = Math.max(on.tokens.length, off.tokens.length);
  const both = Math.min(on.tokens.length, off.tokens.length);
  while (same < both && on.tokens.at(same)?.id === off.tokens.at(same)?.id) same++;
  const isOver = [on, off].some(({ reason, tokens }) => (
    reason !== undefined && reason !== 'stopped' && tokens.length === same));
  return same < both || (isOver && most > same) ? { same, parting: same } : { same };
}

/** @typedef {Record<Mode, Lane>} Lanes  @typedef {Record<Mode, Lane & { ms: number }>} Finished */

/** Whether both have come to their end. @param {Lanes} lanes  @returns {lanes is Finished} */
export const isDecided = (lanes) => Object.values(lanes).every(({ run, ms }) => (
  ms !== undefined && run.reason !== 'stopped'));

/**
 * What a lane has computed, by the rows that ran through the model: those of the prompt that were not reused,
 * and then for each token one with the cache, and without it the whole text.
 * @typedef {object} Work
 * @property {Run['prefill']} prefill
 * @property {number} tokens       that are counted, behind the prompt
 * @property {number} rows
 * @property {number} multiplyAdds
 */

/**
 * A token more costs O(1).
 * @param {Readonly<Config>} config  @param {Run} run
 * @param {Work} [before]  which it goes on from, if it is of this run
 * @param {Slide} [slide]  as its cache does
 * @returns {Work}
 */
export function workIn(config, { prefill, tokens }, before, slide) {
  const isOn = before && before.prefill === prefill && before.tokens <= tokens.length;
  const work = isOn ? { ...before } : { prefill, tokens: 0, rows: 0, multiplyAdds: 0 };
  const { source = 0, sourceKept } = prefill ?? {};
  /** @param {number} first  @param {number} end */
  const add = (first, end) => {
    const { total, cross } = multiplyAdds(config, first, end, source);
    work.rows += end - first;
    work.multiplyAdds += total - sparedBy(config, first, end, slide);
    return cross;
  };
  if (prefill && !isOn) {
    const cross = add(prefill.reused, prefill.tokens);
    if (cross && !sourceKept) work.multiplyAdds += cross.encoder + cross.crossProjections; // read once
  }
  for (const { position, work: rows } of tokens.from(work.tokens)) add(position + 1 - rows, position + 1);
  work.tokens = tokens.length;
  return work;
}

/**
 * Multiply-adds of each lane.
 * @param {Readonly<Config>} config  @param {Lanes} lanes  @param {Slide} [slide]
 * @returns {Record<Mode, number>}
 */
export const workOf = (config, { on, off }, slide) => ({
  on: workIn(config, on.run, undefined, slide).multiplyAdds,
  off: workIn(config, off.run, undefined, slide).multiplyAdds,
});

/**
 * Times and work of a race at its end, compared.
 * @typedef {object} Finish
 * @property {number} times       as fast with the cache, from the start to the end
 * @property {number} fewer       multiply-adds with the cache, times
 * @property {Record<Mode, number>} each    nanoseconds of a multiply-add, everything included
 * @property {Record<Mode, number>} besides milliseconds that no measured token took: the prompt, its proof,
 *   what was not measured, and giving out
 * @property {number} together    rows of a step without the cache, on average
 */

/**
 * @param {Finished} lanes  @param {Record<Mode, Work>} work
 * @returns {Finish}
 */
export function finishOf({ on, off }, work) {
  /** @param {Lane & { ms: number }} lane  @param {Work} done */
  const each = ({ ms }, { multiplyAdds }) => 1e6 * ms / multiplyAdds;
  return {
    times: off.ms / on.ms, fewer: work.off.multiplyAdds / work.on.multiplyAdds,
    each: { on: each(on, work.on), off: each(off, work.off) },
    besides: { on: on.ms - on.run.ms, off: off.ms - off.run.ms },
    together: work.off.rows / (work.off.tokens + 1),
  };
}

/**
 * What a second engine takes, about: the weights and a session; 0: not known. Only an engine tells how large
 * int8 weights are.
 * @param {State} state  @returns {number}
 */
export function rivalBytes({ memory, model, recorded, weights }) {
  const config = weights === 'f32' ? recorded?.recording.engine.config : undefined;
  const bytes = model?.weightBytes ?? (config && 4 * parameterCount(config));
  return bytes && memory ? bytes + memory.totalBytes : 0;
}

/** Tokens that a lane will write at most. @param {State} state  @param {Run} run */
export function goalOf(state, { prefill, maxTokens }) {
  const room = roomOf(state) - (prefill?.tokens ?? 0);
  return Math.max(1, Math.min(maxTokens, room));
}
