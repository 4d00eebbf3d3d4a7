// 1,000 random programs through the relaxed build: random-build.js.
import { testBuild } from './random-build.js';

testBuild('relaxed');
