// The places a model directory can lie in. Each is an Origin: it opens a file by name, reads it in chunks
// and lets go of it. What they have in common is in stream.js.
import { KvcError, abortError, reasonOf } from '../engine/errors.js';

const CHUNK = 256 * 1024; // bytes of one read, at most

/**
 * @typedef {Map<string, Blob> | Record<string, Blob>} Blobs  file name -> contents
 * @typedef {{ signal?: AbortSignal, idleMs: number }} Patience
 *
 * @typedef {object} Opened      one file, ready to be read
 * @property {string} where      full URL, path or name, for messages
 * @property {number} [size]     bytes, when the origin is sure
 * @property {number} [total]    bytes, as a hint for the progress bar
 * @property {boolean} [html]    declared to be a web page
 * @property {() => Promise<Uint8Array | undefined>} read   the next bytes, valid until the next call;
 *                               undefined at the end
 * @property {() => void} cancel lets go of the file; called once
 *
 * @typedef {{ name: string, open(file: string, patience: Patience): Promise<Opened> }} Origin
 */

/** The file does not exist, and nothing else went wrong: permitted for an optional file. */
export class AbsentFile extends KvcError {
  /** @param {string} message  @param {unknown} [cause] */
  constructor(message, cause) {
    super('file_unreachable', message, { cause });
  }
}

/**
 * Settles as `promise` does; rejects sooner on an abort, or after idleMs of silence.
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
    const onSilence = () => {
      stop();
      reject(new KvcError('file_unreachable', `${where} sent nothing for ${idleMs / 1000} s. `
        + 'Check the connection and load it again.'));
    };
    const timer = setTimeout(onSilence, idleMs);
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
    // A page or worker has an address that relative ones start from; Node has none, but it has paths.
    const base = globalThis.document?.baseURI ?? globalThis.location?.href;
    if (base === undefined && !/^[a-z][a-z\d+.-]*:\/\//i.test(source)) return diskOrigin(source);
    return urlOrigin(parsedUrl(source, base), fetchFile);
  }
  if (typeof source === 'object' && source !== null && !Array.isArray(source)) return blobOrigin(source);
  throw new KvcError('invalid_argument',
    'A model is loaded from a URL, a path (in Node), or a Map of file names to Blobs.');
}

/**
 * Reads into the same memory over and over: tens of megabytes of fresh arrays would pile up before a browser
 * collects them. A stream that is not a byte stream brings arrays of its own.
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
      const { done, value } = await reader.read(new Uint8Array(memory)); // takes the memory and gives it back
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
    throw new KvcError('invalid_argument',
      `"${address}" is not the address of a model directory; give an absolute URL.`, { cause });
  }
}

/** @param {URL} url  @param {typeof fetch} fetchFile  @returns {Promise<Origin> | Origin} */
function urlOrigin(url, fetchFile) {
  const isNode = globalThis.document === undefined && globalThis.location === undefined;
  if (url.protocol === 'file:' && isNode) return diskOrigin(url);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw new KvcError('invalid_argument',
      `A model cannot be loaded from a ${url.protocol} address; serve it over http(s).`);
  }
  return webOrigin(folderUrl(url), fetchFile);
}

/** The base URL of the files: with a final slash, without query and hash. @param {URL} url */
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
        const request = fetchFile(url,
          { signal: transfer.signal, credentials: 'omit', referrerPolicy: 'no-referrer' });
        const response = await patiently(request, url, patience);
        refuseAnswer(response, url);
        return openedResponse(response, url, transfer);
      } catch (error) {
        transfer.abort();
        if (error instanceof KvcError) throw error;
        throw new KvcError('file_unreachable', `${url} could not be fetched (${networkReason(error)}). Check `
          + 'the address, the connection, and, for another site, that it allows cross-origin requests.',
        { cause: error });
      }
    },
  };
}

/** @param {Response} response  @param {string} url */
function refuseAnswer(response, url) {
  const { status, statusText } = response;
  const answer = `${url} was answered with ${status} ${statusText}`.trim();
  const isAbsent = status === 404 || status === 410;
  if (isAbsent) throw new AbsentFile(`${answer}: there is no such file.`);
  if (!response.ok) {
    throw new KvcError('file_unreachable', `${answer}. Try again later, or check the address.`);
  }
  if (url.startsWith('https:') && response.url.startsWith('http:')) {
    throw new KvcError('file_unreachable',
      `${url} redirects to ${response.url}, which is not encrypted.`);
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

/**
 * Node's modules are imported here and nowhere else, under names that bundlers for the browser leave alone.
 * @param {string} module
 */
const nodeModule = (module) => import(/* @vite-ignore */ /* webpackIgnore: true */ `node:${module}`);

/** @param {string | URL} folder  @returns {Promise<Origin>} */
async function diskOrigin(folder) {
  const { open, stat } = await nodeModule('fs/promises');
  const { fileURLToPath, pathToFileURL } = await nodeModule('url');
  const base = folderUrl(typeof folder === 'string' ? pathToFileURL(folder) : folder);
  return {
    name: typeof folder === 'string' ? folder : base.href,
    async open(file) {
      const url = new URL(file, base);
      let where = url.href;
      try {
        where = fileURLToPath(url);
        // Checked before opening: opening a pipe would wait for a writer.
        const info = await stat(where);
        if (!info.isFile()) throw new Error('it is not a regular file');
        return openedHandle(await open(where), where, info.size);
      } catch (error) {
        const { code } = /** @type {{ code?: string }} */ (error);
        if (code === 'ENOENT' || code === 'ENOTDIR') throw new AbsentFile(`${where} does not exist.`, error);
        const why = `${where} cannot be opened: ${reasonOf(error)}`;
        throw new KvcError('file_unreachable', why, { cause: error });
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
      // Nothing was written, so nothing is lost if closing fails.
      handle.close().catch(() => {});
    },
  };
}

/** @param {Blobs} blobs  @returns {Origin} */
function blobOrigin(blobs) {
  const files = blobs instanceof Map ? blobs : new Map(Object.entries(blobs));
  return {
    name: 'files',
    async open(file) {
      const blob = files.get(file);
      if (blob === undefined) throw new AbsentFile(`There is no ${file} among the given files.`);
      if (!(blob instanceof Blob)) {
        throw new KvcError('invalid_argument', `The value given for ${file} is not a Blob or File.`);
      }
      const reader = readerOf(blob.stream());
      return {
        where: file,
        size: blob.size,
        read: reader.read,
        cancel() {
          // Nothing waits for the rest of a Blob, so it does not matter whether cancelling works.
          reader.cancel().catch(() => {});
        },
      };
    },
  };
}
