// Writes what the lab build has in place of sources: those that bugs.txt names, with all of their bugs in
// them, each switched on by kvc_lab_set().
//
//   node src/lab/plant.js OUT     from the root of the repository: writes OUT/src/... and OUT/bugs.json
//
// A line with bugs becomes one line that chooses between them, and #line tells the compiler the real file, so
// its messages point where they should. The choice is as small as the two lines allow: an expression
// (assignment, return), a condition (if, while, for), or a whole statement.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';

const CONTEXT = 3; // lines shown before and after a changed one

/**
 * @typedef {{ file: string, right: string, wrong: string }} Edit
 * @typedef {{ number: number, id: string, name: string, text: string, edits: Edit[], scenario?: string,
 *   threads?: string[], found?: string[] }} Bug
 *     number: its place in bugs.txt from 1 on, what kvc_lab_set() takes
 *     found: the tests that find it
 */

/** @param {string} text  of bugs.txt  @returns {Bug[]} */
export function parseBugs(text) {
  const paragraphs = text.replace(/^#.*\n/gm, '').split(/\n\s*\n/).map((paragraph) => paragraph.trim());
  const bugs = paragraphs.filter(Boolean).map((paragraph, i) => parseBug(paragraph, i + 1));
  const twice = bugs.find((bug, i) => bugs.findIndex(({ id }) => id === bug.id) !== i);
  if (twice) throw new Error(`bugs.txt: ${twice.id} stands there twice`);
  return bugs;
}

/** @param {string} paragraph  @param {number} number  @returns {Bug} */
function parseBug(paragraph, number) {
  /** @type {Bug} */
  const bug = { number, id: '', name: '', text: '', edits: [] };
  let file = '', right = '';
  for (const line of paragraph.split('\n')) {
    const [, key, value] = /^(\w+) (.*\S)\s*$/.exec(line) ?? [];
    if (key === 'bug') [bug.id, bug.name] = value.split(' ');
    else if (key === 'text') bug.text = value;
    else if (key === 'file') file = value;
    else if (key === 'scenario') bug.scenario = value;
    else if (key === 'thread') bug.threads = [...(bug.threads ?? []), value];
    else if (key === 'found') bug.found = [...(bug.found ?? []), value];
    else if (key === 'right') right = value;
    else if (key === 'wrong' && file && right) {
      bug.edits.push({ file, right, wrong: value });
      right = '';
    } else throw new Error(`bugs.txt: "${line}" does not belong here; the format stands at its top`);
  }
  if (!bug.id || !bug.name || !bug.text || !bug.edits.length || right) {
    throw new Error(`bugs.txt: bug ${bug.id || number} lacks its id, name, text or a wrong line`);
  }
  return bug;
}

/**
 * The bugs with the tests that have found them.
 * @param {Bug[]} bugs  @param {string} record  of found.txt
 */
export function withTests(bugs, record) {
  const lines = record.split('\n').map((line) => /^(\w+) (\S.*)$/.exec(line) ?? []);
  const testsOf = (/** @type {Bug} */ { id }) => lines.filter(([, of]) => of === id).map(([,, test]) => test);
  return bugs.map((bug) => ({ ...bug, found: testsOf(bug) }));
}

/**
 * The source of a file with its bugs as switches.
 * @param {string} source  @param {string} file  its path, as in bugs.txt  @param {Bug[]} bugs
 */
export function plant(source, file, bugs) {
  const lines = source.split('\n');
  const changes = editsByLine(lines, file, bugs);
  for (const [at, edits] of changes) {
    const right = lines[at].trim();
    const line = switchLine(right, edits);
    if (!line) {
      const all = [right, ...edits.map(({ wrong }) => wrong)].join('\n  ');
      throw new Error(`${file}:${at + 1}: no expression, condition or statement changes here:\n  ${all}`);
    }
    lines[at] = lines[at].replace(right, () => line);
  }
  return `#include "lab/lab.h"\n#line 1 "${file}"\n${lines.join('\n')}`;
}

/** @typedef {{ number: number, wrong: string }} Wrong */

/**
 * @param {string[]} lines  @param {string} file  @param {Bug[]} bugs
 * @returns {Map<number, Wrong[]>}  by the index of the line
 */
function editsByLine(lines, file, bugs) {
  /** @type {Map<number, Wrong[]>} */
  const found = new Map();
  for (const { number, id, edits } of bugs) {
    for (const { right, wrong } of edits.filter((edit) => edit.file === file)) {
      const at = lineOf(lines, right, `${id}: ${file}`);
      found.set(at, [...(found.get(at) ?? []), { number, wrong }]);
    }
  }
  return found;
}

/**
 * The index of the one line that is this but for its indentation.
 * @param {string[]} lines  @param {string} right  @param {string} where  it is looked for
 */
export function lineOf(lines, right, where) {
  const at = lines.findIndex((line) => line.trim() === right);
  if (at < 0) throw new Error(`${where} has no line\n  ${right}`);
  if (lines.findLastIndex((line) => line.trim() === right) !== at) {
    throw new Error(`${where} has more than one line\n  ${right}`);
  }
  return at;
}

// ---- the forms of a line --------------------------------------------------------------------

/** @param {string} right  @param {Wrong[]} wrongs  @returns {string | undefined} undefined: no form fits */
function switchLine(right, wrongs) {
  return switchParts(right, wrongs, splitFor) ?? switchParts(right, wrongs, splitCondition)
    ?? switchParts(right, wrongs, splitExpression) ?? switchStatement(right, wrongs);
}

/**
 * A form splits a line into what must be the same and, at odd places, what may differ.
 * @typedef {(line: string) => string[] | undefined} Split
 */

/** @param {string} right  @param {Wrong[]} wrongs  @param {Split} split */
function switchParts(right, wrongs, split) {
  const parts = split(right);
  const others = wrongs.map(({ number, wrong }) => ({ number, parts: split(wrong) }));
  if (!parts || others.some((other) => !sameFrame(parts, other.parts))) return undefined;
  return parts.map((part, i) => {
    const wrongParts = others.map((other) => ({ number: other.number, wrong: other.parts?.[i] ?? '' }));
    return choose(part, wrongParts);
  }).join('');
}

/** @param {string[]} parts  @param {string[] | undefined} others */
function sameFrame(parts, others) {
  return others?.length === parts.length && parts.every((part, i) => i % 2 === 1 || part === others[i]);
}

/** @param {string} right  @param {Wrong[]} wrongs */
function choose(right, wrongs) {
  const others = wrongs.filter(({ wrong }) => wrong !== right);
  const chain = others.map(({ number, wrong }) => `kvc_lab_bug == ${number} ? (${wrong}) : `);
  return chain.length ? `${chain.join('')}(${right})` : right;
}

/** for (A; B; C): A's expression and B @type {Split} */
function splitFor(line) {
  const match = /^for \((.*)$/.exec(line);
  const end = match ? closing(match[1]) : -1;
  if (!match || end < 0) return undefined;
  const [first, condition, step, ...more] = match[1].slice(0, end).split(';');
  if (step === undefined || more.length) return undefined;
  const [start, value = '', semicolon = ';'] = splitExpression(`${first};`) ?? [`${first};`, '', ''];
  return [`for (${start}`, value, `${semicolon} `, condition.trim(), `;${step}${match[1].slice(end)}`];
}

/** if (COND), while (COND), with what stands around it @type {Split} */
function splitCondition(line) {
  const match = /^((?:\} )?(?:else )?(?:if|while) \()(.*)$/.exec(line);
  const end = match ? closing(match[2]) : -1;
  return match && end >= 0 ? [match[1], match[2].slice(0, end), match[2].slice(end)] : undefined;
}

/** PREFIX = EXPR; with any assignment, or return EXPR; @type {Split} */
function splitExpression(line) {
  const match = /^(return |[^;(]*? (?:[-+*/%&|^]|<<|>>)?= )([^;]+)(;)$/.exec(line);
  return match?.slice(1);
}

/** @param {string} right  @param {Wrong[]} wrongs */
function switchStatement(right, wrongs) {
  if (![right, ...wrongs.map(({ wrong }) => wrong)].every((line) => line.endsWith(';'))) return undefined;
  const chain = wrongs.map(({ number, wrong }) => `if (kvc_lab_bug == ${number}) { ${wrong} } else `);
  return `{ ${chain.join('')}{ ${right} } }`;
}

/** Where the parenthesis closes that was opened before text; -1: not in this line. @param {string} text */
function closing(text) {
  let depth = 1;
  return [...text].findIndex((character) => {
    depth += character === '(' ? 1 : character === ')' ? -1 : 0;
    return depth === 0;
  });
}

// ---- what is written ------------------------------------------------------------------------

/**
 * The bugs with the place and the surroundings of each changed line, for a page that shows the difference.
 * @param {Bug[]} bugs  @param {Map<string, string>} sources
 */
export function describe(bugs, sources) {
  return bugs.map((bug) => ({
    ...bug,
    edits: bug.edits.map(({ file, right, wrong }) => {
      const lines = (sources.get(file) ?? '').split('\n');
      const at = lineOf(lines, right, `${bug.id}: ${file}`);
      const indent = lines[at].slice(0, lines[at].indexOf(right));
      return {
        file, line: at + 1, right: lines[at], wrong: indent + wrong,
        before: lines.slice(Math.max(0, at - CONTEXT), at), after: lines.slice(at + 1, at + 1 + CONTEXT),
      };
    }),
  }));
}

/** Everything is checked before anything is written. @param {string} out */
async function main(out) {
  const list = parseBugs(await readFile('src/lab/bugs.txt', 'utf8'));
  const bugs = withTests(list, await readFile('src/lab/found.txt', 'utf8'));
  const files = [...new Set(bugs.flatMap(({ edits }) => edits.map(({ file }) => file)))];
  /** @type {Map<string, string>} */
  const sources = new Map();
  for (const file of files) sources.set(file, await readFile(file, 'utf8'));
  const planted = files.map((file) => ({ file, text: plant(sources.get(file) ?? '', file, bugs) }));
  const ids = bugs.map(({ id }) => `"${id}"`).join(', ');
  const names = `static const char *const kvc_lab_ids[] = {"none", ${ids}};\n`;
  await mkdir(out, { recursive: true });
  // First, because make takes the others for made from it.
  await writeFile(join(out, 'bugs.json'), `${JSON.stringify(describe(bugs, sources), null, 1)}\n`);
  for (const { file, text } of [...planted, { file: 'src/lab/ids.h', text: names }]) {
    await mkdir(join(out, dirname(file)), { recursive: true });
    await writeFile(join(out, file), text);
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  await main(process.argv[2]).catch((error) => {
    console.error(`plant.js: ${error.message}`);
    process.exitCode = 1;
  });
}
