// The page around the figure: its address, and what the article says of this machine.
import { modelUrl, wasmUrl } from './address.js';
import { offerCode } from './take.js';
import { encodeState, parseState } from '../demo/link.js';
import { onDrop } from '../demo/parts/drop.js';
import { counted, measured, megabytes } from '../measure/numbers.js';

/**
 * @import { KvCacheDemo } from '../demo/element.js'
 * @import { LoadDetail, StateDetail } from '../demo/events.js'
 */

/** @param {string} id */
const byId = (id) => /** @type {HTMLElement} */ (document.getElementById(id));
const figures = /** @type {KvCacheDemo[]} */ ([...document.querySelectorAll('kv-cache-demo')]);
const story = figures[0];

// ---- what the address says, and what it is to say -------------------------------------------------

const [src, wasm] = [modelUrl(), wasmUrl()];
for (const figure of figures) {
  if (src) figure.setAttribute('src', src.href);
  if (wasm) figure.setAttribute('wasm', wasm.href);
}
if (src === null) {
  byId('refused').hidden = false;
  byId('refused').textContent = 'The address of this page names a model on another site. It is not fetched: '
    + 'a link must not make your browser ask anybody else. You see the model of this site.';
}
const base = location.href.replace(/#.*/, '');
for (const figure of figures) figure.link = base;
/** A link to one view leads to the figure that has it, and leaves the others there. */
const takeState = () => {
  if (location.hash.length < 2) return;
  const state = parseState(location.hash);
  const linked = figures.find(({ views }) => views.split(' ').includes(state.views ?? ''));
  const shown = !linked || linked.of ? story : linked; // whose run it is
  if (linked) state.views = shown.views;
  shown.setAttribute('state', encodeState(state));
  if (linked && linked !== story) leadTo(linked);
};

/**
 * Shows a figure, and keeps it there while what stands above it is still coming, until the reader moves on.
 * @param {HTMLElement} figure
 */
function leadTo(figure) {
  const led = new AbortController();
  const watching = new ResizeObserver(() => figure.scrollIntoView());
  watching.observe(document.body);
  led.signal.addEventListener('abort', () => watching.disconnect());
  for (const act of ['wheel', 'pointerdown', 'keydown']) {
    addEventListener(act, () => led.abort(), { signal: led.signal, passive: true });
  }
}

addEventListener('hashchange', takeState);
takeState();
for (const figure of figures) { // the address leads back to the one that was used last
  figure.addEventListener('kv-state', (event) => {
    const { state } = /** @type {CustomEvent<StateDetail>} */ (event).detail;
    history.replaceState(null, '', state ? `#${state}` : location.pathname + location.search);
  });
}
offerCode(byId('take'), () => story.state);
onDrop(document, (items) => { // beside the figure, too: a browser would open them in place of the page
  story.scrollIntoView({ block: 'nearest' });
  story.offer(items);
});

// ---- what the article says ------------------------------------------------------------------------

story.addEventListener('kv-load', (event) => {
  const { tick, ...model } = /** @type {CustomEvent<LoadDetail>} */ (event).detail;
  byId('memory-words').textContent = memoryWords(model);
  byId('clock-words').textContent = (
    `The clock that this browser lends to the page ticks every ${measured(tick)} ms.`);
});

/**
 * The article's sentence about memory, with the facts of the loaded model.
 * @param {Pick<LoadDetail, 'config' | 'memory'>} model
 */
function memoryWords({ config, memory: { bytesPerToken, cacheBytes, slots } }) {
  const { nLayer, nKvHead, headDim } = config;
  const heads = `${nKvHead} ${nKvHead === 1 ? 'head' : 'heads'}`;
  const product = `2 × ${nLayer} layers × ${heads} × ${headDim} numbers × 4 bytes`;
  return `Here it is ${product} = ${counted(bytesPerToken)} bytes for each token, `
    + `and ${megabytes(cacheBytes, 2)} for the ${counted(slots)} that it has room for.`;
}
