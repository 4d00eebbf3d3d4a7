// The generator of the lab's sources: every form of a line, alone and with several bugs, and what it refuses.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describe, parseBugs, plant, withTests } from '../../src/lab/plant.js';

const FILE = 'src/a/a.c';

/** Bugs in one file, for each of them its pairs of right and wrong. @param {...[string, string][]} lists */
const bugsOf = (...lists) => lists.map((edits, i) => ({
  number: i + 1, id: `T${i + 1}`, name: 'a_name', text: 'A sentence.',
  edits: edits.map(([right, wrong]) => ({ file: FILE, right, wrong })),
}));

/** What one line becomes, with #1 for bug 1. @param {string} right  @param {...string} wrongs */
const planted = (right, ...wrongs) => {
  const bugs = bugsOf(...wrongs.map((wrong) => [[right, wrong]]));
  return plant(`    ${right}`, FILE, bugs).split('\n').at(-1).slice(4).replaceAll('kvc_lab_bug == ', '#');
};

test('an expression is chosen: assignments of every kind, declarations, return', () => {
  assert.equal(planted('x = a + b;', 'x = a;'), 'x = #1 ? (a) : (a + b);');
  assert.equal(planted('const int n = f(a);', 'const int n = 0;'), 'const int n = #1 ? (0) : (f(a));');
  assert.equal(planted('t->sum[i] += *x;', 't->sum[i] += 1;'), 't->sum[i] += #1 ? (1) : (*x);');
  assert.equal(planted('x <<= 2;', 'x <<= 3;'), 'x <<= #1 ? (3) : (2);');
  assert.equal(planted('x = a == b;', 'x = a <= b;'), 'x = #1 ? (a <= b) : (a == b);');
  assert.equal(planted('return a == b;', 'return true;'), 'return #1 ? (true) : (a == b);');
});

test('a condition is chosen, with and without a brace', () => {
  assert.equal(planted('if (f(a) > (b))', 'if (true)'), 'if (#1 ? (true) : (f(a) > (b)))');
  assert.equal(planted('if (a) {', 'if (b) {'), 'if (#1 ? (b) : (a)) {');
  assert.equal(planted('} else if (a) {', '} else if (b) {'), '} else if (#1 ? (b) : (a)) {');
  assert.equal(planted('while (n > f(1))', 'while (false)'), 'while (#1 ? (false) : (n > f(1)))');
  assert.equal(planted('if (a) return;', 'if (b) return;'), 'if (#1 ? (b) : (a)) return;');
});

test('a loop: where it starts and how long it goes on', () => {
  assert.equal(planted('for (size_t i = 0; i < n; i++) {', 'for (size_t i = 1; i <= n; i++) {'),
    'for (size_t i = #1 ? (1) : (0); #1 ? (i <= n) : (i < n); i++) {');
  assert.equal(planted('for (; i < f(n); i++)', 'for (; i < n; i++)'),
    'for (; #1 ? (i < n) : (i < f(n)); i++)');
});

test('any other statement becomes one of two', () => {
  assert.equal(planted('f(a);', 'g(b); return;'), '{ if (#1) { g(b); return; } else { f(a); } }');
  assert.equal(planted('x = 1;', 'y = 1;'), '{ if (#1) { y = 1; } else { x = 1; } }');
  assert.equal(planted('if (a) return;', 'if (a) break;'),
    '{ if (#1) { if (a) break; } else { if (a) return; } }');
});

test('several bugs change one line', () => {
  assert.equal(planted('x = 1;', 'x = 2;', 'x = 3;'), 'x = #1 ? (2) : #2 ? (3) : (1);');
  assert.equal(planted('f();', 'g();', 'h();'),
    '{ if (#1) { g(); } else if (#2) { h(); } else { f(); } }');
  assert.equal(planted('x = 1;', 'x = 2;', 'f();'),
    '{ if (#1) { x = 2; } else if (#2) { f(); } else { x = 1; } }');
  assert.equal(planted('for (i = 0; i < n; i++)', 'for (i = 1; i < n; i++)', 'for (i = 0; i < m; i++)'),
    'for (i = #1 ? (1) : (0); #2 ? (i < m) : (i < n); i++)');
});

test('what fits no form is refused, with its place and the lines', () => {
  for (const [right, wrong] of [
    ['if (a) {', 'if (b)'], ['if (a) {', 'while (a) {'], ['f(a,', 'f(b,'], ['} else {', '} else if (a) {'],
    ['for (i = 0; i < n; i++) {', 'for (i = 0; i < n; i += 2) {'], ['case 1:', 'case 2:'],
    ['for (i = 0; i < n; i++)', 'for (j = 0; i < n; i++)'],
  ]) {
    assert.throws(() => planted(right, wrong), ({ message }) => {
      return message.startsWith(`${FILE}:1: `) && message.endsWith(`\n  ${right}\n  ${wrong}`);
    });
  }
});

test('lines keep their numbers, and messages name the real file', () => {
  const source = 'int f(void)\n{\n    return 1;\n}\n';
  const text = plant(source, FILE, bugsOf([['return 1;', 'return 2;']]));
  const changed = source.replace('1;', 'kvc_lab_bug == 1 ? (2) : (1);');
  assert.equal(text, `#include "lab/lab.h"\n#line 1 "src/a/a.c"\n${changed}`);
});

test('a line must stand in its file exactly once', () => {
  const bugs = bugsOf([['x = 1;', 'x = 2;']]);
  assert.throws(() => plant('x = 1; /* no */\n', FILE, bugs), /T1: src.a.a.c has no line\n {2}x = 1;/);
  const twice = /T1: src.a.a.c has more than one line\n {2}x = 1;/;
  assert.throws(() => plant('x = 1;\n  x = 1;\n', FILE, bugs), twice);
});

const PARAGRAPH = 'bug T1 a_name\ntext A sentence.\nfile src/a/a.c\nright x = 1;\nwrong x = 2;\n';

test('bugs.txt: paragraphs, comments, several files and lines of one bug', () => {
  const more = 'right y;\nwrong z;\nfile src/b/b.c\nright f();\nwrong g();\n';
  const bugs = parseBugs(`# About\n\n${PARAGRAPH}${more}\n# More\n${PARAGRAPH.replace('T1', 'T2')}`);
  assert.deepEqual(bugs.map(({ number, id, name, text }) => [number, id, name, text]),
    [[1, 'T1', 'a_name', 'A sentence.'], [2, 'T2', 'a_name', 'A sentence.']]);
  assert.deepEqual(bugs[0].edits, [
    { file: FILE, right: 'x = 1;', wrong: 'x = 2;' }, { file: FILE, right: 'y;', wrong: 'z;' },
    { file: 'src/b/b.c', right: 'f();', wrong: 'g();' },
  ]);
});

test('bugs.txt: the tests that must find a bug, where a list names them', () => {
  const found = 'found a.test.js\nfound b.test.js\n';
  const [bug, other] = parseBugs(`${PARAGRAPH}${found}\n${PARAGRAPH.replace('T1', 'T2')}`);
  assert.deepEqual(bug.found, ['a.test.js', 'b.test.js']);
  assert.equal('found' in other, false);
});

test('bugs.txt: how a bug is brought out, where it was met, and the tests that the record has for it', () => {
  const more = 'scenario edit\nthread https://a.example/1\nthread https://a.example/2\n';
  const record = '# A comment.\nT1 sync: lengths\nT10 sync: no\nT1 cache: all\n';
  const bugs = withTests(parseBugs(`${PARAGRAPH}${more}\n${PARAGRAPH.replace('T1', 'T2')}`), record);
  const [{ scenario, threads }, other] = bugs;
  assert.deepEqual([scenario, threads], ['edit', ['https://a.example/1', 'https://a.example/2']]);
  assert.equal('scenario' in other, false);
  assert.deepEqual(bugs.map(({ found }) => found), [['sync: lengths', 'cache: all'], []]);
});

test('bugs.txt: what is missing, misspelt or there twice is refused', () => {
  for (const line of PARAGRAPH.trim().split('\n')) {
    assert.throws(() => parseBugs(PARAGRAPH.replace(`${line}\n`, '')), /bugs\.txt: /, line);
    assert.throws(() => parseBugs(PARAGRAPH.replace(line, `x${line}`)), /bugs\.txt: ".*" does not belong/);
  }
  assert.throws(() => parseBugs(`${PARAGRAPH}right y;\n`), /lacks/);
  assert.throws(() => parseBugs(`${PARAGRAPH}\n${PARAGRAPH}`), /T1 stands there twice/);
});

test('a page is told where each line stands, and what is around it', () => {
  const source = ['a', 'b', 'c', 'd', 'x = 1;', 'e'].join('\n');
  const [{ number, edits }] = describe(bugsOf([['x = 1;', 'x = 2;']]), new Map([[FILE, source]]));
  assert.equal(number, 1);
  assert.deepEqual(edits, [{
    file: FILE, line: 5, right: 'x = 1;', wrong: 'x = 2;', before: ['b', 'c', 'd'], after: ['e'],
  }]);
});
