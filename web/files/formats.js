// A model whose weights lie there in a format that is not read: what it is, and how to get one that is.
// A pickle can run code of its own, so pytorch_model.bin is never opened.
import { isUrl } from '../engine/arguments.js';
import { KvcError } from '../engine/errors.js';

/** @import { Directory } from './files.js' */

/** One file, or several. */
const PICKLES = ['pytorch_model.bin', 'pytorch_model.bin.index.json'];
const CONVERT = 'Convert it once, in Python: from transformers import AutoModelForCausalLM; '
  + 'AutoModelForCausalLM.from_pretrained("the model").save_pretrained("a folder")';
const BRANCH = ', or look on its page under "Community" for a pull request that adds safetensors: number N '
  + 'is loaded from .../resolve/refs%2Fpr%2FN/';

/**
 * The error for a directory with weights in another format, or undefined where none are found.
 * @param {Directory} directory
 * @param {readonly string[]} [names]  of all files; a web server does not tell them
 */
export async function otherFormat(directory, names) {
  const found = names ? names.find((name) => /\.(?:bin|pth?|ckpt|gguf)$/i.test(name))
    : await foundOnServer(directory);
  if (found === undefined) return undefined;
  const isHub = /^https:\/\/huggingface\.co\//.test(directory.name);
  const advice = /gguf/i.test(found)
    ? 'GGUF is not read. Load the repository that it was made from, which has a model.safetensors.'
    : `PyTorch's pickles are not read, because they can run code. ${CONVERT}${isHub ? BRANCH : ''}.`;
  return new KvcError('weights_format',
    `${directory.name} has no model.safetensors, but ${found}. ${advice}`);
}

/** More to say where the address of one file was given for that of its folder. @param {unknown} source */
export function fileAdvice(source) {
  const address = isUrl(source) ? source.href : source;
  if (typeof address !== 'string') return '';
  const place = address.replace(/[?#].*$/, '');
  const [, folder, file] = /^(.*\/)?([^/]+\.(?:safetensors|json|bin|gguf))$/i.exec(place) ?? [];
  return file ? ` Load the folder that ${file} is in: ${folder ?? './'}` : '';
}

/** @param {Directory} directory */
async function foundOnServer(directory) {
  if (/gguf/i.test(directory.name)) return 'GGUF files, as its name says';
  for (const name of PICKLES) if (await directory.has(name)) return name;
  return undefined;
}
