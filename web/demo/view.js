// What the page shows, written into index.html's elements. Text only ever goes in as text.
import { counted, measured, megabytes } from '../measure/numbers.js';
import { WINDOW } from './speed.js';

const ANNOUNCE_MS = 1500; // between two messages to screen readers
const FEW = 8;            // tokens: a pass over fewer says nothing about the speed of reading

/** @type {Record<string, string>} */
const ENGINES = {
  relaxed: 'WebAssembly with relaxed SIMD',
  simd: 'WebAssembly with SIMD',
  scalar: 'WebAssembly without SIMD: slower',
};

/** @typedef {'on' | 'off'} Mode */

/** @param {string} id */
export const byId = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

/** Touches the document only when there is something new to say. @param {string} id  @param {string} words  @param {string} [title] */
export function say(id, words, title) {
  const element = byId(id);
  if (element.textContent !== words) element.textContent = words;
  if (title !== undefined) element.title = title;
}

/**
 * Control and direction characters made visible: a model's text must not be able to rearrange the page.
 * @param {string} text
 */
export function visible(text) {
  return text.replace(/[^\P{Cc}\n\t]|[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu, (character) => {
    const code = /** @type {number} */ (character.codePointAt(0));
    return code < 32 ? String.fromCharCode(0x2400 + code) : `⟨U+${code.toString(16).toUpperCase().padStart(4, '0')}⟩`;
  });
}

/** The text as it grows: the prompt, then what the model writes, with a mark where the switch was flipped. */
export class Story {
  #box = byId('story-box');
  #story = byId('story');
  /** @type {Text | undefined} */
  #end;

  /** @param {string} prompt */
  begin(prompt) {
    this.#story.replaceChildren(span('prompt', visible(prompt)));
    this.#end = undefined;
    this.#box.scrollTop = 0;
  }

  /** @param {boolean} writing  for assistive technology: the text is not final yet */
  set busy(writing) {
    this.#story.setAttribute('aria-busy', String(writing));
  }

  /** @param {string} text */
  write(text) {
    const follows = this.#box.scrollHeight - this.#box.scrollTop - this.#box.clientHeight < 40;
    if (!this.#end) {
      const part = span('written', '');
      this.#end = document.createTextNode('');
      part.append(this.#end);
      this.#story.append(part);
    }
    this.#end.appendData(visible(text));
    // A reader who has scrolled back is left where they read.
    if (follows) this.#box.scrollTop = this.#box.scrollHeight;
  }

  /** @param {Mode} mode */
  flip(mode) {
    const mark = span(`flip ${mode}`, `cache ${mode}`);
    this.#story.append(mark);
    this.#end = undefined;
  }
}

/** @param {string} className  @param {string} text */
function span(className, text) {
  return Object.assign(document.createElement('span'), { className, textContent: text });
}

/** Short messages for screen readers, the last one wins, never more often than they can be spoken. */
export class Announcer {
  #last = -Infinity;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /** @param {string} words */
  say(words) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#last = performance.now();
      say('announcer', words);
    }, Math.max(0, this.#last + ANNOUNCE_MS - performance.now()));
  }
}

/** One column of the table of numbers. @param {Mode} mode  @param {import('./run.js').Column} column */
export function showSpeeds(mode, { meter, prefill, work }) {
  const { now, median, windows } = meter;
  say(`prefill-${mode}`, prefill ? prefillSpeed(prefill) : '–',
    prefill ? `${counted(prefill.tokens - prefill.reused)} tokens in ${measured(prefill.ms)} ms, all in one pass` : '');
  say(`now-${mode}`, now ? `${measured(now)} /s` : '–', `mean of the last ${Math.min(WINDOW, meter.count)} tokens, interrupted ones left out`);
  say(`median-${mode}`, median ? `${measured(median)} /s` : '–', windows > 0
    ? `median of ${counted(windows)} windows of ${WINDOW} tokens` : `needs a window of ${WINDOW} tokens`);
  say(`ms-${mode}`, now ? `${measured(1000 / now)} ms` : '–', '1 divided by tokens per second, now');
  say(`work-${mode}`, work ? counted(work) : '–', mode === 'on'
    ? 'only the new token runs through the model' : 'the whole text runs through the model again');
}

/** @param {import('./run.js').Prompt} prompt */
function prefillSpeed({ tokens, reused, ms }) {
  if (reused > 0 && tokens - reused < FEW) return 'reused';
  return ms > 0 ? `${measured(1000 * (tokens - reused) / ms)} /s` : 'too fast'; // for the clock
}

/** @param {import('./run.js').Prompt | undefined} prompt */
export function showPrompt(prompt) {
  if (!prompt) return say('reuse', '–', '');
  const { tokens, reused, cached } = prompt;
  const words = `${counted(tokens)} token${tokens === 1 ? '' : 's'}`;
  if (reused === 0) {
    return say('reuse', `${words}, all computed`, cached
      ? 'the cache held nothing yet that this prompt begins with' : 'without the cache, nothing is kept that could be reused');
  }
  say('reuse', `${words}, ${counted(reused)} reused from the cache`, `this prompt begins with the same ${counted(reused)} tokens as the text before: `
    + `their keys and values were still in the cache, and only ${counted(tokens - reused)} had to run through the model`);
}

/**
 * @param {number} position
 * @param {import('../session/session.js').MemoryUsage} memory
 * @param {import('../config/config.js').Config} config
 */
export function showPlace(position, memory, { nLayer, nHead, headDim, nPositions }) {
  const { usedBytes, cacheBytes, bytesPerToken, totalBytes } = memory;
  const held = usedBytes / bytesPerToken;
  say('position', `${counted(position)} of ${counted(nPositions)}`, 'tokens in the text so far, and the most that the model can take');
  say('memory', `${(usedBytes / 1e6).toFixed(2)} of ${megabytes(cacheBytes, 2)} used`,
    `used: 2 (K and V) × ${nLayer} layers × ${nHead} heads × ${counted(held)} tokens × ${headDim} numbers × 4 bytes = ${counted(usedBytes)} bytes; `
    + `allocated: the same for ${counted(cacheBytes / bytesPerToken)} tokens; with the scratch space, this session takes ${counted(totalBytes)} bytes`);
}

/**
 * The facts of the loaded model that the explanation below the figure speaks of.
 * @param {import('../config/config.js').Config} config
 * @param {import('../session/session.js').MemoryUsage} memory
 * @param {string} variant
 */
export function showModel({ nLayer, nHead, headDim, nPositions }, memory, variant) {
  say('memory-words', `Here it is 2 × ${nLayer} layers × ${nHead} heads × ${headDim} numbers × 4 bytes = ${counted(memory.bytesPerToken)} `
    + `bytes for each token, and ${megabytes(memory.cacheBytes, 2)} for all ${counted(nPositions)} positions.`);
  say('engine', ENGINES[variant] ?? variant, 'the build of the WebAssembly engine that this browser runs; all builds compute the very same numbers');
}

/** @param {string} at  @param {import('../worker/messages.js').Proof} proof */
export function showProof(at, { tokens, on, off, run, equal }) {
  byId('proof').dataset.verdict = equal ? 'equal' : 'different';
  const verdict = Object.assign(document.createElement('strong'), { textContent: equal ? 'Equal' : 'Different' });
  byId('proof-words').replaceChildren(verdict, `: the model’s numbers after ${at} (${counted(tokens)} tokens), ${equal
    ? 'computed with the cache and without it, are the same to the last bit.' : 'computed with the cache and without it. This should not be: please report it.'}`);
  say('proof-hashes', `cache on   ${on}\ncache off  ${off}${run === undefined ? '' : `\nthis run   ${run}`}`);
  byId('proof-hashes').hidden = false;
}

/** @param {string} words */
export function showNoProof(words) {
  byId('proof').dataset.verdict = 'none';
  byId('proof-hashes').hidden = true;
  say('proof-words', words);
}

/** The chart's twin. @param {import('./speed.js').Curves} curves */
export function showTable(curves) {
  const step = Math.max(1, Math.ceil(curves.length / 64));
  const ends = [curves.last('on')?.position, curves.last('off')?.position];
  const rows = [];
  for (let position = 0; position < curves.length; position++) {
    if (position % step !== 0 && !ends.includes(position)) continue;
    const speeds = [curves.at('on', position), curves.at('off', position)];
    if (speeds.every((speed) => speed === null)) continue;
    const row = document.createElement('tr');
    const head = Object.assign(document.createElement('th'), { scope: 'row', textContent: counted(position) });
    row.append(head, ...speeds.map((speed) =>
      Object.assign(document.createElement('td'), { textContent: speed === null ? '–' : measured(speed) })));
    rows.push(row);
  }
  document.querySelector('#data-table tbody')?.replaceChildren(...rows);
  say('data-caption', rows.length === 0 ? 'No speeds measured yet'
    : `Tokens per second by position${step > 1 ? `, one row for every ${step} tokens` : ''}`);
}
