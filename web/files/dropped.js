// What browsers give where files or a folder are chosen or dropped: lists of Files, the items of a drag,
// entries and handles of folders. Of a folder the files of the model are taken: those beside its config.json.
import { KvcError, reasonOf } from '../engine/errors.js';
import { TEMPLATES } from './opened.js';

/**
 * @import { Blob, DataTransfer, DataTransferItem, File, FileSystemEntry,
 *   FileSystemHandle } from '../engine/platform.js'
 *
 * @typedef {File | DataTransferItem | FileSystemEntry | FileSystemHandle} DroppedItem
 * @typedef {ArrayLike<DroppedItem> | DataTransfer | FileSystemEntry | FileSystemHandle} Dropped
 *
 * @typedef {object} Node  what this module asks of any of them
 * @property {string} [kind]
 * @property {string} [name]
 * @property {string} [webkitRelativePath]
 * @property {boolean} [isFile]
 * @property {boolean} [isDirectory]
 * @property {() => unknown} [stream]
 * @property {() => unknown} [webkitGetAsEntry]
 * @property {() => unknown} [getAsFile]
 * @property {() => Promise<unknown>} [getFile]
 * @property {() => AsyncIterable<[string, unknown]>} [entries]
 * @property {(ok: (file: unknown) => void, no: (error: unknown) => void) => void} [file]
 * @property {() => { readEntries: (ok: (entries: Node[]) => void, no: (error: unknown) => void) => void }
 *   } [createReader]
 *
 * @typedef {{ path: string[], blob: Blob }} Found  path: of the folders, then the name
 */

const DEEPEST = 4;       // folders: a copy of the Hub's cache has a model three below
const MOST_FILES = 4096; // somebody's whole disk is no model

/** Whether files come in one of these ways. @param {unknown} source  @returns {source is Dropped} */
export function isDropped(source) {
  /** @type {Partial<Record<string, unknown>>} */
  if (ArrayBuffer.isView(source)) return false; // a list of numbers
  const { length, items, kind, isDirectory } = Object(source);
  return typeof length === 'number' || kind === 'directory' || isDirectory === true
    || typeof (/** @type {{ length?: unknown }} */ (Object(items)).length) === 'number';
}

/**
 * The files of a model by name. Called in the listener of the drop: later, a drag has nothing more to give.
 * @param {Dropped} dropped
 * @returns {Promise<Map<string, Blob>>}
 */
export async function modelFiles(dropped) {
  if (!isDropped(dropped)) {
    throw new KvcError('invalid_argument',
      'modelFiles() takes what was chosen or dropped: a list of files, a DataTransfer, or a folder.');
  }
  /** @type {Found[]} */
  const found = [];
  try {
    const roots = rootsOf(dropped); // before anything is waited for
    for (const root of roots) await walk(root, [], found);
  } catch (cause) {
    if (cause instanceof KvcError) throw cause;
    throw new KvcError('file_unreachable', `What was dropped cannot be read: ${reasonOf(cause)}`, { cause });
  }
  return modelAmong(found);
}

/** @param {Dropped} dropped  @returns {Node[]} */
function rootsOf(dropped) {
  const { items, files } = /** @type {{ items?: ArrayLike<Node>, files?: ArrayLike<Node> }} */ (dropped);
  const { length } = /** @type {ArrayLike<Node>} */ (dropped);
  if (!items && typeof length !== 'number') return [/** @type {Node} */ (dropped)];
  const list = items?.length ? items : files ?? /** @type {ArrayLike<Node>} */ (dropped);
  if (!(list.length <= MOST_FILES)) throw tooMany();
  return Array.from(list).flatMap((item) => {
    if (!item?.getAsFile) return [item];
    // WebKit has entries that cannot be read, for files that lie on no disk; of text there is neither.
    const entry = /** @type {Node | null | undefined} */ (item.webkitGetAsEntry?.());
    const node = entry?.isDirectory ? entry : /** @type {Node | null} */ (item.getAsFile()) ?? entry;
    return node ? [node] : [];
  });
}

const tooMany = () => new KvcError('invalid_argument',
  `These are more than ${MOST_FILES} files. Choose the folder of one model.`);

/**
 * Files into `found`, hidden ones left out: a clone's .git has thousands.
 * @param {Node} node  @param {string[]} path  of the folder it is in  @param {Found[]} found
 */
async function walk(node, path, found) {
  const { name = '', webkitRelativePath } = Object(node);
  const isFolder = node?.kind === 'directory' || node?.isDirectory === true;
  if (isFolder) {
    if (path.length >= DEEPEST) return;
    for await (const inner of inside(node)) {
      if (!inner.name?.startsWith('.')) await walk(inner, [...path, name], found);
    }
    return;
  }
  const blob = await fileOf(node);
  if (typeof blob?.stream !== 'function') {
    throw new KvcError('invalid_argument',
      'Among the files of a model is something that is neither a file nor a folder.');
  }
  if (found.length === MOST_FILES) throw tooMany();
  found.push({ path: webkitRelativePath ? webkitRelativePath.split('/') : [...path, name], blob });
}

/** @param {Node} folder  @returns {AsyncGenerator<Node>} */
async function* inside(folder) {
  if (folder.entries) {
    for await (const [, inner] of folder.entries()) yield /** @type {Node} */ (inner);
    return;
  }
  const reader = folder.createReader?.();
  for (;;) { // a reader gives a hundred at a time, and none at the end
    /** @type {Node[]} */
    const some = await new Promise((ok, no) => { reader ? reader.readEntries(ok, no) : ok([]); });
    if (some.length === 0) return;
    yield* some;
  }
}

/** @param {Node} node  @returns {Promise<Blob>} */
async function fileOf(node) {
  const file = node?.isFile ? await new Promise((ok, no) => { node.file?.(ok, no); })
    : node?.kind === 'file' ? await node.getFile?.() : node;
  return /** @type {Blob} */ (file);
}

/** The files beside the config.json that is highest up, and its templates. @param {Found[]} found */
function modelAmong(found) {
  if (found.length === 0) throw new KvcError('invalid_argument', 'There are no files in what was given.');
  const models = found.filter(({ path }) => path.at(-1) === 'config.json').map(({ path }) => path);
  const highest = Math.min(...models.map((path) => path.length));
  const folders = new Set(models.filter((path) => path.length === highest).map(folderOf));
  if (folders.size > 1) {
    const names = [...folders].slice(0, 5).join(', ');
    throw new KvcError('invalid_argument', `There are several models here: ${names}. Choose one of them.`);
  }
  const [folder] = folders; // without a config.json, all there are: the message will name what is missing
  /** @type {Map<string, Blob>} */
  const files = new Map();
  for (const { path, blob } of found) {
    const [name, inside] = path.slice().reverse();
    const isTemplate = `${inside}/` === TEMPLATES && folderOf(path.slice(0, -1)) === folder;
    if (folder !== undefined && folderOf(path) !== folder && !isTemplate) continue;
    if (folder !== undefined && files.has(name)) {
      throw new KvcError('invalid_argument',
        `There are two files named ${name}. Choose the files of one model.`);
    }
    files.set(isTemplate ? TEMPLATES + name : name, blob);
  }
  return files;
}

/** @param {string[]} path */
const folderOf = (path) => path.slice(0, -1).join('/');
