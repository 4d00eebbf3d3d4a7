// The engine in a worker: it receives the messages of messages.js, hands each one on to the function
// that serves it, and answers. Its other side is client.js.
import { reasonOf } from '../engine/errors.js';
import { KvcError } from '../index.js';
import { Context } from './context.js';
import { benchmark } from './requests/benchmark.js';
import { count } from './requests/count.js';
import { generate } from './requests/generate.js';
import { load } from './requests/load.js';
import { prove } from './requests/prove.js';

/**
 * @import { Serve } from './context.js'
 * @import { Answer, Failure, Fields, OrderName, Orders, RequestName } from './messages.js'
 */

const context = new Context();
/** Stops the request being served. @type {AbortController | undefined} */
let current;

/** Served one at a time. @type {{ [K in Exclude<RequestName, 'count' | 'status'>]: Serve<K> }} */
const requests = { load, generate, prove, benchmark };

/** @type {{ [K in OrderName]: (fields: Orders[K]) => void }} */
const orders = {
  stop: () => current?.abort(),
  setCache({ on }) {
    if (typeof on !== 'boolean') throw invalid('The cache is on or off: true or false.');
    context.useCache = on;
  },
  setPace({ tokensPerSecond }) {
    if (typeof tokensPerSecond !== 'number' || !(tokensPerSecond >= 0)) {
      throw invalid('A pace is a number of tokens per second; 0 is as fast as possible.');
    }
    context.tokensPerSecond = tokensPerSecond;
  },
};

self.addEventListener('message', ({ data }) => receive(Object(data)));

/** @param {{ type?: unknown, id?: unknown }} message  anything at all, whatever messages.js promises */
async function receive({ type, id: given, ...fields }) {
  const id = typeof given === 'number' ? given : undefined;
  try {
    if (isIn(orders, type)) return obey(type, fields);
    const answer = await answerTo(type, id, fields);
    self.postMessage({ type: 'answer', id, ...answer });
  } catch (error) {
    self.postMessage({ type: 'error', id, ...failure(error) });
  }
}

/** @template {OrderName} K @param {K} type  @param {Orders[K]} fields */
const obey = (type, fields) => orders[type](fields);

/** @param {unknown} type  @param {number | undefined} id  @param {{}} fields */
function answerTo(type, id, fields) {
  if (typeof type !== 'string') throw invalid('A message to the worker is an object with a type, a string.');
  if (type !== 'status' && type !== 'count' && !isIn(requests, type)) {
    throw invalid(`The worker knows no request "${type}".`);
  }
  if (id === undefined) throw invalid(`The request "${type}" needs an id, a number.`);
  if (type === 'status') return status();
  return type === 'count' ? count(context, /** @type {Fields<'count'>} */ (fields)) : serve(type, id, fields);
}

/**
 * @template {keyof typeof requests} K
 * @param {K} type  @param {number} id  @param {Fields<K>} fields
 * @returns {Promise<Answer<K>>}
 */
async function serve(type, id, fields) {
  if (current) throw new KvcError('busy', 'The worker is serving another request. Stop it or wait for it.');
  current = new AbortController();
  try {
    return await requests[type](context, fields,
      (event, more) => self.postMessage({ type: event, id, ...more }), current.signal);
  } finally {
    current = undefined;
  }
}

/** @returns {Answer<'status'>} */
function status() {
  const { model, run, session, useCache } = context;
  const [loaded, busy] = [model !== undefined, current !== undefined];
  const position = Math.min(session?.position ?? 0, run.ids.length); // the session may be ahead
  return { loaded, busy, position, useCache };
}

/** Any error but a KvcError is a fault of this program. @param {unknown} error  @returns {Failure} */
function failure(error) {
  if (error instanceof KvcError) return { code: error.code, message: error.message };
  console.error(error);
  return { code: 'internal', message: `Something went wrong inside the page: ${reasonOf(error)}` };
}

/** @param {string} message */
const invalid = (message) => new KvcError('invalid_argument', message);

/** @template {object} T @param {T} table  @param {unknown} name  @returns {name is keyof T} */
const isIn = (table, name) => typeof name === 'string' && Object.hasOwn(table, name);
