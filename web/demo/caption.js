// What goes with a picture that is taken away: the name of its file, and where what it shows comes from.
import { machineOf } from './recorded.js';

/**
 * @import { Machine } from './benchmark.js'
 * @import { State } from './state.js'
 *
 * @typedef {object} Source
 * @property {string} model    its name
 * @property {string} day      ISO 8601
 * @property {string} machine  in words
 * @property {boolean} recorded
 */

/**
 * View and state, as "kv-cache-work-off-1024".
 * @param {string} view  @param {State} [state]  if what it shows is of a run
 */
export function fileName(view, state) {
  const name = `kv-cache-${view}`;
  if (!state?.run.position) return name;
  const { race, run: { mode, position }, recorded } = state;
  const text = race?.lanes ? `race-${race.lanes.off.run.position}` : `${mode}-${position}`;
  return `${name}-${text}${recorded ? '-recorded' : ''}`;
}

/**
 * Undefined where nothing was run.
 * @param {State | undefined} state
 * @param {{ lang: string, model: string, now: Date, machine: Machine }} here
 * @returns {Source | undefined}
 */
export function sourceOf(state, { lang, model, now, machine: { browser, system } }) {
  if (!state?.run.position) return undefined;
  if (!state.recorded) {
    const machine = [browser, system].filter(Boolean).join(', ');
    return { model, day: now.toISOString(), machine, recorded: false };
  }
  const { recording } = state.recorded;
  const machine = `${machineOf(state.recorded, lang)}, ${recording.browser}`;
  return { model: recording.model, day: recording.date, machine, recorded: true };
}

/**
 * Broken into lines between words; a word that is too long has a line of its own.
 * @param {string} text  @param {(line: string) => boolean} fits
 */
export function linesOf(text, fits) {
  /** @type {string[]} */
  const lines = [];
  for (const word of text.split(/\s+/).filter(Boolean)) {
    const longer = lines.length > 0 ? `${lines[lines.length - 1]} ${word}` : '';
    if (longer && fits(longer)) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines;
}
