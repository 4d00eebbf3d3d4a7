import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { ERROR_CODES, KvcError, abortError, reasonOf, throwIfAborted } from '../../web/engine/errors.js';

test('every code makes a KvcError and has a one-line meaning', () => {
  for (const [code, meaning] of Object.entries(ERROR_CODES)) {
    const cause = new Error('why');
    const error = new KvcError(code, 'It failed.', { cause });
    assert.ok(error instanceof Error);
    assert.equal(error.code, code);
    assert.equal(error.message, 'It failed.');
    assert.equal(error.cause, cause);
    assert.equal(error.name, code === 'aborted' ? 'AbortError' : 'KvcError');
    assert.match(meaning, /^[^\n]{10,90}$/);
    assert.match(code, /^[a-z0-9_]+$/);
  }
});

test('an unknown code is a mistake of the programmer', () => {
  for (const code of ['', 'nope', 'toString', '__proto__', 'constructor', undefined]) {
    assert.throws(() => new KvcError(code, 'x'), TypeError, String(code));
  }
});

test('the table cannot be changed', () => {
  assert.ok(Object.isFrozen(ERROR_CODES));
  assert.equal(Object.getPrototypeOf(ERROR_CODES), null);
});

test('every error of the C core has its code', () => {
  const header = readFileSync(new URL('../../include/kvc.h', import.meta.url), 'utf8');
  const names = [...new Set(header.match(/\bKVC_ERR_[A-Z_]+/g))];
  assert.ok(names.length >= 15, `found only ${names.length} in kvc.h`);
  for (const name of names) assert.ok(name.slice(8).toLowerCase() in ERROR_CODES, name);
});

test('an aborted signal throws code aborted, name AbortError, and keeps the reason', () => {
  const controller = new AbortController();
  throwIfAborted(controller.signal);
  throwIfAborted(undefined);
  throwIfAborted(null);
  const reason = new Error('the user left');
  controller.abort(reason);
  for (const error of [abortError(controller.signal), caught(() => throwIfAborted(controller.signal))]) {
    assert.equal(error.code, 'aborted');
    assert.equal(error.name, 'AbortError');
    assert.equal(error.cause, reason);
  }
});

test('reasonOf has words for anything that is thrown', () => {
  assert.equal(reasonOf(new Error('late')), 'late');
  assert.equal(reasonOf('text'), 'text');
  assert.equal(reasonOf(undefined), 'undefined');
});

function caught(work) {
  try {
    work();
  } catch (error) {
    return error;
  }
  throw new assert.AssertionError({ message: 'nothing was thrown' });
}
