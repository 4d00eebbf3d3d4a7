// A model directory on a web server.
import { KvcError, reasonOf } from '../engine/errors.js';
import { AbsentFile, Unreached, Waiting, begun, readerOf } from './opened.js';

/**
 * @import { Download, Keep } from './keep.js'
 * @import { Opened, Origin, Patience } from './opened.js'
 *
 * @typedef {object} RequestOptions   of every request for a file of the model
 * @property {(url: string, init: RequestInit) => Promise<Response>} [fetch]
 * @property {HeadersInit} [headers]
 * @property {RequestCredentials} [credentials]  fetch's own default is "same-origin"
 * @property {RequestCache} [cache]
 * @property {Keep} [keep]
 */

/** The address without its query, which may hold a signature: for messages. @param {string | URL} address */
function plain(address) {
  const url = new URL(address);
  url.search = url.hash = '';
  return url.href;
}

/**
 * @param {URL} address  with or without the final slash; its query goes to every file
 * @param {RequestOptions} request
 * @returns {Origin}
 */
export function webOrigin(address, request) {
  refuseRequest(address, request);
  const base = new URL(plain(address));
  if (!base.pathname.endsWith('/')) base.pathname += '/';
  return {
    name: base.href,
    open(file, patience) {
      const url = new URL(file, base);
      const where = url.href;
      url.search = address.search;
      return openChecked(url, { file, where }, request, patience);
    },
  };
}

/**
 * One file at an address of its own.
 * @param {URL} url  @param {string} file  its name
 * @param {RequestOptions} request  @param {Patience} patience
 */
export async function openAddress(url, file, request, patience) {
  refuseRequest(url, request);
  const isWeb = url.protocol.startsWith('http'); // elsewhere there is nothing to keep
  const how = isWeb ? request : { ...request, keep: undefined };
  return openChecked(url, { file, where: isWeb ? plain(url) : file }, how, patience);
}

/**
 * @param {URL} url  @param {{ file: string, where: string }} names  its own; its address without a query
 * @param {RequestOptions} request  @param {Patience} patience
 */
async function openChecked(url, { file, where }, { keep, ...request }, patience) {
  /** @type {Download} */
  const download = async (mostMs = Infinity, isBegun = false) => {
    const limited = { ...patience, idleMs: Math.min(patience.idleMs, mostMs) };
    const opened = await openAnswer(url, where, request, limited);
    return isBegun ? begun(opened, limited) : opened;
  };
  return keep?.open({ address: where, file, quiet: patience.quiet }, download) ?? download();
}

/**
 * @param {URL} url  @param {string} where  for messages
 * @param {RequestOptions} request  @param {Patience} patience
 */
async function openAnswer(url, where, { fetch: fetchFile = globalThis.fetch, ...init }, patience) {
  const transfer = new AbortController();
  const { signal } = transfer;
  const ask = () => fetchFile(url.href, { ...init, signal, referrerPolicy: 'no-referrer' });
  const waiting = new Waiting(where, patience);
  try {
    return await waiting.for(answered(ask, where, transfer));
  } catch (error) {
    transfer.abort();
    throw error;
  } finally {
    waiting.end();
  }
}

/** @param {URL} address  @param {RequestOptions} request */
function refuseRequest(address, { fetch: fetchFile = globalThis.fetch, keep: _, ...init }) {
  if (address.username || address.password) {
    throw new KvcError('invalid_argument', 'An address with a name and password in it cannot be fetched. '
      + 'Take them out, and give loadModel() the headers { authorization }.');
  }
  if (typeof fetchFile !== 'function') {
    throw new KvcError('invalid_argument', 'The option fetch must be a function like the global fetch().');
  }
  try {
    new Request('http://model.invalid/', init);
  } catch (cause) {
    throw new KvcError('invalid_argument',
      `A request cannot have these headers, credentials or cache: ${reasonOf(cause)}`, { cause });
  }
}

/** @param {() => Promise<Response>} ask  @param {string} where  @param {AbortController} transfer */
async function answered(ask, where, transfer) {
  try {
    const response = await ask();
    if (typeof response?.headers?.get !== 'function') throw new TypeError('fetch gave no Response');
    refuseAnswer(response, where);
    return openedResponse(response, where, transfer);
  } catch (cause) {
    if (cause instanceof KvcError) throw cause;
    throw new Unreached(`${where} could not be fetched (${networkReason(cause)}). Check the address, the `
      + 'connection, and, for another site, that it sends Access-Control-Allow-Origin.', cause);
  }
}

/** @param {Response} response  @param {string} url */
function refuseAnswer(response, url) {
  const { status, statusText } = response;
  const answer = `${url} was answered with ${status} ${statusText}`.trim();
  const isAbsent = status === 404 || status === 410;
  if (isAbsent) throw new AbsentFile(`${answer}: there is no such file.`);
  if (status === 401 || status === 403) {
    throw new KvcError('file_unreachable', `${answer}. If the model needs a login, give loadModel() headers, `
      + 'credentials or a fetch that has it.');
  }
  if (!response.ok) {
    throw new KvcError('file_unreachable', `${answer}. Try again later, or check the address.`);
  }
  if (url.startsWith('https:') && response.url.startsWith('http:')) {
    throw new KvcError('file_unreachable',
      `${url} redirects to ${plain(response.url)}, which is not encrypted.`);
  }
}

/** @param {Response} response  @param {string} where  @param {AbortController} transfer  @returns {Opened} */
function openedResponse(response, where, transfer) {
  const encoding = response.headers.get('content-encoding') ?? 'identity';
  const length = response.headers.get('content-length') ?? '';
  // Content-Length is the compressed size of a compressed body. A cross-origin response does not show
  // whether it is compressed, so there the length is only a hint.
  const total = encoding === 'identity' && /^\d{1,15}$/.test(length) ? Number(length) : undefined;
  const reader = response.body ? readerOf(response.body) : undefined;
  return {
    where,
    total,
    size: response.type === 'cors' ? undefined : total,
    html: /^(?:text\/html|application\/xhtml)/i.test(response.headers.get('content-type') ?? ''),
    read: async () => reader?.read(),
    cancel: () => transfer.abort(),
  };
}

/** Node's fetch says only "fetch failed"; the reason is in the cause. @param {unknown} error */
function networkReason(error) {
  const cause = error instanceof Error ? error.cause : undefined;
  const code = /** @type {{ code?: unknown } | undefined} */ (cause)?.code;
  return [reasonOf(error), code ?? (cause && reasonOf(cause))].filter(Boolean).join(': ');
}
