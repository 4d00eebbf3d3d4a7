// An engine without WebAssembly: every way in says so with one code. It is taken from a process of its own.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { promisify } from 'node:util';

const SCRIPT = `
  delete globalThis.WebAssembly;
  const { init, loadModel } = await import('kvcache-wasm');
  const model = 'web/models/stories';
  const ways = [
    () => init(), () => init({ variant: 'scalar' }), () => init({ wasm: new Uint8Array(8) }),
    () => loadModel(model), () => loadModel(model, { variant: 'simd' })];
  const said = [];
  for (const way of ways) await way().then(() => said.push('nothing'), (error) => said.push(error));
  console.log(JSON.stringify(said.map(({ name, code, message }) => ({ name, code, message }))));`;

test('without WebAssembly, init() and loadModel() are refused with wasm_unsupported', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', SCRIPT]);
  const said = JSON.parse(stdout);
  assert.equal(said.length, 5);
  for (const { name, code, message } of said) {
    assert.deepEqual([name, code], ['KvcError', 'wasm_unsupported']);
    assert.match(message, /^WebAssembly is missing here.*Lockdown Mode.*\.$/);
  }
});
