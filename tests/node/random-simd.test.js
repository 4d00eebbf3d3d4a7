// All 1,000 random programs through the simd build: random-build.js.
import { testBuild } from './random-build.js';

testBuild('simd');
