// The views in reading order, and where each stands: in one of the figure's two columns, or below the figure.
import { announcer } from './announcer.js';
import { benchmark } from './benchmark.js';
import { chart } from './chart.js';
import { controls } from './controls.js';
import { facts } from './facts.js';
import { numbers } from './numbers.js';
import { prompt } from './prompt.js';
import { proof } from './proof.js';
import { sampling } from './sampling.js';
import { status } from './status.js';
import { story } from './story.js';
import { table } from './table.js';

/** @import { View } from '../player.js' */

/** @typedef {'write' | 'look' | 'below'} Place */

/** @type {readonly { view: View, place: Place }[]} */
export const views = [
  { view: prompt, place: 'write' },
  { view: controls, place: 'write' },
  { view: status, place: 'write' },
  { view: announcer, place: 'write' },
  { view: story, place: 'write' },
  { view: sampling, place: 'write' },
  { view: chart, place: 'look' },
  { view: numbers, place: 'look' },
  { view: facts, place: 'look' },
  { view: proof, place: 'look' },
  { view: table, place: 'look' },
  { view: benchmark, place: 'below' },
];
