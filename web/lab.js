// The engine with planted bugs, for lessons and for tests of tests: a module that computes what kvc.wasm
// computes until a bug is switched on, by calling its export kvc_lab_set with the bug's number (0: none).

/**
 * What kvc-lab.json lists.
 * @typedef {object} Bug
 * @property {number} number  what kvc_lab_set takes
 * @property {string} id      as "B6"
 * @property {string} name
 * @property {string} text    what goes wrong, a sentence
 * @property {Edit[]} edits   the lines of C that have it
 *
 * @typedef {object} Edit
 * @property {string} file
 * @property {number} line
 * @property {string} right
 * @property {string} wrong
 * @property {string[]} before  lines of context
 * @property {string[]} after
 */

/** The module: for the option `wasm`, or to be compiled. */
export const labModule = new URL('./engine/kvc-lab.wasm', import.meta.url);

/** A JSON file: an array of Bug. */
export const labBugs = new URL('./engine/kvc-lab.json', import.meta.url);
