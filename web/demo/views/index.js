// The views in reading order, and where each stands: in one of the figure's two columns, or below the figure.
import { announcer } from './announcer.js';
import { benchmark } from './benchmark.js';
import { chart } from './chart.js';
import { controls } from './controls.js';
import { facts } from './facts.js';
import { numbers } from './numbers.js';
import { payoff } from './payoff.js';
import { prompt } from './prompt.js';
import { proof } from './proof.js';
import { sampling } from './sampling.js';
import { status } from './status.js';
import { story } from './story.js';
import { table } from './table.js';

/** @import { View } from '../player.js' */

/** @typedef {'stage' | 'write' | 'look' | 'below'} Place */

/** @typedef {{ view: View, place: Place, always?: boolean }} Placed  always: shown whatever is wanted */

/** @type {readonly Placed[]} */
export const views = [
  { view: controls, place: 'stage', always: true },
  { view: status, place: 'stage', always: true },
  { view: payoff, place: 'stage', always: true },
  { view: announcer, place: 'stage', always: true },
  { view: chart, place: 'stage' },
  { view: story, place: 'stage' },
  { view: prompt, place: 'write', always: true },
  { view: sampling, place: 'write' },
  { view: numbers, place: 'look' },
  { view: facts, place: 'look' },
  { view: proof, place: 'look' },
  { view: table, place: 'look' },
  { view: benchmark, place: 'below' },
];

/**
 * The views to be shown: those that always are, then those that are named, in that order.
 * @param {readonly string[]} [names]  if absent, all of them
 */
export function viewsNamed(names) {
  if (!names) return views;
  /** @param {Placed} placed */
  const rank = ({ view, always }) => (always ? -1 : names.indexOf(view.name));
  return views.filter(({ view, always }) => always || names.includes(view.name))
    .sort((a, b) => rank(a) - rank(b));
}
