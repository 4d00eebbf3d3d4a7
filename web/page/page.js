// The page: what the reader does becomes requests to the worker, what the worker reports becomes text,
// numbers and points. The engine itself runs in worker.js; this thread only shows.
import { Benchmark } from '../demo/benchmark.js';
import { Chart, readout, summary } from '../demo/chart.js';
import { EngineClient, WorkerError } from '../worker/client.js';
import { downloadSize, modelUrl, variant } from './address.js';
import { Recorder, firstDifference } from '../demo/run.js';
import { SamplingForm } from '../demo/sampling.js';
import { counted, measured, megabytes } from '../measure/numbers.js';
import { Announcer, Story, byId, say, showModel, showNoProof, showPlace, showPrompt, showProof, showSpeeds, showTable } from '../demo/view.js';

const MODEL_LOST = ['trapped', 'disposed', 'worker_lost', 'not_ready'];
const WRITING = {
  on: 'Decode: writing token by token, with the cache.',
  off: 'Decode without the cache: each token runs the whole text through the model again.',
};
const FIRST = 'Press Generate: the model is loaded first, once.';
const READY = 'The model is loaded: press Generate.';
const WAITING = 'The benchmark below is running: Generate waits for its end.';

const figure = byId('figure');
const go = /** @type {HTMLButtonElement} */ (byId('go'));
const both = /** @type {HTMLButtonElement} */ (byId('both'));
const clear = /** @type {HTMLButtonElement} */ (byId('clear'));
const prompt = /** @type {HTMLTextAreaElement} */ (byId('prompt'));
const pace = /** @type {HTMLSelectElement} */ (byId('pace'));
const table = /** @type {HTMLDetailsElement} */ (byId('data'));

const client = new EngineClient();
const announcer = new Announcer();
const story = new Story();
const record = new Recorder(story);
const form = new SamplingForm(/** @type {HTMLDetailsElement} */ (byId('sampling')));
const chart = new Chart(byId('chart'), record.curves, (position) => {
  hovered = position;
  show();
});

/** @type {{ config: import('../config/config.js').Config, variant: string } | undefined} */
let loaded;
let downloadBytes = 0; // 0: not known
let useCache = true;
let working = false;   // loading or writing
let stopAsked = false; // since that began
/** The comparison after a run; the next run stops it. @type {Promise<void> | undefined} */
let proving;
/** State and words before the benchmark. @type {[string, string]} */
let before = ['unloaded', FIRST];
/** @type {number | null} */
let hovered = null;
let showing = false;

// ---- what the reader sees -----------------------------------------------------------------------

/** @param {string} state  @param {string} words  @param {boolean} [aloud]  for screen readers too */
function enter(state, words, aloud = true) {
  figure.dataset.state = state;
  say('state', words);
  if (aloud) announcer.say(words);
  say('go', working ? 'Stop' : loaded || downloadBytes === 0 ? 'Generate' : `Generate (${megabytes(downloadBytes)})`);
  go.disabled = benchmark.running;
  both.disabled = working || benchmark.running;
  if (!benchmark.running) benchmark.blocked = working;
  story.busy = working;
  byId('progress').hidden = state !== 'loading';
  show();
}

/** Brings numbers and chart up to date with the next frame. */
function show() {
  if (showing) return;
  showing = true;
  requestAnimationFrame(() => {
    showing = false;
    showSpeeds('on', record.columns.on);
    showSpeeds('off', record.columns.off);
    showPace();
    showPrompt(record.prompt);
    if (loaded && record.memory) showPlace(record.position, record.memory, loaded.config);
    const words = summary(record.curves);
    byId('chart').setAttribute('aria-label', `Chart of tokens per second against position. ${words}`);
    say('caption', (hovered !== null && readout(record.curves, hovered)) || words);
    clear.disabled = working || record.curves.length === 0;
    if (table.open) showTable(record.curves);
  });
}

function showPace() {
  const { now } = record.columns[record.mode].meter;
  const wanted = Number(pace.value);
  const words = wanted === 0 || (now ?? 0) > wanted ? 'computed at' : 'slowed by computing:';
  say('pace-note', now === undefined ? '' : `${words} ${measured(now)}`);
}

/** @param {unknown} error  @param {() => void} retry */
function fail(error, retry) {
  const { code = 'internal', message } = /** @type {{ code?: string, message: string }} */ (error);
  if (MODEL_LOST.includes(code)) loaded = undefined;
  const offline = ['file_unreachable', 'wasm_invalid', 'worker_lost'].includes(code) && !navigator.onLine;
  say('error-message', message + (offline ? ' You seem to be offline.' : ''));
  say('error-code', code);
  byId('retry').onclick = retry;
  byId('error').hidden = false;
  enter('failed', 'This did not work.', false); // the error is an alert of its own
}

// ---- loading and writing ------------------------------------------------------------------------

async function load() {
  const bar = /** @type {HTMLProgressElement} */ (byId('progress'));
  bar.removeAttribute('value');
  enter('loading', 'Loading the model.');
  /** @type {Map<string, number>} */
  const files = new Map();
  const answer = await client.request('load', { url: modelUrl(), variant: variant() }, ({ file, loaded: bytes }) => {
    files.set(file, bytes);
    const sum = [...files.values()].reduce((total, size) => total + size, 0);
    if (downloadBytes > 0) bar.value = Math.min(1, sum / downloadBytes);
    enter('loading', `Loading the model: ${megabytes(sum)}${downloadBytes > 0 ? ` of ${megabytes(downloadBytes)}` : ''}.`, false);
  });
  record.memory = answer.memory;
  form.adopt(answer.generation, answer.config.nPositions);
  showModel(answer.config, answer.memory, answer.variant);
  loaded = answer;
  return answer;
}

/** One run. @param {import('../demo/sampling.js').Sampling} sampling  @param {number} capacity */
async function write(sampling, capacity) {
  record.begin(prompt.value, sampling.maxTokens, capacity);
  say('remark', '');
  showNoProof('With and without the cache, are the numbers the same? This is computed once the prompt is read.');
  enter('prefilling', 'Prefill: reading your prompt.');
  client.order('setCache', { on: useCache });
  client.order('setPace', { tokensPerSecond: Number(pace.value) });
  const answer = await client.request('generate', { prompt: prompt.value, sampling }, (event) => {
    if (event.type === 'prefilled') {
      record.prefilled(/** @type {any} */ (event));
      show();
    }
    if (event.type === 'proving') showNoProof('Comparing the numbers after the prompt, with the cache and without.');
    if (event.type === 'proof') showProof('the prompt', /** @type {any} */ (event));
    if (event.type !== 'tokens') return;
    record.take(/** @type {any} */ (event));
    if (byId('state').textContent !== WRITING[record.mode]) enter('running', WRITING[record.mode]);
    say('remark', record.remark);
    chart.redraw();
    show();
  });
  record.memory = answer.memory;
  record.position = answer.position;
  return { ...record.result, reason: answer.reason, position: answer.position };
}

/** Writes once, or once in each of the given modes and compares the texts. @param {boolean[]} [modes] */
async function perform(modes) {
  if (working || benchmark.running || !form.take()) return;
  const chosen = useCache;
  working = true;
  stopAsked = false;
  byId('error').hidden = true;
  try {
    await stopProving();
    const { config } = loaded ?? await load();
    if (stopAsked) throw new WorkerError('aborted', 'Stopped between two requests.');
    const sampling = form.take(); // anew: the model has brought its own settings
    if (!sampling) throw new WorkerError('invalid_argument', 'A sampling setting does not fit this model; it is marked below.');
    const runs = [];
    for (const mode of modes ?? [useCache]) {
      if (modes) setCache(mode);
      runs.push(await write(sampling, config.nPositions));
      if (stopAsked) break;
    }
    working = false;
    enter(...ended(runs[runs.length - 1]));
    if (runs.length === 2) say('remark', compared(runs));
    if (runs[runs.length - 1].position > 0) proving = prove();
  } catch (error) {
    working = false;
    if (/** @type {{ code?: string }} */ (error).code === 'aborted') enter('unloaded', 'Loading was stopped.');
    else fail(error, () => perform(modes));
  }
  if (modes) setCache(chosen);
}

/** @param {{ reason: string, ids: number[], position: number }} run  @returns {[string, string]} */
function ended({ reason, ids, position }) {
  const written = `${counted(ids.length)} token${ids.length === 1 ? '' : 's'} written`;
  if (reason === 'stopped') return ['stopped', `Stopped: ${written}.`];
  if (reason === 'context_full') return ['full', `The context is full: all ${counted(position)} positions are taken, ${written}.`];
  return ['finished', reason === 'eos' ? `The story is over: ${written}.` : `Finished: ${written}.`];
}

/** @param {{ ids: number[], ms: number, reason: string }[]} runs  with the cache, without */
function compared([on, off]) {
  const seconds = `In computing time: ${measured(on.ms / 1000)} s with the cache, ${measured(off.ms / 1000)} s without.`;
  const ids = off.reason === 'stopped' ? on.ids.slice(0, off.ids.length) : on.ids;
  const at = firstDifference(ids, off.ids);
  if (at >= 0) return `The two texts differ from token ${counted(at + 1)} on. This should not be: please report it.`;
  return off.reason === 'stopped' ? `Up to here, both runs wrote the same ${counted(ids.length)} tokens.`
    : `Both runs wrote the same ${counted(ids.length)} tokens. ${seconds}`;
}

/** After a run: are its last numbers those that come out with the cache, and without? */
async function prove() {
  showNoProof('Comparing the numbers at the end, with the cache and without.');
  try {
    showProof('the whole text', await client.request('prove'));
  } catch (error) {
    const { code, message } = /** @type {{ code: string, message: string }} */ (error);
    if (MODEL_LOST.includes(code)) loaded = undefined;
    showNoProof(code === 'aborted' ? 'The comparison at the end was stopped.' : `The comparison failed: ${message}`);
  }
  proving = undefined;
}

async function stopProving() {
  if (proving) client.stop();
  await proving;
}

// ---- the benchmark ------------------------------------------------------------------------------

const benchmark = new Benchmark(client, announcer, {
  async begin() {
    before = /** @type {[string, string]} */ ([figure.dataset.state, byId('state').textContent]);
    await stopProving();
    if (!loaded) {
      byId('error').hidden = true;
      await load();
      before = ['ready', READY];
    }
    enter('waiting', WAITING, false);
    return /** @type {NonNullable<typeof loaded>} */ (loaded);
  },
  end(code = '') {
    if (MODEL_LOST.includes(code)) loaded = undefined;
    enter(.../** @type {[string, string]} */ (loaded ? before : ['unloaded', FIRST]), false);
  },
});

// ---- what the reader does -----------------------------------------------------------------------

/** @param {boolean} on */
function setCache(on) {
  useCache = on;
  const control = byId('cache');
  control.setAttribute('aria-checked', String(on));
  say('cache-word', on ? 'on' : 'off');
  if (working) client.order('setCache', { on });
}

function stop() {
  if (benchmark.running) benchmark.stop();
  else if (working || proving) {
    stopAsked = true;
    client.stop();
  }
}

byId('cache').addEventListener('click', () => setCache(!useCache));
go.addEventListener('click', () => { if (working) stop(); else perform(); });
both.addEventListener('click', () => perform([true, false]));
clear.addEventListener('click', () => {
  record.clear();
  chart.redraw();
  show();
});
pace.addEventListener('change', () => {
  if (working) client.order('setPace', { tokensPerSecond: Number(pace.value) });
  show();
});
table.addEventListener('toggle', show);
byId('examples').addEventListener('click', ({ target }) => {
  if (!(target instanceof HTMLButtonElement)) return;
  prompt.value = target.textContent ?? '';
});
prompt.addEventListener('keydown', (event) => {
  if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) perform();
});
document.addEventListener('keydown', (event) => {
  if (event.key === 'Escape') stop();
});
addEventListener('pagehide', stop);

downloadSize().then((bytes) => {
  downloadBytes = bytes;
  if (figure.dataset.state === 'unloaded') enter('unloaded', FIRST, false);
});
enter('unloaded', FIRST, false);
