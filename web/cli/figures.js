// What a run was worth, in lines for people and as one object for programs.
import { measured } from '../measure/numbers.js';
import { perSecond } from './write.js';

/** @import { Cache, Proof, Timed, Written } from './write.js' */

const counted = (/** @type {number} */ n, /** @type {string} */ what) => `${n} ${what}${n === 1 ? '' : 's'}`;

const LEFT_OUT = '–'; // where nothing was timed

/** @param {Timed} timed */
const speed = (timed) => (timed.ms > 0 ? `${measured(perSecond(timed))}/s` : LEFT_OUT);

/** The line while it goes. @param {Cache} cache  @param {number} tokens  @param {number} rate */
export const statusLine = (cache, tokens, rate) => (
  `cache ${cache}: ${counted(tokens, 'token')}, ${measured(rate)} tokens/s`);

/** @type {Record<Written['reason'], string>} */
const ENDINGS = {
  length: 'as many as asked for',
  eos: 'the model ended the text',
  stop: 'a stop string came',
  context_full: 'the model has no more positions',
  stopped: 'stopped',
};

/** One line for each run, under a head. @param {readonly Written[]} runs */
export function tableOf(runs) {
  const isRead = runs.some(({ encoder }) => encoder);
  const cells = (/** @type {Timed} */ part) => [counted(part.tokens, 'token'), speed(part)];
  const rows = runs.map(({ cache, encoder = { tokens: 0, ms: 0 }, prefill, decode, reason }) => [
    `cache ${cache}`, ...isRead ? cells(encoder) : [], ...cells(prefill), ...cells(decode), ENDINGS[reason],
  ]);
  const parts = [...isRead ? ['encoder'] : [], 'prefill', 'decode'];
  const all = [['', ...parts.flatMap((part) => [part, 'tokens']), 'end'], ...rows];
  const widths = all[0].map((_, i) => Math.max(...all.map((row) => row[i].length)));
  return all.map((row) => row.map((cell, i) => (i === 0 || i === row.length - 1
    ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join('  ').trimEnd()).join('\n');
}

/** Both ways in a sentence. @param {readonly Written[]} runs  @param {Proof} proof */
export function verdict(runs, proof) {
  const times = speedUpOf(runs);
  const caches = runs[0].encoder ? 'both caches' : 'the cache'; // its own and that of the source
  const ratio = times === undefined ? '' : `With ${caches} decoding is ${measured(times)} times as fast. `;
  return `${ratio}Both texts are the same, and after each of ${counted(proof.tokens, 'token')} the logits `
    + `are the same bits (the last ones: ${proof.hash}).`;
}

/**
 * How many times as fast it decodes with the cache, of as many tokens.
 * @param {readonly Written[]} runs
 */
function speedUpOf([off, on]) {
  if (off.decode.tokens !== on.decode.tokens || off.decode.tokens === 0) return undefined;
  return off.decode.ms / on.decode.ms;
}

/**
 * The object of --json.
 * @param {readonly Written[]} runs  @param {Proof | undefined} proof
 */
export function report(runs, proof) {
  const timed = (/** @type {Timed} */ part) => (
    { ...part, tokensPerSecond: part.ms > 0 ? perSecond(part) : null });
  return {
    text: runs[0].text,
    tokens: runs[0].ids,
    runs: runs.map(({ cache, reason, encoder, prefill, decode, cacheBytes, crossCacheBytes, hashes }) => ({
      cache, reason, ...encoder && { encoder: timed(encoder), crossCacheBytes },
      prefill: timed(prefill), decode: timed(decode), cacheBytes, logitsHash: hashes.at(-1) ?? null,
    })),
    ...(runs.length === 2 && { speedUp: speedUpOf(runs) ?? null, proof: proof ?? null }),
  };
}

/** What an answer has cost. @param {Written} written */
export function turnLine({ cache, prompt, reused, prefill, decode, reason }) {
  const written = `${counted(decode.tokens, 'token')} written at ${speed(decode)} (${ENDINGS[reason]})`;
  return `cache ${cache}: of ${counted(prompt, 'token')} ${reused} were cached and ${prefill.tokens} read at `
    + `${speed(prefill)}; ${written}`;
}
