// 1,000 random programs through the scalar build: random-build.js.
import { testBuild } from './random-build.js';

testBuild('scalar');
