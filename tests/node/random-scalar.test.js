// Random programs through the scalar build, every other one: what it has of its own, all programs use.
// The rest is in random-build.js.
import { testBuild } from './random-build.js';

testBuild('scalar', ({ seed }) => seed % 2 === 0);
