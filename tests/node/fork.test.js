// A fork drawn by its pages: what is shared, copied and its own.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { columnsOf, countsOf, windowOf } from '../../web/demo/fork.js';

const range = (n, first = 0) => Array.from({ length: n }, (_, i) => first + i);

/** A story of 70 pages, and a fork with pages of its own after so many tokens. */
const forked = (position, both, more) => (
  { position, story: range(70), fork: [...range(both), ...range(more, 70)] });

test('pages of both, the one that was copied, and those of one alone', () => {
  const columns = columnsOf({ position: 40, story: range(5), fork: [0, 1, 5, 6] });
  assert.deepEqual(columns.map(({ held }) => held), ['both', 'both', 'copied', 'own', 'own']);
  assert.deepEqual(columns.map(({ fork }) => fork), [0, 1, 5, 6, undefined]);
  assert.deepEqual(countsOf(columns), { both: 2, copied: 1, own: 1 });
  const atEnd = columnsOf({ position: 32, story: [0, 1], fork: [0, 1, 2] });
  assert.deepEqual(countsOf(atEnd), { both: 2, copied: 0, own: 1 });
});

test('six columns around the place where they part, and how many stand beside', () => {
  const shown = (position, both, more) => {
    const { before, shown: six, after } = windowOf(columnsOf(forked(position, both, more)));
    assert.equal(six.length, 6);
    return [before, six.findIndex(({ held }) => held !== 'both'), after];
  };
  assert.deepEqual(shown(3, 0, 2), [0, 0, 64]);
  assert.deepEqual(shown(20, 1, 2), [0, 1, 64]);
  assert.deepEqual(shown(500, 31, 2), [29, 2, 35]);
  assert.deepEqual(shown(1110, 69, 2), [65, 4, 0]);
  const seven = windowOf(columnsOf({ position: 107, story: range(6), fork: [...range(5), 6, 7] }));
  assert.deepEqual([seven.before, seven.shown.length, seven.after], [0, 7, 0]);
});
