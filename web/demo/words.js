// What the state means, in sentences: those that more than one view needs, or that are worth a test.
import { isMeasuring } from './benchmark.js';
import { MODES, contrast, lastPoint, speedAt } from './curves.js';
import { isDecided, workOf } from './race.js';
import { engineOf } from './recorded.js';
import { BITS } from './report.js';
import { modeOf } from './run.js';
import { bytesLoaded, isComparing, isWorking } from './state.js';
import { counted, measured, megabytes } from '../measure/numbers.js';

/**
 * @import { Config } from '../config/config.js'
 * @import { Benchmark } from './benchmark.js'
 * @import { Curves } from './curves.js'
 * @import { Failure } from './failure.js'
 * @import { Race } from './race.js'
 * @import { Run } from './run.js'
 * @import { ProofState, State } from './state.js'
 */

const WRITING = {
  on: 'Decode: writing token by token, with the cache.',
  off: 'Decode without the cache: each token runs the whole text through the model again.',
};
const PREFILL = 'Prefill: reading your prompt.';
const UNLOADED = 'Press Generate: the model is loaded first, once.';
const LOADING = 'Loading the model.';
const LOAD_STOPPED = 'Loading was stopped.';

/** @param {number} count */
export const tokensInWords = (count) => `${counted(count)} token${count === 1 ? '' : 's'}`;

/** What the demo is doing. @param {State} state */
export function statusWords(state) {
  switch (state.status) {
    case 'unloaded': return state.loadStopped ? LOAD_STOPPED : UNLOADED;
    case 'starting': return 'Starting.';
    case 'loading': return loadingWords(state);
    case 'ready': return 'The model is loaded: press Generate.';
    case 'prefilling': return PREFILL;
    case 'running': return WRITING[state.run.mode];
    case 'failed': return 'This did not work.';
    case 'waiting': return 'The benchmark below is running: Generate waits until it has finished.';
    default: return endingWords(state.run);
  }
}

/** @param {State} state */
function loadingWords(state) {
  const { total, stalled } = state.download;
  const bytes = bytesLoaded(state);
  const of = total > 0 ? ` of ${megabytes(total)}` : '';
  const words = bytes === 0 ? LOADING : `Loading the model: ${megabytes(bytes)}${of}.`;
  return stalled ? `${words} Nothing of ${stalled} has arrived for 10 seconds.` : words;
}

/** @param {Run} run */
function endingWords({ reason, tokens, position }) {
  const written = `${tokensInWords(tokens.length)} written`;
  if (reason === 'stopped') return `Stopped: ${written}.`;
  if (reason === 'context_full') {
    return `The context is full: all ${counted(position)} positions are taken, ${written}.`;
  }
  return reason === 'eos' ? `The story is over: ${written}.` : `Finished: ${written}.`;
}

/** Said beside the controls and on the switch. */
export const LOCKED = 'The switch is locked: both ways race each other.';

/** What the reader may do next; '' where that is said already. @param {State} state */
export function adviceWords(state) {
  const { status, useCache, columns } = state;
  if (isComparing(state)) return LOCKED;
  if (status === 'running') return 'Flip the switch: the text goes on unchanged, the speed does not.';
  if (!['finished', 'stopped', 'full'].includes(status)) return '';
  const [next, other] = [modeOf(useCache), modeOf(!useCache)];
  const [tried, otherTried] = [next, other].map((mode) => columns[mode].work !== undefined);
  if (tried && otherTried) return 'Press Generate to write again; another seed writes another story.';
  if (tried) return `Switch the cache ${other} and press Generate to see the difference.`;
  if (otherTried) return `Press Generate: with the cache ${next}, you will see the difference.`;
  return `Press Generate to write again, with the cache ${next}.`;
}

/** How long the prompt is; '' until the newest one was counted. @param {State} state */
export function countWords({ count, prompt }) {
  if (count?.text !== prompt) return '';
  const { tokens, room } = count;
  const words = `${tokensInWords(tokens)} of ${counted(room)}`;
  return tokens > room ? `${words}: ${counted(tokens - room)} too many` : words;
}

/** @param {number} tokens  of a prompt  @param {number} room  for so many */
export const tooLongWords = (tokens, room) => (
  `Your beginning is too long: it has ${tokensInWords(tokens)}, and the model has room for ${counted(room)}. `
    + `Shorten it to ${Math.floor((100 * room) / tokens)} % of its length.`);

/** On the button that starts and stops a run. @param {State} state */
export function generateWords(state) {
  if (isWorking(state)) return 'Stop';
  const { total } = state.download;
  return state.model || total === 0 ? 'Generate' : `Generate (${megabytes(total)})`;
}

/** What there is to say about a run beside its numbers. @param {State} state */
export function remarkWords({ run, race, model, recorded }) {
  if (race?.lanes) return raceWords(race, model?.config);
  const { unmeasured, catchUp } = run;
  const remarks = [];
  if (unmeasured > 0) {
    remarks.push(`Not measured, because this tab was hidden: ${tokensInWords(unmeasured)}.`);
  }
  if (catchUp) {
    const missed = `the ${tokensInWords(catchUp.tokens)} it had missed`;
    const time = `${timeWords(catchUp.ms, engineOf({ model, recorded })?.tick)}, not in the chart`;
    remarks.push(`Switched on again, the cache first took in ${missed}: ${time}.`);
  }
  return remarks.join(' ');
}

/** A time that was read from the clock twice. @param {number} ms  @param {number} [tick]  of the clock */
const timeWords = (ms, tick = 0) => (
  ms < tick ? `less than ${measured(tick)} ms` : `${measured(ms, tick / ms)} ms`);

/**
 * How a race goes.
 * @param {Race} race  @param {Readonly<Config>} [config]
 */
function raceWords({ lanes, same, parting }, config) {
  if (!lanes || !config) return '';
  if (parting !== undefined) {
    const from = `token ${counted(parting + 1)}`;
    return `The two texts differ from ${from} on. This should not be: please report it.`;
  }
  if (!isDecided(lanes)) return `Up to here, both wrote the same ${tokensInWords(same)}.`;
  const work = workOf(config, lanes);
  const [time, adds] = [lanes.off.ms / lanes.on.ms, work.off / work.on];
  const cause = 'because a whole text at once makes better use of the processor than one token alone';
  return `Both wrote the same ${tokensInWords(same)}: ${measured(time)} times as fast with the cache, for `
    + `${measured(adds)} times fewer multiply-adds${time < adds ? `, ${cause}` : ''}.`;
}

/**
 * The sentence about the clock.
 * @param {number} tick  ms
 */
export const clockWords = (tick) => (
  `The clock that this browser lends to the page ticks every ${measured(tick)} ms.`);

/** @param {Failure} failure */
export const failureWords = ({ message, offline }) => (
  offline ? `${message} You seem to be offline.` : message);

// ---- the proof ----------------------------------------------------------------------------------

const AWAITED = 'With and without the cache, are the numbers the same? This is computed once the prompt is '
  + 'read.';
const OF = { prompt: 'the prompt', text: 'the whole text' };

/**
 * Are the numbers the same? The verdict, '' if there is none yet, and what follows it or stands in its place.
 * @param {ProofState} shown
 */
export function proofWords(shown) {
  if (shown.stage !== 'shown') return { verdict: '', rest: noProofWords(shown) };
  const { tokens, equal } = shown.proof;
  const numbers = `the model’s numbers after ${OF[shown.of]} (${tokensInWords(tokens)})`;
  const found = equal ? ', are the same to the last bit.' : '. This should not be: please report it.';
  const rest = `: ${numbers}, computed with the cache and without it${found}`;
  return { verdict: equal ? 'Equal' : 'Different', rest };
}

/** @param {Exclude<ProofState, { stage: 'shown' }>} shown */
function noProofWords(shown) {
  switch (shown.stage) {
    case 'none': return 'Same numbers with and without the cache? Each run is checked here.';
    case 'awaited': return AWAITED;
    case 'comparing prompt': return 'Comparing the numbers after the prompt, with the cache and without.';
    case 'comparing text': return 'Comparing the numbers at the end, with the cache and without.';
    case 'stopped': return 'The comparison at the end was stopped.';
    case 'failed': return `The comparison failed: ${shown.message}`;
  }
}

// ---- the chart ----------------------------------------------------------------------------------

/** What the chart shows. @param {Curves} curves */
export function chartWords(curves) {
  const both = contrast(curves);
  if (both) {
    const { position, on, off, atFlip } = both;
    const where = `${atFlip ? 'At the flip of the switch, at' : 'Around'} position ${counted(position)}`;
    const times = on >= off ? `${measured(on / off)} times as fast` : `${measured(off / on)} times slower`;
    const speeds = `${measured(on)} tokens/s with the cache, ${measured(off)} without`;
    return `${where}: ${speeds}: ${times}.`;
  }
  const said = MODES.flatMap((mode) => {
    const last = lastPoint(curves, mode);
    if (!last) return [];
    return `With the cache ${mode}, ${measured(last.speed)} tokens/s at position ${counted(last.position)}.`;
  });
  if (said.length > 0) return said.join(' ');
  return 'The line grows here with the text: how fast its tokens are computed, against their position.';
}

/** What was measured at one position; '' if nothing. @param {Curves} curves  @param {number} position */
export function pointWords(curves, position) {
  const said = MODES.flatMap((mode) => {
    const speed = speedAt(curves, mode, position);
    return speed === null ? [] : `${measured(speed)} tokens/s with the cache ${mode}`;
  });
  return said.length > 0 ? `Position ${counted(position)}: ${said.join(', ')}.` : '';
}

// ---- the benchmark ------------------------------------------------------------------------------

/** What the benchmark is doing, or has found. @param {Benchmark} benchmark */
export function benchmarkWords(benchmark) {
  const { status, step, share = 0 } = benchmark;
  if (status === 'running' && step) {
    const percent = Math.floor(100 * share);
    return `Measuring ${BITS[step.weights]} after ${counted(step.context)} tokens: ${percent} % done.`;
  }
  if (status === 'failed') {
    return benchmark.rows.length > 0 ? 'This did not work to its end; what was finished is below.'
      : 'This did not work.';
  }
  if (status === 'idle' && !benchmark.interrupted) {
    return 'Nothing leaves your machine. A large model takes longer.';
  }
  return benchmarkNews(benchmark);
}

/**
 * What of it is worth being spoken: no percentages, and not errors, which are alerts.
 * @param {Benchmark} benchmark
 */
function benchmarkNews(benchmark) {
  switch (benchmark.status) {
    case 'idle': return benchmark.interrupted ? 'Stopped before anything was measured.' : '';
    case 'loading': return 'Getting ready.';
    case 'running': return benchmark.second
      ? `Half of it is done: loading the model once more, with ${BITS[benchmark.second]}.` : 'Measuring.';
    case 'stopped': return `Stopped: what was finished is below. ${findings(benchmark)}`;
    case 'done': return `Measured. ${findings(benchmark)}`;
    default: return '';
  }
}

/** What to remember of it. @param {Benchmark} benchmark */
function findings({ rows, subject }) {
  const alike = rows.filter(({ weights }) => weights === rows[0].weights);
  const { context, decode, uncached } = alike[alike.length - 1];
  const cached = `${measured(decode.median)} tokens per second with the cache`;
  const on = `After ${tokensInWords(context)}, your machine writes ${cached}`;
  if (uncached) return `${on} and ${measured(uncached.median)} without it.`;
  return `${on}; without it, one token takes longer than ${(subject?.plan.patienceMs ?? 0) / 1000} s.`;
}

// ---- for screen readers -------------------------------------------------------------------------

/**
 * What screen readers should hear of a state, on each of three subjects; undefined: nothing new, '': nothing.
 * @param {State} state
 * @returns {{ run: string | undefined, result: string, benchmark: string }}
 */
export function spoken(state) {
  return { run: runNews(state), result: resultNews(state), benchmark: benchmarkNews(state.benchmark) };
}

/** What a run has shown, once its last numbers were compared. @param {State} state */
function resultNews(state) {
  const { proof, race, curves } = state;
  if (isWorking(state) || proof.stage !== 'shown' || proof.of !== 'text') return '';
  const { verdict, rest } = proofWords(proof);
  return [chartWords(curves), race && remarkWords(state), verdict + rest].filter(Boolean).join(' ');
}

/** No ticking numbers, and not errors, which are alerts. @param {State} state */
function runNews(state) {
  switch (state.status) {
    case 'waiting': return undefined;
    case 'loading': return isMeasuring(state.benchmark) ? undefined : LOADING;
    case 'unloaded': return state.loadStopped ? LOAD_STOPPED : '';
    case 'starting': case 'ready': case 'failed': return '';
    default: return statusWords(state);
  }
}
