// The places a model directory can lie in. Each is an Origin: open a file by name, read it in
// chunks, let go of it. What all of them have in common is in files.js.
import { KvcError, abortError, reasonOf } from '../engine/errors.js';

const CHUNK = 256 * 1024; // bytes read at once, at most

/**
 * @typedef {Map<string, Blob> | Record<string, Blob>} Blobs  file name -> contents
 * @typedef {{ signal?: AbortSignal, idleMs: number }} Patience
 *
 * @typedef {object} Opened      one file, ready to be read
 * @property {string} where      full URL, path or name, for messages
 * @property {number} [size]     bytes, when the origin is sure
 * @property {number} [total]    bytes, as a hint for the progress bar
 * @property {boolean} [html]    declared to be a web page
 * @property {() => Promise<Uint8Array | undefined>} read   the next bytes, good until the next call; undefined at the end
 * @property {() => void} cancel let go of it; called once
 *
 * @typedef {{ name: string, open(file: string, patience: Patience): Promise<Opened> }} Origin
 */

/** The file is not there, and nothing else went wrong: what an optional file may do. */
export class AbsentFile extends KvcError {
  /** @param {string} message  @param {unknown} [cause] */
  constructor(message, cause) {
    super('file_unreachable', message, { cause });
  }
}

/**
 * Settles as `promise` does, but not after an abort and not after idleMs of silence.
 * @template T
 * @param {Promise<T>} promise
 * @param {string} where
 * @param {Patience} patience
 * @returns {Promise<T>}
 */
export function patiently(promise, where, { signal, idleMs }) {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
    };
    const onAbort = () => {
      stop();
      reject(abortError(/** @type {AbortSignal} */ (signal)));
    };
    const timer = setTimeout(() => {
      stop();
      reject(new KvcError('file_unreachable', `${where} sent nothing for ${idleMs / 1000} s. Check the connection and load it again.`));
    }, idleMs);
    promise.then(resolve, reject).finally(stop);
    signal?.addEventListener('abort', onAbort);
    if (signal?.aborted) onAbort();
  });
}

/**
 * @param {string | URL | Blobs} source
 * @param {typeof fetch} fetchFile
 * @returns {Promise<Origin>}
 */
export async function originOf(source, fetchFile) {
  if (source instanceof URL) return urlOrigin(source, fetchFile);
  if (typeof source === 'string') {
    // A page or worker has an address that relative ones start from; Node has none, and has paths.
    const base = globalThis.document?.baseURI ?? globalThis.location?.href;
    if (base === undefined && !/^[a-z][a-z\d+.-]*:\/\//i.test(source)) return diskOrigin(source);
    return urlOrigin(parsedUrl(source, base), fetchFile);
  }
  if (typeof source === 'object' && source !== null && !Array.isArray(source)) return blobOrigin(source);
  throw new KvcError('invalid_argument', 'A model is loaded from a URL, a path (in Node), or a Map of file names to Blobs.');
}

/**
 * Reads into the same memory over and over: fresh arrays would pile up, tens of megabytes of them, before a browser
 * collects them. A stream that is not made of bytes has to give arrays of its own.
 * @param {ReadableStream<Uint8Array<ArrayBuffer>>} stream
 */
function readerOf(stream) {
  let reader;
  try {
    reader = stream.getReader({ mode: 'byob' });
  } catch {
    const other = stream.getReader();
    return { read: async () => (await other.read()).value, cancel: () => other.cancel() };
  }
  let memory = new ArrayBuffer(CHUNK);
  return {
    async read() {
      const { done, value } = await reader.read(new Uint8Array(memory)); // takes the memory, and gives it back
      if (value) memory = value.buffer;
      return done ? undefined : value;
    },
    cancel: () => reader.cancel(),
  };
}

/** @param {string} address  @param {string | undefined} base */
function parsedUrl(address, base) {
  try {
    return new URL(address, base);
  } catch (cause) {
    throw new KvcError('invalid_argument', `"${address}" is not the address of a model directory; give an absolute URL.`, { cause });
  }
}

/** @param {URL} url  @param {typeof fetch} fetchFile  @returns {Promise<Origin> | Origin} */
function urlOrigin(url, fetchFile) {
  if (url.protocol === 'file:' && globalThis.document === undefined && globalThis.location === undefined) return diskOrigin(url);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw new KvcError('invalid_argument', `A model cannot be loaded from a ${url.protocol} address; serve it over http(s).`);
  }
  return webOrigin(folderUrl(url), fetchFile);
}

/** The URL that file names are resolved against: with a final slash, without query and hash. @param {URL} url */
function folderUrl(url) {
  const folder = new URL(url);
  folder.search = folder.hash = '';
  if (!folder.pathname.endsWith('/')) folder.pathname += '/';
  return folder;
}

/** @param {URL} base  @param {typeof fetch} fetchFile  @returns {Origin} */
function webOrigin(base, fetchFile) {
  return {
    name: base.href,
    async open(file, patience) {
      const url = new URL(file, base).href;
      const transfer = new AbortController();
      try {
        const asked = fetchFile(url, { signal: transfer.signal, credentials: 'omit', referrerPolicy: 'no-referrer' });
        const response = await patiently(asked, url, patience);
        refuseAnswer(response, url);
        return openedResponse(response, url, transfer);
      } catch (error) {
        transfer.abort();
        if (error instanceof KvcError) throw error;
        throw new KvcError('file_unreachable', `${url} could not be fetched (${networkReason(error)}). Check the address, the `
          + 'connection, and, for another site, that it allows cross-origin requests.', { cause: error });
      }
    },
  };
}

/** @param {Response} response  @param {string} url */
function refuseAnswer(response, url) {
  const answer = `${url} was answered with ${response.status} ${response.statusText}`.trim();
  if (response.status === 404 || response.status === 410) throw new AbsentFile(`${answer}: there is no such file.`);
  if (!response.ok) throw new KvcError('file_unreachable', `${answer}. Try again later, or check the address.`);
  if (url.startsWith('https:') && response.url.startsWith('http:')) {
    throw new KvcError('file_unreachable', `${url} redirects to ${response.url}, which is not encrypted.`);
  }
}

/** @param {Response} response  @param {string} where  @param {AbortController} transfer  @returns {Opened} */
function openedResponse(response, where, transfer) {
  const encoding = response.headers.get('content-encoding') ?? 'identity';
  const length = response.headers.get('content-length') ?? '';
  // Of a compressed body, Content-Length tells the compressed size. Another origin's answer does
  // not show whether it is compressed, so there the length is no more than a hint.
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

/** Node's fetch says only "fetch failed" and hides the reason in the cause. @param {unknown} error */
function networkReason(error) {
  const cause = error instanceof Error ? error.cause : undefined;
  const code = /** @type {{ code?: unknown } | undefined} */ (cause)?.code;
  return [reasonOf(error), code ?? (cause && reasonOf(cause))].filter(Boolean).join(': ');
}

/**
 * Node's modules are imported only here, under names that bundlers for the browser leave alone.
 * @param {string} module
 */
const nodeModule = (module) => import(/* @vite-ignore */ /* webpackIgnore: true */ `node:${module}`);

/** @param {string | URL} folder  @returns {Promise<Origin>} */
async function diskOrigin(folder) {
  const [{ open, stat }, { fileURLToPath, pathToFileURL }] = await Promise.all([nodeModule('fs/promises'), nodeModule('url')]);
  const base = folderUrl(typeof folder === 'string' ? pathToFileURL(folder) : folder);
  return {
    name: typeof folder === 'string' ? folder : base.href,
    async open(file) {
      const url = new URL(file, base);
      let where = url.href;
      try {
        where = fileURLToPath(url);
        // Looked at before opening: opening a pipe would wait for someone to write into it.
        const info = await stat(where);
        if (!info.isFile()) throw new Error('it is not a regular file');
        return openedHandle(await open(where), where, info.size);
      } catch (error) {
        const { code } = /** @type {{ code?: string }} */ (error);
        if (code === 'ENOENT' || code === 'ENOTDIR') throw new AbsentFile(`${where} does not exist.`, error);
        throw new KvcError('file_unreachable', `${where} cannot be opened: ${reasonOf(error)}`, { cause: error });
      }
    },
  };
}

/**
 * @typedef {{ read(into: Uint8Array): Promise<{ bytesRead: number }>, close(): Promise<void> }} DiskFile
 * @param {DiskFile} handle  @param {string} where  @param {number} size  @returns {Opened}
 */
function openedHandle(handle, where, size) {
  const chunk = new Uint8Array(CHUNK);
  return {
    where,
    size,
    async read() {
      const { bytesRead } = await handle.read(chunk);
      return bytesRead > 0 ? chunk.subarray(0, bytesRead) : undefined;
    },
    cancel() {
      // Nothing was written, so nothing can be lost if closing fails.
      handle.close().catch(() => {});
    },
  };
}

/** @param {Blobs} blobs  @returns {Origin} */
function blobOrigin(blobs) {
  return {
    name: 'files',
    async open(file) {
      const blob = blobs instanceof Map ? blobs.get(file) : Object.hasOwn(blobs, file) ? blobs[file] : undefined;
      if (blob === undefined) throw new AbsentFile(`There is no ${file} among the given files.`);
      if (!(blob instanceof Blob)) throw new KvcError('invalid_argument', `What was given as ${file} is not a Blob or File.`);
      const reader = readerOf(blob.stream());
      return {
        where: file,
        size: blob.size,
        read: reader.read,
        cancel() {
          // Nobody waits for the rest of a Blob, whether letting go of it works or not.
          reader.cancel().catch(() => {});
        },
      };
    },
  };
}
