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

test('past the context: one column for a page of the text, none for those that both let go of', () => {
  // Of pages 0 to 9 and 0 to 7 of the texts, with one page of sinks and four pages of room.
  const gone = { first: 1, story: 6, fork: 4 };
  const columns = columnsOf({ position: 100, story: [0, 7, 8, 9], fork: [0, 3, 4, 5], gone });
  assert.deepEqual(columns.map(({ story, fork, held }) => [story, fork, held]), [
    [0, 0, 'both'], [undefined, 3, 'own'], [undefined, 4, 'own'], [7, 5, 'own'], [8, undefined, 'own'],
    [9, undefined, 'own'],
  ]);
  const parting = columnsOf({ position: 120, story: [0, 7, 8, 9], fork: [0, 3, 4, 5], gone });
  assert.equal(parting[3].held, 'copied');
  assert.deepEqual(countsOf(parting), { both: 1, copied: 1, own: 2 });
  // The sinks, 8 pages that the story has let go of, 50 that both have, and where they part.
  const long = columnsOf({ position: 951, story: [0, ...range(60, 200)], fork: [0, ...range(60, 192)],
    gone: { first: 1, story: 9, fork: 1 } });
  const { before, lone, isForks, shown, after } = windowOf(long);
  assert.deepEqual([before, lone, isForks, shown.length, after], [51, 8, true, 5, 5]);
  assert.deepEqual(shown.slice(0, 3).map(({ held }) => held), ['both', 'both', 'own']);
  const other = windowOf(long.map(({ story, fork, held }) => ({ story: fork, fork: story, held })));
  assert.deepEqual([other.lone, other.isForks], [8, false]);
});
