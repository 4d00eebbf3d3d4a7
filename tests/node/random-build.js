// The random cases of the native ring once more, through a wasm build and the binding: the digests in
// tests/fixtures/random.txt come from the naive oracle, not from the engine. Each build has a test file, and
// so a process, of its own: Node 20 may hang at exit after some 10,000 modules (nodejs/node#54918).
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import '../relaxed.js';
import { loadModel } from 'kvcache-wasm';
import { modelOf, randomCase, run } from './random.js';

const fixture = await readFile(new URL('../fixtures/random.txt', import.meta.url), 'utf8');
const digests = fixture.split('\n').filter((line) => line !== '' && !line.startsWith('#'));

const cases = digests.map((digest, i) => {
  const drawn = randomCase(i + 1);
  return { drawn, digest, files: () => modelOf(drawn) };
});

/**
 * @param {'relaxed' | 'simd' | 'scalar'} variant
 * @param {(drawn: ReturnType<typeof randomCase>) => boolean} [wanted]  where another build has the rest of
 *   the code
 */
export function testBuild(variant, wanted = () => true) {
  const chosen = cases.filter(({ drawn }) => wanted(drawn));
  test(`${variant}: ${chosen.length} random programs give the naive oracle's bits`, async () => {
    assert.ok(cases.length >= 1000 && chosen.length >= 200);
    for (const { drawn, digest, files } of chosen) {
      const model = await loadModel(files(), { variant, weights: drawn.weights, tokenizer: false });
      assert.equal(model.variant, variant);
      const computed = run(drawn, model);
      model.dispose();
      assert.equal(computed.digest, digest,
        `case ${drawn.seed} differs. It gives these lines; build/gcc-O2/test_random trace `
        + `${drawn.seed} prints the program and the right ones:\n${computed.lines.join('')}`);
    }
  });
}
