// The views in reading order, and where each stands: in one of the figure's two columns, or below the figure.
import { announcer } from './announcer.js';
import { chart } from './chart.js';
import { controls, controlsBeside } from './controls.js';
import { facts } from './facts.js';
import { model } from './model.js';
import { numbers } from './numbers.js';
import { payoff } from './payoff.js';
import { prompt } from './prompt.js';
import { proof } from './proof.js';
import { sampling } from './sampling.js';
import { status } from './status.js';
import { story } from './story.js';
import { table } from './table.js';

/**
 * @import { Later } from '../parts/later.js'
 * @import { View } from '../view.js'
 */

/**
 * @typedef {'stage' | 'write' | 'look' | 'below'} Place
 *
 * always: with any other of the figure
 * @typedef {{ view: View, place: Place, always?: boolean }} Present
 *
 * @typedef {Present | Later & { place: Place, always?: undefined }} Placed
 */

/** @type {readonly Placed[]} */
export const views = [
  { view: controls, place: 'stage', always: true },
  { view: status, place: 'stage', always: true },
  { view: payoff, place: 'stage', always: true },
  { view: chart, place: 'stage' },
  { view: story, place: 'stage' },
  { view: prompt, place: 'write', always: true },
  { view: sampling, place: 'write' },
  { view: model, place: 'write' },
  { view: numbers, place: 'look' },
  { view: facts, place: 'look' },
  { view: proof, place: 'look' },
  { view: table, place: 'look' },
  { name: 'text', place: 'look', room: 48, load: () => import('./text.js') },
  { name: 'work', place: 'look', room: 40, load: () => import('./work.js') },
  { name: 'lens', place: 'look', room: 48, load: () => import('./lens.js') },
  { name: 'race', place: 'below', room: 60, load: () => import('./race.js') },
  { name: 'strips', place: 'look', room: 50, load: () => import('./strips.js') },
  { name: 'step', place: 'look', room: 52, load: () => import('./step.js') },
  { name: 'edit', place: 'below', room: 40, load: () => import('./edit.js') },
  { name: 'map', place: 'look', room: 110, load: () => import('./map.js') },
  { name: 'benchmark', place: 'below', room: 24, load: () => import('./benchmark.js') },
  {
    name: 'lab', place: 'below', room: 96,
    load: async () => ({ lab: await (await import('./lab.js')).labView() }),
  },
  { name: 'calculator', place: 'below', room: 86, load: () => import('./calculator.js') },
  { name: 'sounds', place: 'below', room: 60, load: () => import('./sounds.js') },
  { name: 'window', place: 'below', room: 56, load: () => import('./window.js') },
  { name: 'tour', place: 'below', room: 120, load: () => import('./tour.js') },
  { view: announcer, place: 'below', always: true },
];

/** @param {string} name  @returns {Placed} */
export const viewCalled = (name) => /** @type {Placed} */ (views.find((placed) => nameOf(placed) === name));

/** @param {Placed} placed */
export const nameOf = (placed) => ('view' in placed ? placed.view.name : placed.name);

/**
 * The views to be shown: those that are named, in that order, and before them those that they need: the
 * controls are the figure's, and what stands below it has its own.
 * @param {readonly string[]} [names]  if absent, all of them
 */
export function viewsNamed(names) {
  if (!names) return views;
  const named = views.filter((placed) => names.includes(nameOf(placed)))
    .sort((a, b) => names.indexOf(nameOf(a)) - names.indexOf(nameOf(b)));
  const places = new Set(named.map(({ place }) => (place === 'below' ? 'below' : 'figure')));
  const needed = views.filter(({ place, always }) => always && (place === 'below' || places.has('figure')));
  return [...needed, ...named];
}

/**
 * The views to be shown beside another figure, which has all that they need: one below the other, and the
 * switch before them, unless they do without.
 * @param {readonly string[]} names
 */
export const viewsBeside = (names) => viewsNamed(names)
  .filter((placed) => !placed.always || nameOf(placed) === controls.name)
  .map((placed) => (placed.always ? { view: controlsBeside } : placed))
  .map((placed) => ({ ...placed, place: /** @type {const} */ ('below') }));
