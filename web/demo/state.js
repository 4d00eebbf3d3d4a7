// All that the demo shows, as one plain object, and how each event changes it. Pure: no clock, no document,
// no words; a state is never changed, so any state can be kept. What grows with a run is a Log, so a token
// costs O(1).
import { waiting, withoutLost } from './apart.js';
import { isMeasuring, newBenchmark, reduceBenchmark } from './benchmark.js';
import { noChoice, reduceChoice } from './choice.js';
import { beginRun, noCurves } from './curves.js';
import { noDownload, withFile } from './download.js';
import { isReading, newEdit, reduceEdit } from './edit.js';
import { isTrying, newLab, reduceLab } from './lab.js';
import { recorded, replayed, roomOf, withoutRecorded } from './recorded.js';
import { beginRace, newRace, raced, tickRace } from './race.js';
import { nothingKept } from './kept.js';
import { endRun, newColumn, newRun, readPrompt, readingOf, resumed, takeCut, takeToken } from './run.js';
import { USUAL_WINDOW as sliding } from './places.js';
import { adopt, defaults, foreseen } from './sampling.js';
import { canSlide } from './sliding.js';
import { FIRST } from './sounding.js';

/**
 * @import { MemoryUsage } from '../session/inspect.js'
 * @import { Answer, Proof, RequestEvent, Weights } from '../worker/messages.js'
 * @import { Shipped, WhenFull } from './attributes.js'
 * @import { Benchmark, BenchmarkEvent } from './benchmark.js'
 * @import { Choice, ChoiceEvent, Other } from './choice.js'
 * @import { Curves, Mode } from './curves.js'
 * @import { Download } from './download.js'
 * @import { Edit, EditEvent } from './edit.js'
 * @import { Failure } from './failure.js'
 * @import { Kept } from './kept.js'
 * @import { Lab, LabEvent } from './lab.js'
 * @import { Race, RaceEvent } from './race.js'
 * @import { Shown } from './recorded.js'
 * @import { Column, Run } from './run.js'
 * @import { Key, Settings } from './sampling.js'
 * @import { Sliding } from './places.js'
 * @import { Sounding } from './sounding.js'
 */

/**
 * The way of a run: unloaded, starting, loading, prefilling, running, then one of finished, stopped, full
 * (the context) and failed. ready: loaded, but nothing written yet; waiting: see isApart.
 * @typedef {'unloaded' | 'starting' | 'loading' | 'ready' | 'prefilling' | 'running' | 'finished' | 'stopped'
 *   | 'full' | 'failed' | 'waiting'} Status
 *
 * Are the numbers the same with the cache and without it? Asked of the prompt, then of the whole text.
 * @typedef {{ stage: 'none' | 'awaited' | 'comparing prompt' | 'comparing text' | 'stopped' }
 *   | { stage: 'failed', failure: Failure }
 *   | { stage: 'shown', of: 'prompt' | 'text', proof: Proof }} ProofState
 *
 * @typedef {{ text: string } & Answer<'count'>} Count  the tokens of a prompt, and how many there is room for
 *
 * @typedef {object} State
 * @property {Status} status
 * @property {boolean} loadStopped  why it is unloaded
 * @property {boolean} gaveWay      why it was stopped: another figure of the page has started
 * @property {Pick<Answer<'load'>, 'config' | 'variant' | 'weightBytes' | 'room' | 'sinks' | 'tick'
 *   | 'worker'> & Pick<Answer<'load'>['generation'], 'ignored'>} [model]  if loaded
 * @property {Shipped} [shipped]    the figure's own model, if it is one of these
 * @property {Weights} weights      of the figure's own model
 * @property {Other} [other]        in place of the figure's own model
 * @property {WhenFull} whenFull
 * @property {Choice} choice        of one
 * @property {Kept} kept            on the device
 * @property {Download} download
 * @property {Failure} [failure]    of the last run
 * @property {Shown} [recorded]     what run, columns, curves, memory and proof are of
 * @property {string} prompt        as it stands in its field
 * @property {Count} [count]        of the newest prompt that was counted
 * @property {Settings} sampling
 * @property {number} refusals      runs that were asked for with settings that cannot be
 * @property {boolean} useCache     where the switch is
 * @property {number} pace          tokens per second wanted; 0: as fast as possible
 * @property {number} lesson        of the tour, from 1
 * @property {Sounding} sounding    what the view of sounds is to pronounce, and how
 * @property {Sliding} sliding  the cache of the view "window"
 * @property {boolean} hidden       the tab
 * @property {Run} run              the newest
 * @property {Record<Mode, Column>} columns
 * @property {Curves} curves
 * @property {MemoryUsage} [memory]
 * @property {ProofState} proof
 * @property {Race} [race]         from the request to the next one
 * @property {Benchmark} benchmark
 * @property {Lab} lab
 * @property {Edit} edit
 * @property {Status} resume        where to go on once that has ended
 *
 * @typedef {RequestEvent<'load'>
 *   | RequestEvent<'generate'>
 *   | { type: 'prompt', text: string }
 *   | { type: 'counted', count: Count } | { type: 'setting', key: Key, value: number }
 *   | { type: 'settings reset' | 'refused' | 'cleared' | 'gave way' }
 *   | { type: 'cache', on: boolean } | { type: 'asked', comparing: boolean }
 *   | { type: 'pace', tokensPerSecond: number } | { type: 'lesson', lesson: number }
 *   | { type: 'sounding', sounding: Partial<Sounding> } | { type: 'sliding', sliding: Partial<Sliding> }
 *   | { type: 'visibility', hidden: boolean } | { type: 'download size', bytes: number }
 *   | { type: 'model', other?: Other, shipped?: Shipped, whenFull?: WhenFull }
 *   | { type: 'choice', event: ChoiceEvent } | { type: 'kept', kept: Kept }
 *   | { type: 'loading' | 'load stopped' | 'ready' | 'begun' }
 *   | { type: 'loaded' } & Answer<'load'>
 *   | { type: 'run ended' } & Answer<'generate'>
 *   | { type: 'ended' } | { type: 'failed', failure: Failure }
 *   | { type: 'comparing' | 'comparing stopped' }
 *   | { type: 'compared', proof: Answer<'prove'> }
 *   | { type: 'comparing failed', failure: Failure }
 *   | RaceEvent
 *   | { type: 'recording' } & Shown
 *   | { type: 'replayed', events: readonly FlowEvent[], playing: boolean }
 *   | { type: 'benchmark', event: BenchmarkEvent }
 *   | { type: 'lab', event: LabEvent }
 *   | { type: 'edit', event: EditEvent }} Event  asked, ended: a run or, when comparing, a race
 */

/** @type {readonly Status[]} */
const WORKING = ['starting', 'loading', 'prefilling', 'running'];

/** @param {string} [prompt]  @param {Shipped} [shipped]  @param {Weights} [weights]  @returns {State} */
export const initialState = (prompt = '', shipped, weights = 'f32') => ({
  status: 'unloaded', loadStopped: false, gaveWay: false, download: noDownload(0), choice: noChoice,
  kept: nothingKept, shipped, weights, whenFull: 'stop', prompt, sliding,
  sampling: defaults(), refusals: 0, useCache: false, pace: 0, lesson: 1, hidden: false, sounding: FIRST,
  run: newRun(0, '', 0), columns: { on: newColumn(0), off: newColumn(0) }, curves: noCurves(),
  proof: { stage: 'none' }, benchmark: newBenchmark(), lab: newLab(), edit: newEdit(), resume: 'unloaded',
});

/** Loading or writing a story. @param {State} state */
export const isWorking = (state) => WORKING.includes(state.status) && !isApart(state);

/** Benchmark, lab or an edited prompt: runs wait. @param {State} state */
export const isApart = ({ benchmark, lab, edit }) => (
  isMeasuring(benchmark) || isTrying(lab) || isReading(edit));

/** A race is under way: the switch is locked. @param {State} state */
export const isComparing = (state) => isWorking(state) && state.race !== undefined;

/** The shipped model that is in use; undefined: another one. @param {State} state */
export const shippedOf = ({ other, shipped }) => (other ? undefined : shipped);

/** The language of what it writes; '' where nobody knows. @param {State} state */
export const languageOf = (state) => (shippedOf(state) ? 'en' : '');

/** There is a run that can go back and on. @param {State} state */
export const canGo = (state) => state.run.prefill !== undefined && state.run.sampling !== undefined
  && !isComparing(state) && !isApart(state);

/** @param {State} state  @param {Event} event  @returns {State} */
export function reduce(state, event) {
  switch (event.type) {
    case 'prompt': return { ...state, prompt: event.text };
    case 'counted': return { ...state, count: event.count };
    case 'setting': return withSettings(state, { [event.key]: event.value });
    case 'settings reset': return withSettings(state, state.sampling.presets);
    case 'refused': return { ...state, refusals: state.refusals + 1 };
    case 'gave way': return { ...state, gaveWay: true };
    case 'cleared': return { ...state, curves: noCurves(), columns: { on: newColumn(0), off: newColumn(0) } };
    case 'cache': return { ...state, useCache: event.on };
    case 'pace': return { ...state, pace: event.tokensPerSecond };
    case 'lesson': return { ...state, lesson: event.lesson };
    case 'sounding': return { ...state, sounding: { ...state.sounding, ...event.sounding } };
    case 'sliding': return { ...state, sliding: { ...state.sliding, ...event.sliding } };
    case 'visibility': return seen(state, event.hidden);
    case 'download size': return { ...state, download: { ...state.download, total: event.bytes } };
    case 'model': return withModel(state, event);
    case 'choice': return { ...state, choice: reduceChoice(event.event) };
    case 'kept': return withKept(state, event.kept);
    case 'benchmark':
      return waiting({ ...state, benchmark: reduceBenchmark(state.benchmark, event.event) }, event.event);
    case 'lab': return waiting({ ...state, lab: reduceLab(state.lab, event.event) }, event.event);
    case 'edit': return waiting({ ...state, edit: reduceEdit(state.edit, event.event) }, event.event);
    case 'recording': return recorded(state, event);
    case 'replayed': return replayed(state, event, reduceFlow);
    default: return reduceFlow(state, event);
  }
}

/**
 * Of a run, from the request to the proof.
 * @typedef {Exclude<Event, { type: 'prompt' | 'counted' | 'setting' | 'settings reset' | 'refused'
 *   | 'cleared' | 'gave way' | 'cache' | 'pace' | 'lesson' | 'sounding' | 'sliding' | 'visibility'
 *   | 'download size' | 'model' | 'choice' | 'kept' | 'benchmark' | 'lab' | 'edit' | 'recording'
 *   | 'replayed' }>} FlowEvent
 */

/** @param {State} state  @param {FlowEvent} event  @returns {State} */
function reduceFlow(state, event) {
  switch (event.type) {
    case 'asked': return asked(state, event.comparing);
    case 'loading': return loading(state);
    case 'progress':
      return { ...state, download: withFile(state.download, event.file, event.loaded) };
    case 'stalled': return { ...state, download: { ...state.download, stalled: event.file } };
    case 'not_kept': return withKept(state, { reason: event.reason });
    case 'loaded': return loaded(state, event);
    case 'load stopped': return { ...state, status: state.model ? 'ready' : 'unloaded', loadStopped: true };
    case 'ready': return { ...state, status: 'ready' };
    case 'begun': return begun(state);
    case 'cut': return cutBack(state, event);
    case 'prefilled': return { ...state, ...readPrompt(state, readingOf(event), roomOf(state)) };
    case 'proving': return { ...state, proof: { stage: 'comparing prompt' } };
    case 'proof': return { ...state, proof: { stage: 'shown', of: 'prompt', proof: event } };
    case 'tokens': return written(state, event);
    case 'resumed': return { ...state, run: resumed(state.run, event) };
    case 'run ended': return runEnded(state, event);
    case 'race begun': return beginRace(state);
    case 'lane': return raced(state, event, reduceFlow);
    case 'race ticked': return tickRace(state, event.ms);
    case 'ended': return { ...state, status: statusAfter(state) };
    case 'failed':
      return { ...withoutLost(state, event.failure), status: 'failed', gaveWay: false,
        failure: event.failure };
    case 'comparing': return { ...state, proof: { stage: 'comparing text' } };
    case 'compared': return { ...state, proof: { stage: 'shown', of: 'text', proof: event.proof } };
    case 'comparing stopped': return { ...state, proof: { stage: 'stopped' } };
    case 'comparing failed':
      return { ...withoutLost(state, event.failure), proof: { stage: 'failed', failure: event.failure } };
  }
}

/** @param {State} state  @param {Partial<Settings['values']>} values  @returns {State} */
const withSettings = (state, values) => (
  { ...state, sampling: { ...state.sampling, values: { ...state.sampling.values, ...values } } });

/** @param {State} state  @param {boolean} hidden  @returns {State} */
const seen = (state, hidden) => ({
  ...state, hidden,
  benchmark: hidden ? reduceBenchmark(state.benchmark, { type: 'hidden' }) : state.benchmark,
});

// ---- a run --------------------------------------------------------------------------------------

/** @param {State} state  @param {boolean} comparing  @returns {State} */
const asked = (state, comparing) => ({
  ...withoutRecorded(state), status: 'starting', failure: undefined, loadStopped: false, gaveWay: false,
  race: comparing ? newRace() : undefined,
});

/** @param {State} state  @returns {State} */
const loading = (state) => ({
  ...withoutRecorded(withKept(state, { reason: undefined })), status: 'loading', failure: undefined,
  download: noDownload(state.download.total),
});

/** @param {State} state  @param {Kept} kept  what is new of it  @returns {State} */
const withKept = (state, kept) => ({ ...state, kept: { ...state.kept, ...kept } });

/** @param {State} state  @param {Answer<'load'>} answer  @returns {State} */
const loaded = (state, { config, generation, variant, weightBytes, room, sinks, memory, tick,
  worker }) => ({
  ...state, memory, resume: 'ready', sampling: adopt(state.sampling, generation, room, sinks !== undefined),
  model: { config, variant, weightBytes, room, sinks, tick, worker, ignored: generation.ignored },
});

/**
 * Nothing was done with it yet. From one of the shipped models to another, settings stay.
 * @param {State} state  @param {Extract<Event, { type: 'model' }>} event
 * @returns {State}
 */
function withModel(state, { other, shipped = state.shipped, whenFull = state.whenFull }) {
  const { prompt, useCache, pace, lesson, sounding, sliding: places, hidden, run, choice, kept } = state;
  const fresh = initialState(prompt, shipped, state.weights);
  const endless = whenFull === 'slide' && canSlide({ other, shipped });
  const sampling = foreseen(other || state.other ? fresh.sampling : state.sampling, endless);
  return {
    ...fresh, useCache, pace, lesson, sounding, sliding: places, hidden, choice, kept, other, whenFull,
    sampling, run: { ...fresh.run, number: run.number + 1 },
    download: noDownload(other?.weighed.fileBytes ?? 0),
  };
}

/** @param {State} state  @returns {State} */
const begun = (state) => ({
  ...state, status: 'prefilling', proof: { stage: 'awaited' }, curves: beginRun(state.curves),
  run: { ...newRun(state.run.number + 1, state.prompt, state.sampling.values.maxTokens),
    sampling: state.sampling.values },
});

/** @param {State} state  @param {Extract<Event, { type: 'cut' }>} event  @returns {State} */
const cutBack = (state, event) => ({
  ...state, ...takeCut(state, event), memory: event.memory, proof: { stage: 'none' },
  status: isWorking(state) ? 'running' : state.status, failure: undefined, gaveWay: false, race: undefined,
});

/** @param {State} state  @param {Extract<Event, { type: 'tokens' }>} event  @returns {State} */
function written(state, { tokens, memory }) {
  const { run, columns, curves } = state;
  let progress = { run, columns, curves };
  for (const token of tokens) progress = takeToken(progress, token, state.hidden);
  return { ...state, ...progress, memory, status: 'running' };
}

/** @param {State} state  @param {Answer<'generate'>} answer  @returns {State} */
const runEnded = (state, answer) => ({ ...state, ...endRun(state, answer), memory: answer.memory });

/** Of a race, the slower lane tells. @param {State} state  @returns {Status} */
function statusAfter({ run, race }) {
  const { reason } = race?.lanes?.off.run ?? run;
  if (reason === 'stopped') return 'stopped';
  return reason === 'context_full' ? 'full' : 'finished';
}
