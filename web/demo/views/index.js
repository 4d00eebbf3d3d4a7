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

/** @typedef {{ view: View, place: Place, always?: boolean }} Placed  always: with any other of the figure */

/** @type {readonly Placed[]} */
export const views = [
  { view: controls, place: 'stage', always: true },
  { view: status, place: 'stage', always: true },
  { view: payoff, place: 'stage', always: true },
  { view: chart, place: 'stage' },
  { view: story, place: 'stage' },
  { view: prompt, place: 'write', always: true },
  { view: sampling, place: 'write' },
  { view: numbers, place: 'look' },
  { view: facts, place: 'look' },
  { view: proof, place: 'look' },
  { view: table, place: 'look' },
  { view: benchmark, place: 'below' },
  { view: announcer, place: 'below', always: true },
];

/**
 * The views to be shown: those that are named, in that order, and before them those that they need: the
 * controls are the figure's, and a benchmark alone has its own.
 * @param {readonly string[]} [names]  if absent, all of them
 */
export function viewsNamed(names) {
  if (!names) return views;
  const named = views.filter(({ view }) => names.includes(view.name))
    .sort((a, b) => names.indexOf(a.view.name) - names.indexOf(b.view.name));
  const places = new Set(named.map(({ place }) => (place === 'below' ? 'below' : 'figure')));
  const needed = views.filter(({ place, always }) => always && (place === 'below' || places.has('figure')));
  return [...needed, ...named];
}
