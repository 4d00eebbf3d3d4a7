// The page: its controls, and what they ask of the conversation. Everything that was written or went wrong is
// put in as text.
import { modelFiles } from '../../files/dropped.js';
import { EngineClient } from '../../worker/client.js';
import { Conversation, addressOf } from './conversation.js';
import { TurnList, summary } from './turns.js';

/**
 * @import { Fields } from '../../worker/messages.js'
 * @import { Progress, Settings } from './conversation.js'
 */

const COUNT_MS = 250; // after the last letter, the prompt is counted
const MB = 1e6;

/** @template {Element} T @param {string} selector  @param {new () => T} type  @returns {T} */
function find(selector, type) {
  const found = document.querySelector(selector);
  if (found instanceof type) return found;
  throw new Error(`The page has no ${selector}.`);
}

const loading = find('#loading', HTMLDetailsElement);
const loadForm = find('#load', HTMLFormElement);
const address = find('#address', HTMLInputElement);
const transfer = find('#transfer', HTMLElement);
const bar = find('#progress', HTMLProgressElement);
const drop = find('#drop', HTMLElement);
const failure = find('#failure', HTMLElement);
const log = find('#log', HTMLElement);
const sayForm = find('#say', HTMLFormElement);
const message = find('#message', HTMLTextAreaElement);
const [send, stop, clear] = ['#send', '#stop', '#clear'].map((id) => find(id, HTMLButtonElement));
const cache = find('#cache', HTMLInputElement);
const status = find('#status', HTMLElement);

const list = new TurnList(log);
const conversation = new Conversation(new EngineClient(), show);

/** @param {string} [more]  words of the last answer */
function show(more = '') {
  const { phase, turns } = conversation;
  const [isReady, isAnswering] = [phase === 'ready', phase === 'answering'];
  const isAtEnd = innerHeight + scrollY >= document.documentElement.scrollHeight - 80;
  log.setAttribute('aria-busy', String(isAnswering)); // it is read aloud once it is all there
  list.show(turns, more);
  find('#empty', HTMLElement).hidden = turns.length > 0;
  message.disabled = !isReady && !isAnswering;
  send.disabled = !isReady;
  const isPressed = [send, stop].some((button) => button === document.activeElement);
  if (isPressed && send.hidden !== isAnswering) message.focus(); // or nothing would have the focus
  [send.hidden, stop.hidden] = [isAnswering, !isAnswering];
  clear.disabled = !isReady || turns.length === 0;
  transfer.hidden = phase !== 'loading';
  for (const control of loadForm.elements) {
    if ('disabled' in control) control.disabled = phase === 'loading' || isAnswering;
  }
  if (isAnswering && isAtEnd) scrollTo({ top: document.documentElement.scrollHeight });
}

// ---- what went wrong ------------------------------------------------------------------------------

/** @type {Record<string, string>} */
const ADVICE = {
  out_of_memory: 'Try weights of 8 bits, less room for the conversation, or a smaller model.',
  context_full: 'Begin a new conversation, or load the model again with more room.',
  chat_template_missing: 'Choose a model that was made for conversations: its name often ends in Instruct.',
  worker_lost: 'Load the model again.', trapped: 'Load the model again.',
};

/** @param {unknown} error */
function fail(error) {
  const { code = '', message: words } = /** @type {{ code?: string, message: string }} */ (error);
  failure.textContent = code === 'aborted' ? '' : [words, ADVICE[code]].filter(Boolean).join('\n');
  failure.scrollIntoView({ block: 'nearest' });
}

// ---- a model --------------------------------------------------------------------------------------

/**
 * @param {string} name  @param {Promise<{ url: string } | { files: Map<string, Blob> }>} found
 */
async function load(name, found) {
  failure.textContent = '';
  try {
    const where = await found;
    const form = new FormData(loadForm);
    /** @type {Fields<'load'>} */
    const fields = {
      ...('files' in where ? { files: Object.fromEntries(where.files) } : where),
      weights: form.get('weights') === 'f32' ? 'f32' : 'int8', capacity: Number(form.get('capacity')),
    };
    conversation.setCache(cache.checked);
    const { generation: { ignored } } = await conversation.load(fields, teller(name));
    conversation.setCache(cache.checked);
    find('#model', HTMLElement).textContent = name;
    loading.open = false;
    status.textContent = `${name} is loaded.`;
    message.focus();
    const lacking = ignored ? ` Its makers ask for ${ignored.join(', ')}, which is not done here.` : '';
    find('#empty', HTMLElement).textContent = `Nothing was said yet.${lacking}`;
    await count();
  } catch (error) {
    if (conversation.phase === 'empty') find('#model', HTMLElement).textContent = 'none yet';
    fail(error);
  }
}

/** @param {string} name  @returns {(progress: Progress) => void} */
const teller = (name) => ({ loaded, total, stalled }) => {
  const of = total > 0 ? ` of ${(total / MB).toFixed(1)}` : '';
  const note = stalled ? `. Nothing of ${stalled} has come for 10 seconds.` : '';
  find('#loaded', HTMLElement).textContent = `${name}: ${(loaded / MB).toFixed(1)}${of} MB${note}`;
  if (total > 0) [bar.max, bar.value] = [total, Math.min(loaded, total)];
  else bar.removeAttribute('value');
};

loadForm.addEventListener('submit', (event) => {
  event.preventDefault();
  const given = address.value;
  const found = async () => {
    if (given.trim() === '') throw new Error('Give the address of a model, or drop its files.');
    try {
      return { url: addressOf(given, document.baseURI) };
    } catch {
      throw new Error(`“${given}” is not an address.`);
    }
  };
  load(given.trim().split('/').filter(Boolean).slice(-2).join('/'), found());
});
for (const id of ['#files', '#folder']) {
  find(id, HTMLInputElement).addEventListener('change', ({ target }) => {
    const input = /** @type {HTMLInputElement} */ (target);
    if (input.files?.length) loadFiles(modelFiles(input.files));
    input.value = ''; // the same ones may be chosen again
  });
}
/** @param {Promise<Map<string, Blob>>} files */
const loadFiles = (files) => load('Your files', files.then((found) => ({ files: found })));

for (const type of ['dragover', 'dragleave', 'drop']) {
  addEventListener(type, (event) => {
    event.preventDefault(); // or the browser would open the file
    drop.classList.toggle('over', type === 'dragover');
    const { dataTransfer } = /** @type {DragEvent} */ (event);
    const isFree = conversation.phase === 'empty' || conversation.phase === 'ready';
    if (type === 'drop' && dataTransfer && isFree) loadFiles(modelFiles(dataTransfer));
  });
}
find('#cancel', HTMLButtonElement).addEventListener('click', () => conversation.stop());
loading.addEventListener('click', ({ target }) => {
  if (!(target instanceof HTMLElement)) return;
  const button = target.closest('button');
  if (!button?.value) return;
  address.value = button.value;
  address.focus();
});
address.value = new URLSearchParams(location.search).get('model') ?? '';

// ---- the conversation -----------------------------------------------------------------------------

/** @returns {Settings} */
function settings() {
  const form = new FormData(sayForm);
  const number = (/** @type {string} */ name) => {
    const text = String(form.get(name) ?? '');
    return text === '' ? undefined : Number(text);
  };
  return {
    system: String(form.get('system') ?? '').trim(),
    temperature: number('temperature'), maxTokens: number('maxTokens'), seed: number('seed'),
  };
}

async function say() {
  const text = message.value.trim();
  if (conversation.phase !== 'ready' || text === '') return;
  failure.textContent = '';
  message.value = '';
  status.textContent = 'The model answers.';
  try {
    await conversation.say(text, settings());
  } catch (error) {
    fail(error);
  }
  const [said, answer] = conversation.turns.slice(-2);
  if (answer?.role === 'assistant' && said.content === text) status.textContent = summary(answer);
  else message.value ||= text; // it was not said
  await count();
}

/** @type {ReturnType<typeof setTimeout> | undefined} */
let counting;

/** How long the next prompt is, and for how much there is room. */
async function count() {
  clearTimeout(counting);
  if (conversation.phase !== 'ready') return;
  const text = message.value;
  try {
    const { tokens, room } = await conversation.count(text, settings().system);
    if (text !== message.value) return;
    const [now, most] = [tokens, room].map((n) => n.toLocaleString('en'));
    find('#counted', HTMLElement).textContent = `With this message the conversation takes ${now} of ${most} `
      + 'tokens. Enter sends, Shift and Enter begins a line.';
  } catch (error) {
    fail(error);
  }
}

sayForm.addEventListener('submit', (event) => {
  event.preventDefault();
  say();
});
message.addEventListener('keydown', (event) => {
  if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  if (sayForm.reportValidity()) say();
});
document.addEventListener('keydown', ({ key }) => {
  if (key === 'Escape' && conversation.phase === 'answering') conversation.stop();
});
sayForm.addEventListener('input', () => {
  clearTimeout(counting);
  counting = setTimeout(count, COUNT_MS);
});
stop.addEventListener('click', () => {
  conversation.stop();
  message.focus();
});
clear.addEventListener('click', () => {
  conversation.clear();
  status.textContent = 'A new conversation begins.';
  message.focus();
  count();
});
cache.addEventListener('change', () => conversation.setCache(cache.checked));
show();
