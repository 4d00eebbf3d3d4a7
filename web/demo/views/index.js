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

/** @type {readonly { view: View, place: Place }[]} */
export const views = [
  { view: controls, place: 'stage' },
  { view: status, place: 'stage' },
  { view: payoff, place: 'stage' },
  { view: announcer, place: 'stage' },
  { view: chart, place: 'stage' },
  { view: story, place: 'stage' },
  { view: prompt, place: 'write' },
  { view: sampling, place: 'write' },
  { view: numbers, place: 'look' },
  { view: facts, place: 'look' },
  { view: proof, place: 'look' },
  { view: table, place: 'look' },
  { view: benchmark, place: 'below' },
];
