// The lab: the engine with planted bugs, for lessons and for tests of tests. Its module computes what
// kvc.wasm computes until a bug is switched on.
export { experiment, switchBug } from './lab/experiment.js';
export { SCENARIOS } from './lab/scenarios.js';

/**
 * @typedef {import('./lab/experiment.js').Experiment} Experiment
 * @typedef {import('./lab/experiment.js').Outcome} Outcome
 * @typedef {import('./lab/scenarios.js').Scenario} Scenario
 * @typedef {import('./lab/scenarios.js').ScenarioName} ScenarioName
 */

/**
 * What kvc-lab.json lists.
 * @typedef {object} Bug
 * @property {number} number  what switchBug() takes
 * @property {string} id      as "B6"
 * @property {string} name
 * @property {string} text    what goes wrong, a sentence
 * @property {Edit[]} edits   the lines of C that have it
 * @property {string[]} found  tests that find it, as "sync: an_edit_at_token_i_reuses_exactly_i"
 * @property {string[]} [threads]  addresses: where somebody met it, or what it is a case of
 * @property {ScenarioName} [scenario]  that brings it out, where the demo offers it
 *
 * @typedef {object} Edit
 * @property {string} file
 * @property {number} line
 * @property {string} right
 * @property {string} wrong
 * @property {string[]} before  lines of context
 * @property {string[]} after
 */

/** The module: for the option `wasm` of loadModel(), or to be compiled. */
export const labModule = new URL('./engine/kvc-lab.wasm', import.meta.url);

/** A JSON file: an array of Bug. */
export const labBugs = new URL('./engine/kvc-lab.json', import.meta.url);
