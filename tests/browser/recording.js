// From the events of a run to a recording, as small as it gets: web/demo/recording.js gives them back.
import assert from 'node:assert/strict';
import { momentsOf } from '../../web/demo/recording.js';
import { initialState, reduce } from '../../web/demo/state.js';

const COLUMNS = 110;
/** Of JSON: a short list of numbers as one, or all up to the next comma, which may stand in a text. */
const PIECES = /\[[\d.,]{1,20}\]+,?|(?:"(?:[^"\\]|\\.)*"|[^,"[]|\[(?![\d.,]{1,20}\]))+,?/g;
const is = (type) => (event) => event.type === type;

/**
 * @param {object[]} events  of one run and its proof
 * @param {object} facts     that no event tells: date, machine, browser, version, model
 * @param {string} prompt
 * @returns {import('../../web/demo/recording.js').Recording}
 * @throws  if it would not give back what was recorded
 */
export function compact(events, facts, prompt) {
  const { sampling, memory, model, run, proof } = events.reduce(reduce, initialState(prompt));
  const { config, variant, tick } = model;
  assert.ok(run.number === 1 && proof.stage === 'shown' && proof.of === 'text', 'one run, proved');
  const { type: __, ...atPrompt } = events.find(is('proof'));
  const tokens = [...run.tokens];
  const { ms, error, ...prefill } = run.prefill;
  const { type: _, ...atEnd } = proof.proof;
  const recording = {
    ...facts, engine: { config, variant, tick: short(tick) }, prompt, sampling: sampling.values,
    prefill: { ...prefill, ms: short(ms), error: short(error) },
    proofs: { prompt: atPrompt, text: atEnd }, reason: run.reason, memory,
    stretches: stretchesOf(events), ids: tokens.map(({ id }) => id), texts: tokens.map(({ text }) => text),
  };
  const written = momentsOf(recording).map(({ event }) => event).filter(is('tokens'));
  assert.deepEqual(written.flatMap(({ tokens: some }) => some), tokens.map(rounded));
  const lastOf = (event) => event.tokens.at(-1).position;
  for (const sent of events.filter(is('tokens'))) {
    const given = written.find((event) => lastOf(event) === lastOf(sent));
    if (given) assert.deepEqual(given.memory, sent.memory);
  }
  return recording;
}

/**
 * What a word takes with each choice of caches.
 * @param {object[]} tried  @param {object} facts  @param {string} word
 * @returns {import('../../web/demo/sounds-shown.js').Recorded}
 */
export function compactWord(tried, facts, word) {
  const share = (value) => Math.round(1e4 * value) / 1e4;
  const micros = ({ ms, ...rest }) => ({ ...rest, ms: Math.round(1000 * ms) / 1000 });
  return {
    ...facts, word,
    tried: tried.map(({ caches, trace: { type: _, looks, reading, steps, ...rest } }) => ({
      caches,
      trace: {
        ...rest, reading: micros(reading), steps: steps.map(micros),
        ...(looks && { looks: { ...looks, weights: looks.weights.map(share) } }),
      },
    })),
  };
}

/** A thousandth of it at least, and no more than a clock of a browser tells. @param {number} ms */
function short(ms) {
  const parts = ms < 10 ? 100 : 10;
  return Math.round(parts * ms) / parts;
}

const rounded = ({ burst, ...token }) => (
  { ...token, ...(burst && { burst: { ...burst, ms: short(burst.ms) } }) });

/** @param {object[]} events */
function stretchesOf(events) {
  const resumed = events.filter(is('resumed'));
  const stretches = [];
  let last;
  for (const { tokens, memory: { usedBytes, bytesPerToken } } of events.filter(is('tokens'))) {
    for (const token of tokens) {
      const { position, cached, burst } = token;
      if (last?.cached !== cached) {
        const { missing, ms } = (last && resumed.shift()) ?? {};
        stretches.push({ cached, ...(last && { missing, ms: short(ms) }), groups: [] });
      }
      const { groups } = stretches.at(-1);
      const isNext = groups.length > 0 && last.burst?.first === burst?.first;
      if (isNext) groups.at(-1)[0] += 1;
      else groups.push(burst ? [1, burst.first - position, burst.tokens, short(burst.ms)] : [1]);
      last = token;
    }
    if (!last.cached) stretches.at(-1).held = usedBytes / bytesPerToken;
  }
  return stretches;
}

/** As a module, in lines that can be read. @param {object} recording  @param {string} name */
export function moduleOf(recording, name) {
  const fields = Object.entries(recording)
    .map(([key, value]) => wrap(`  ${key}: `, `${JSON.stringify(value)},`));
  const [file, type] = name === 'sounds' ? ['sounds-shown', 'Recorded'] : ['recording', 'Recording'];
  return [
    '// Recorded by npm run record; see recording.js. Do not edit.', '',
    `/** @type {import('../${file}.js').${type}} */`,
    `export const ${name.toUpperCase()} = {`, ...fields, '};', '',
  ].join('\n');
}

/** Breaks JSON after commas, but not within a group. @param {string} start  @param {string} json */
function wrap(start, json) {
  const lines = [start];
  for (const [piece] of json.matchAll(PIECES)) {
    if (lines.at(-1).length + piece.length > COLUMNS) lines.push('    ');
    lines[lines.length - 1] += piece;
  }
  return lines.join('\n');
}
