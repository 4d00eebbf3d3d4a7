// Random programs through the relaxed build, which has products of int8 weights of its own: random-build.js.
import { testBuild } from './random-build.js';

testBuild('relaxed', ({ weights }) => weights === 'int8');
