// What a run is about, in one number: how many times as fast it is with the cache, at the same place.
import { contrast, runSpeedAt } from './curves.js';
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

/** Whether a run has lost a quarter of its speed. @param {State} state */
export function isSlowing({ run: { mode, prefill, position }, curves }) {
  if (mode === 'on' || !prefill) return false;
  const first = prefill.tokens + 1;
  const begun = runSpeedAt(curves, 'off', first) ?? runSpeedAt(curves, 'on', first);
  const now = runSpeedAt(curves, 'off', position);
  return begun !== null && now !== null && now < 0.75 * begun;
}
