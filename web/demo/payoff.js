// What a run is about, in one number: how many times as fast it is with the cache, at the same place.
import { MODES, contrast, runSpeedAt } from './curves.js';
import { median } from './meter.js';
import { isDecided } from './race.js';

/**
 * @import { Mode } from './curves.js'
 * @import { State } from './state.js'
 *
 * @typedef {{ kind: 'none' | 'soon' }
 *   | { kind: 'speed', mode: Mode, position: number, speed: number }
 *   | { kind: 'race', tokens: number, on: number, off: number, same: boolean | undefined }
 *   | { kind: 'times', position: number, on: number, off: number, same: boolean | undefined }} Payoff
 *   none: nothing was run yet; soon: nothing is measured yet; speed: of this run, which cannot be compared;
 *   race: milliseconds to each lane's end; same: that both ways give the same text was proved, or disproved
 */

const SOME = 16; // tokens

/** @param {State} state  @returns {Payoff} */
export function payoffOf({ run: { number, mode, position }, columns, curves, proof, race }) {
  const both = contrast(curves);
  const proved = proof.stage === 'shown' && proof.of === 'text' ? proof.proof.equal : undefined;
  if (race?.lanes && isDecided(race.lanes)) {
    const { on, off } = race.lanes;
    const same = race.parting === undefined ? proved : false;
    return { kind: 'race', tokens: race.same, on: on.ms, off: off.ms, same };
  }
  if (both && both.on > both.off) {
    return { kind: 'times', position: both.position, on: both.on, off: both.off, same: proved };
  }
  if (number === 0) return { kind: 'none' };
  const { run, meter: { now } } = columns[mode];
  if (run !== number || now === undefined) return { kind: 'soon' };
  return { kind: 'speed', mode, position, speed: now };
}

/**
 * Whether a run has lost a quarter of its speed: over some tokens, because a machine's speed wavers.
 * @param {State} state
 */
export function isSlowing({ run: { mode, prefill, position }, curves }) {
  if (mode === 'on' || !prefill) return false;
  /** @param {number} first  @param {Mode} of */
  const speedsFrom = (first, of) => Array.from({ length: SOME }, (_, i) => runSpeedAt(curves, of, first + i))
    .filter((speed) => speed !== null);
  const begun = MODES.flatMap((of) => speedsFrom(prefill.tokens + 1, of));
  const now = speedsFrom(position - SOME + 1, 'off');
  return now.length > 0 && median(now) < 0.75 * Math.max(...begun);
}
