// What the state means, in sentences: those that more than one view needs, or that are worth a test.
import { MODES, contrast, lastPoint, speedAt } from './curves.js';
import { bytesLoaded } from './download.js';
import { isSlowing, payoffOf } from './payoff.js';
import { isDecided, workOf } from './race.js';
import { machineOf, readsSource } from './recorded.js';
import { modeOf } from './run.js';
import { isValid, most } from './sampling.js';
import { slideOf } from './sliding.js';
import { isApart, isComparing, isWorking } from './state.js';

/**
 * @import { Benchmark } from './benchmark.js'
 * @import { Curves } from './curves.js'
 * @import { Failure } from './failure.js'
 * @import { Payoff } from './payoff.js'
 * @import { Lanes, Race } from './race.js'
 * @import { Run } from './run.js'
 * @import { Field, Settings } from './sampling.js'
 * @import { ProofState, State } from './state.js'
 * @import { Dictionary } from './words/en.js'
 */

/** What the demo is doing. @param {Dictionary} words  @param {State} state */
export function statusWords({ lang, status: words, recorded: labels }, state) {
  const { status, recorded, race } = state;
  if (state.gaveWay && !isWorking(state)) return words.gaveWay;
  if (race?.lanes && (status === 'prefilling' || status === 'running')) return words.racing;
  switch (status) {
    case 'unloaded':
      if (state.loadStopped) return words.loadStopped;
      return recorded ? labels.on(recorded.recording.date, machineOf(recorded, lang)) : words.unloaded;
    case 'loading': return loadingWords(words, state);
    case 'running': return isSlowing(state) ? words.slowing : words.writing[state.run.mode];
    case 'prefilling': return readsSource(state) ? words.reading : words.prefilling;
    case 'starting': case 'ready': case 'failed': case 'waiting': return words[status];
    default: return endingWords(words, race?.lanes?.off.run ?? state.run);
  }
}

/** @param {Dictionary['status']} words  @param {State} state */
function loadingWords(words, state) {
  const { total, stalled } = state.download;
  const bytes = bytesLoaded(state);
  if (state.race && state.model) return words.loadingRival;
  const said = bytes === 0 ? words.loading : words.loadingBytes(bytes, total);
  return stalled ? `${said} ${words.stalled(stalled)}` : said;
}

/** @param {Dictionary['status']} words  @param {Run} run */
function endingWords(words, { reason, tokens: { length } }) {
  if (reason === 'stopped') return words.stopped(length);
  if (reason === 'context_full') return words.full(length);
  return reason === 'eos' ? words.over(length) : words.finished(length);
}

/**
 * What the reader may do next; '' where there is nothing to be done.
 * @param {Dictionary} words  @param {State} state
 */
export function adviceWords({ advice, controls, recorded: labels }, state) {
  const { status, useCache, run, columns, recorded, loadStopped, gaveWay } = state;
  if (isComparing(state)) return controls.locked;
  switch (status) {
    case 'unloaded':
      if (loadStopped || gaveWay) return advice.retry;
      return recorded ? labels.run : advice.first[modeOf(useCache)];
    case 'ready': return advice.ready;
    case 'running':
      if (!useCache) return advice.switchOn;
      return columns.off.run === run.number ? '' : advice.switchOff;
    case 'finished': case 'stopped': case 'full': return run.stories ? advice.onward : advice.again;
    default: return '';
  }
}

/**
 * How long the prompt is; '' until the newest one was counted.
 * @param {Dictionary} words  @param {State} state
 */
export function countWords({ prompt: words }, { count, prompt }) {
  if (count?.text !== prompt) return '';
  const { tokens, room } = count;
  return tokens > room ? words.tooMany(tokens, room) : words.count(tokens, room);
}

/** On the button. @param {Dictionary} words  @param {State} state */
export const generateWords = ({ controls }, state) => (isWorking(state) ? controls.stop : controls.generate);

/**
 * Below that: how much it will download; '' where that is nothing, or not known.
 * @param {Dictionary} words  @param {State} state
 */
export function downloadWords({ controls }, state) {
  const { model, download: { total } } = state;
  return model || total === 0 || isWorking(state) ? '' : controls.downloads(total);
}

/** What there is to say about a run beside its numbers. @param {Dictionary} words  @param {State} state */
export function remarkWords(words, state) {
  const { run: { unmeasured, catchUps }, race, model, recorded } = state;
  if (race?.lanes) return raceWords(words, race, race.lanes, state);
  if (recorded) return words.recorded.haste(recorded.recording.browser, recorded.haste);
  const catchUp = catchUps.at(catchUps.length - 1);
  const remarks = [];
  if (unmeasured > 0) remarks.push(words.story.unmeasured(unmeasured));
  if (catchUp) remarks.push(words.story.caughtUp(catchUp.tokens, timeWords(words, catchUp.ms, model?.tick)));
  return remarks.join(' ');
}

/**
 * A time that was read from the clock twice.
 * @param {Dictionary} words  @param {number} ms  @param {number} [tick]  of the clock
 */
const timeWords = (words, ms, tick = 0) => (
  ms < tick ? words.lessThanMilliseconds(tick) : words.milliseconds(ms, tick / ms));

/**
 * How a race goes, and what it has shown.
 * @param {Dictionary} words  @param {Race} race  @param {Lanes} lanes  @param {State} state
 */
function raceWords({ race: words }, { same, parting }, lanes, state) {
  if (parting !== undefined) return words.differ(parting + 1);
  if (!state.model || !isDecided(lanes)) return words.sameSoFar(same);
  const work = workOf(state.model.config, lanes, slideOf(state));
  return words.fewer(work.off / work.on, lanes.off.ms / lanes.on.ms);
}

/**
 * What is wrong with a setting.
 * @param {Dictionary} words  @param {Field} field  @param {Settings} settings
 */
export function problemWords({ sampling }, field, settings) {
  if (isValid(field, settings)) return '';
  const { whole = false, above = false, min } = field;
  return sampling.allowed({ whole, above, min, max: most(field, settings) });
}

/**
 * What failed: a sentence in the reader's language, '' if there is none for it, and the engine's own, which
 * is English.
 * @param {Dictionary} words  @param {Failure} failure
 */
export function failureWords(words, { code, message, refused, offline }) {
  const hint = offline ? words.offline : '';
  if (refused) return { lead: refusalWords(words.refusals, refused), detail: '', hint };
  /** @type {Record<string, string | undefined>} */
  const leads = words.failures;
  return { lead: leads[code] ?? leads.internal ?? '', detail: message, hint };
}

/** All of it as one text. @param {Dictionary} words  @param {Failure} failure */
export function failureText(words, failure) {
  const { lead, detail, hint } = failureWords(words, failure);
  return [lead, detail, hint].filter(Boolean).join(' ');
}

/** @param {Dictionary['refusals']} words  @param {NonNullable<Failure['refused']>} refused */
function refusalWords(words, refused) {
  switch (refused.what) {
    case 'promptTooLong': return words.promptTooLong(refused.tokens, refused.room);
    case 'noAddress': return words.noAddress(refused.address);
    case 'setting': return words.setting;
    case 'race': return words.race;
  }
}

// ---- the payoff ---------------------------------------------------------------------------------

/** In large letters, in small ones, and the verdict. @param {Dictionary} words  @param {Payoff} payoff */
export function payoffWords({ payoff: words, tokensPerSecond }, payoff) {
  switch (payoff.kind) {
    case 'none': return { ...words.none, verdict: '' };
    case 'soon': return { large: '', small: '', verdict: '' };
    case 'speed': {
      const { speed, mode, position } = payoff;
      return { large: tokensPerSecond(speed), small: words.speed(mode, position), verdict: '' };
    }
    case 'race': case 'times': {
      const { on, off, same } = payoff;
      const verdict = same === undefined ? '' : same ? words.same : words.different;
      return payoff.kind === 'times'
        ? { large: words.times(on / off), small: words.speeds(payoff.position, on, off), verdict }
        : { large: words.times(off / on), small: words.raced(payoff.tokens, on, off), verdict };
    }
  }
}

// ---- the proof ----------------------------------------------------------------------------------

/**
 * Are the numbers the same? The verdict, '' if there is none yet, and what follows it or stands in its place.
 * @param {Dictionary} words  @param {ProofState} shown
 */
export function proofWords({ proof: words }, shown) {
  if (shown.stage !== 'shown') return { verdict: '', rest: noProofWords(words, shown) };
  const { of, proof: { tokens, equal } } = shown;
  return equal ? { verdict: words.equal, rest: words.equalRest(of, tokens) }
    : { verdict: words.different, rest: words.differentRest(of, tokens) };
}

/** @param {Dictionary['proof']} words  @param {Exclude<ProofState, { stage: 'shown' }>} shown */
function noProofWords(words, { stage }) {
  switch (stage) {
    case 'comparing prompt': return words.comparingPrompt;
    case 'comparing text': return words.comparingText;
    default: return words[stage];
  }
}

// ---- the chart ----------------------------------------------------------------------------------

/** What the chart shows. @param {Dictionary} words  @param {Curves} curves */
export function chartWords({ chart: words }, curves) {
  const both = contrast(curves);
  if (both) return words[both.atFlip ? 'atFlip' : 'around'](both.position, both.on, both.off);
  const said = MODES.flatMap((mode) => {
    const last = lastPoint(curves, mode);
    return last ? words.last(mode, last.speed, last.position) : [];
  });
  return said.join(' ') || words.empty;
}

/**
 * What was measured at one position; '' if nothing.
 * @param {Dictionary} words  @param {Curves} curves  @param {number} position
 */
export function pointWords({ chart: words }, curves, position) {
  const [on, off] = MODES.map((mode) => speedAt(curves, mode, position) ?? undefined);
  return on === undefined && off === undefined ? '' : words.point(position, on, off);
}

// ---- the benchmark ------------------------------------------------------------------------------

/** What the benchmark is doing, or has found. @param {Dictionary} words  @param {Benchmark} benchmark */
export function benchmarkWords(words, benchmark) {
  const { status, step, share = 0, rows, interrupted } = benchmark;
  if (status === 'running' && step) {
    return words.benchmark.step(step, Math.floor(100 * share));
  }
  if (status === 'failed') return rows.length > 0 ? words.benchmark.failedLate : words.benchmark.failed;
  return status === 'idle' && !interrupted ? words.benchmark.idle : benchmarkNews(words, benchmark);
}

/**
 * What of it is worth being spoken: no percentages, and not errors, which are alerts.
 * @param {Dictionary} words  @param {Benchmark} benchmark
 */
function benchmarkNews({ benchmark: words }, benchmark) {
  const { status, interrupted, second } = benchmark;
  switch (status) {
    case 'idle': return interrupted ? words.interrupted : '';
    case 'loading': return words.loading;
    case 'running': return second ? words.second(second) : words.running;
    case 'stopped': case 'done': return `${words[status]} ${findings(words, benchmark)}`;
    default: return '';
  }
}

/** What to remember of it. @param {Dictionary['benchmark']} words  @param {Benchmark} benchmark */
function findings(words, { rows, subject }) {
  const alike = rows.filter(({ weights }) => weights === rows[0].weights);
  const { context, decode, uncached } = alike[alike.length - 1];
  return words.found(context, decode.median, uncached?.median, subject?.plan.patienceMs ?? 0);
}

// ---- for screen readers -------------------------------------------------------------------------

/**
 * What screen readers should hear of a state, on each of three subjects; undefined: nothing new, '': nothing.
 * @param {Dictionary} words  @param {State} state
 * @returns {{ run: string | undefined, result: string, benchmark: string }}
 */
export const spoken = (words, state) => ({
  run: runNews(words, state),
  result: resultNews(words, state),
  benchmark: benchmarkNews(words, state.benchmark),
});

/** What a run has shown, once it is proved. @param {Dictionary} words  @param {State} state */
function resultNews(words, state) {
  const { proof, race, curves, recorded } = state;
  if (isWorking(state) || recorded || proof.stage !== 'shown' || proof.of !== 'text') return '';
  const { verdict, rest } = proofWords(words, proof);
  if (!race) return `${chartWords(words, curves)} ${verdict}${rest}`;
  const { large, small } = payoffWords(words, payoffOf(state));
  return `${large}, ${small} ${remarkWords(words, state)} ${verdict}${rest}`;
}

/** No ticking numbers, and not errors, which are alerts. @param {Dictionary} words  @param {State} state */
function runNews(words, state) {
  if (state.status === 'stopped' && state.run.stories) return undefined; // the view says it
  switch (state.status) {
    case 'waiting': return undefined;
    case 'loading': return isApart(state) ? undefined : words.status.loading;
    case 'unloaded': return state.loadStopped ? words.status.loadStopped : '';
    case 'starting': case 'ready': case 'failed': return '';
    default: return statusWords(words, state);
  }
}
