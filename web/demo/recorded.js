// A recorded run in the state of the demo, while nothing was run here: it stands where the reader's own run
// will stand, and goes through the same steps. What the demo itself does, it does not touch.
import { noCurves } from './curves.js';
import { newColumn, newRun } from './run.js';
import { slideOf } from './sliding.js';

/**
 * @import { Recording } from './recording.js'
 * @import { FlowEvent, ProofState, State } from './state.js'
 */

/**
 * @typedef {object} Shown
 * @property {Recording} recording
 * @property {number} haste     how many times as fast as it was
 * @property {boolean} playing  it has not come to its end
 */

/** Of the model that the numbers come from. @param {Pick<State, 'model' | 'recorded'>} state */
export const engineOf = ({ model, recorded }) => model ?? recorded?.recording.engine;

/**
 * Tokens of the source that its numbers are of, if the model has an encoder.
 * @param {Pick<State, 'run' | 'race'>} state
 */
export const sourceOf = ({ run, race }) => (race?.lanes?.on.run ?? run).prefill?.source;

/**
 * What the work of a token goes by, beside the model and the position.
 * @param {Pick<State, 'run' | 'race' | 'model' | 'memory'>} state
 */
export const besideOf = (state) => ({ source: sourceOf(state), slide: slideOf(state) });

/** Whether what is typed is a source, and no beginning of a text. @param {State} state */
export const readsSource = (state) => (
  (state.other?.weighed.config ?? engineOf(state)?.config)?.encoder !== undefined);

/** Tokens that a text may have; 0: not known. @param {Pick<State, 'model' | 'recorded'>} state */
export const roomOf = (state) => {
  const { room, sinks } = state.model ?? {};
  if (sinks !== undefined) return Infinity; // it goes on past its context
  return room ?? engineOf(state)?.config.nPositions ?? 0;
};

/**
 * Nothing was written and nothing measured.
 * @param {State} state  @param {string} [prompt]  @param {number} [most]  tokens to write
 */
const blank = ({ run }, prompt = '', most = 0) => ({
  run: newRun(run.number + 1, prompt, most), columns: { on: newColumn(0), off: newColumn(0) },
  curves: noCurves(), memory: undefined, proof: /** @type {ProofState} */ ({ stage: 'none' }),
});

/** It begins. @param {State} state  @param {Shown} shown  @returns {State} */
export function recorded(state, { recording, haste, playing }) {
  const { prompt, sampling } = recording;
  return { ...state, recorded: { recording, haste, playing }, ...blank(state, prompt, sampling.maxTokens) };
}

/**
 * It goes on. It was measured in a tab that was seen, whether this one is seen now or not.
 * @param {State} state  @param {{ events: readonly FlowEvent[], playing: boolean }} event
 * @param {(state: State, event: FlowEvent) => State} reduceFlow
 * @returns {State}
 */
export function replayed(state, { events, playing }, reduceFlow) {
  const { run, columns, curves, memory, proof } = events.reduce(reduceFlow, { ...state, hidden: false });
  const shown = state.recorded && { ...state.recorded, playing };
  return { ...state, run, columns, curves, memory, proof, recorded: shown };
}

/** Whatever is done here puts an end to it. @param {State} state  @returns {State} */
export const withoutRecorded = (state) => (
  state.recorded ? { ...state, recorded: undefined, ...blank(state) } : state);

/** What it ran on, in words. @param {Shown} shown  @param {string} lang */
export const machineOf = ({ recording: { machine } }, lang) => machine[lang] ?? machine.en;
