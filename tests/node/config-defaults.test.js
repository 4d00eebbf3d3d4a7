// A key that is missing in config.json means what its class in transformers takes for it, not what another
// class does: fixtures/defaults.json has these from the classes themselves.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { parseConfig } from '../../web/config/config.js';

const classes = JSON.parse(await readFile(new URL('../fixtures/defaults.json', import.meta.url), 'utf8'));

/** Sizes that a class has a preset for, which no other model than its first has: we insist on them. */
const INSISTED = ['intermediate_size', 'n_inner'];

/** Presets that no model of the class has, and that are refused as a value of the file is. */
const NOT_COMPUTED = { marian: ['activation_function', 'scale_embedding'] };

/** The architectures that can be computed, from the message that names them. */
function known() {
  try {
    parseConfig({ model_type: 'none' });
  } catch (error) {
    return [...error.message.slice(error.message.indexOf('can be computed')).matchAll(/"(\w+)"/g)]
      .map(([, name]) => name);
  }
}

test('there are presets of every architecture that can be computed', () => {
  assert.ok(known().length >= 7);
  for (const name of known()) assert.ok(classes[name], name);
});

for (const model_type of known()) {
  const { base, missing } = classes[model_type];
  test(`${model_type}: ${Object.keys(missing).length} keys, each of them missing once`, () => {
    const read = (changes) => parseConfig({ model_type, ...base, ...changes });
    for (const [key, preset] of Object.entries(missing)) {
      const { [key]: _, ...rest } = base;
      const without = () => parseConfig({ model_type, ...rest });
      if (INSISTED.includes(key) && preset !== null) {
        assert.throws(without, { code: 'config_invalid', message: new RegExp(`${key} is missing`) });
        continue;
      }
      if (NOT_COMPUTED[model_type]?.includes(key)) {
        for (const config of [without, () => read({ [key]: preset })]) {
          assert.throws(config, { code: 'unsupported_architecture', message: new RegExp(key) });
        }
        continue;
      }
      assert.deepEqual(without(), read({ [key]: preset }), key);
      // and it is another value than that of the base, unless only one can be computed
      const isOther = JSON.stringify(base[key]) !== JSON.stringify(preset) && !/activation|_act$/.test(key);
      if (isOther) assert.notDeepEqual(without(), read({}), key);
    }
  });
}
